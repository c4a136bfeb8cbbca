package io.vnet.tunnel.config;

import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.config.QuickSettings.Hook;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.settings.ZoneNames;
import java.util.List;
import java.util.stream.Collectors;

/** Configurations as text, with their secrets: for files, never for a log. */
public final class ConfigurationText {
  private static final String INTERFACE = "[Interface]\n";

  private ConfigurationText() {}

  /** What {@code wg showconf} prints of a tunnel. */
  public static String tunnel(TunnelStatus status, ZoneNames zones) {
    StringBuilder text = new StringBuilder(INTERFACE);
    appendTunnel(text, status, zones);
    return text.toString();
  }

  /**
   * The whole file, as wg-quick saves it.
   *
   * @param quick with the addresses that the interface has
   * @param status the running tunnel
   */
  public static String quick(QuickSettings quick, TunnelStatus status, ZoneNames zones) {
    StringBuilder text = new StringBuilder(INTERFACE);
    quick.addresses().forEach(address -> append(text, Key.ADDRESS, address.toString()));
    quick.dnsServers().forEach(server -> append(text, Key.DNS, server.toString()));
    quick.dnsSearch().forEach(domain -> append(text, Key.DNS, domain));
    quick.mtu().ifPresent(mtu -> append(text, Key.MTU, Integer.toString(mtu)));
    if (!(quick.table() instanceof RouteTable.Auto)) {
      append(text, Key.TABLE, quick.table().toString());
    }
    if (quick.saveConfig()) {
      append(text, Key.SAVE_CONFIG, "true");
    }
    append(text, Key.PRE_UP, quick.preUp());
    append(text, Key.POST_UP, quick.postUp());
    append(text, Key.PRE_DOWN, quick.preDown());
    append(text, Key.POST_DOWN, quick.postDown());
    appendTunnel(text, status, zones);
    return text.toString();
  }

  private static void appendTunnel(StringBuilder text, TunnelStatus status, ZoneNames zones) {
    if (status.listenPort() != 0) {
      append(text, Key.LISTEN_PORT, Integer.toString(status.listenPort()));
    }
    if (status.mark() != 0) {
      append(text, Key.FW_MARK, "0x" + Integer.toHexString(status.mark()));
    }
    status.privateKey().ifPresent(key -> append(text, Key.PRIVATE_KEY, key.base64()));
    for (PeerStatus peer : status.peers()) {
      text.append("\n[Peer]\n");
      append(text, Key.PUBLIC_KEY, peer.publicKey().base64());
      peer.presharedKey()
          .filter(key -> !key.isZero())
          .ifPresent(key -> append(text, Key.PRESHARED_KEY, key.base64()));
      if (!peer.allowedIps().isEmpty()) {
        append(
            text,
            Key.ALLOWED_IPS,
            peer.allowedIps().stream().map(IpPrefix::toString).collect(Collectors.joining(", ")));
      }
      peer.endpoint().ifPresent(endpoint -> append(text, Key.ENDPOINT, zones.text(endpoint)));
      if (peer.persistentKeepalive() != 0) {
        append(text, Key.PERSISTENT_KEEPALIVE, Integer.toString(peer.persistentKeepalive()));
      }
    }
  }

  private static void append(StringBuilder text, Key key, List<Hook> hooks) {
    hooks.forEach(hook -> append(text, key, hook.command()));
  }

  private static void append(StringBuilder text, Key key, String value) {
    text.append(key.text()).append(" = ").append(value).append('\n');
  }
}
