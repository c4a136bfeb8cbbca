package io.vnet.io.netty;

import io.netty.channel.ChannelOption;
import io.netty.channel.DefaultChannelConfig;
import io.vnet.api.port.PacketPort;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Netty's options, and what the port says of itself, which cannot be set here. */
final class PortChannelConfig extends DefaultChannelConfig {
  private final PacketPortChannel portChannel;
  private final PacketPort port;

  PortChannelConfig(PacketPortChannel portChannel, PacketPort port) {
    super(portChannel);
    this.portChannel = portChannel;
    this.port = port;
  }

  @Override
  public Map<ChannelOption<?>, Object> getOptions() {
    return getOptions(super.getOptions(), PacketPortChannel.MTU, PacketPortChannel.LAYER);
  }

  @Override
  @SuppressWarnings("unchecked") // Each option is compared with the one whose type it has.
  public <T> @Nullable T getOption(ChannelOption<T> option) {
    if (option.equals(PacketPortChannel.MTU)) {
      return (T) Integer.valueOf(port.mtu());
    }
    if (option.equals(PacketPortChannel.LAYER)) {
      return (T) port.layer();
    }
    return super.getOption(option);
  }

  @Override
  protected void autoReadCleared() {
    portChannel.stopReading();
  }
}
