package io.vnet.tunnel.quick;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.api.port.PortListener;
import java.util.Optional;
import java.util.Set;

/**
 * A device's port whose MTU is that of its interface now, whoever changed it; the device itself
 * knows what it was given. For a device with offloads, whose packets may have any length.
 *
 * <p>Calls go straight through: no system call, copy, allocation or thread hop a batch.
 */
public final class InterfacePort implements PacketPort {
  private final PacketPort port;
  private volatile int mtu;

  /** Over a port, with its MTU at first. */
  public InterfacePort(PacketPort port) {
    this.port = port;
    this.mtu = port.mtu();
  }

  /** The interface has another MTU, in bytes. */
  public void mtu(int newMtu) {
    mtu = newMtu;
  }

  @Override
  public String name() {
    return port.name();
  }

  @Override
  public Layer layer() {
    return port.layer();
  }

  @Override
  public int mtu() {
    return mtu;
  }

  @Override
  public int receive(PacketBatch into) {
    return port.receive(into);
  }

  @Override
  public int send(PacketBatch batch, int from) {
    return port.send(batch, from);
  }

  @Override
  public Registration listen(PortListener listener) {
    return port.listen(listener);
  }

  @Override
  public void countDrop(DropReason reason, long packets) {
    port.countDrop(reason, packets);
  }

  @Override
  public PortCounters counters() {
    return port.counters();
  }

  @Override
  public Set<OffloadFeature> offloads() {
    return port.offloads();
  }

  @Override
  public Optional<Island> island() {
    return port.island();
  }

  @Override
  public boolean isOpen() {
    return port.isOpen();
  }

  @Override
  public void close() {
    port.close();
  }
}
