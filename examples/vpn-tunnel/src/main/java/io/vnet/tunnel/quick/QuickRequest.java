package io.vnet.tunnel.quick;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.tunnel.config.PeerSettings;
import io.vnet.tunnel.config.QuickConfiguration;
import io.vnet.tunnel.config.QuickSettings;
import io.vnet.tunnel.config.RouteTable;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What an interface is to have besides the tunnel itself. Immutable.
 *
 * @param interfaceName the kernel's name of the interface
 * @param origin where the settings come from, for messages: a file's name
 * @param settings addresses, MTU, DNS, hooks; their table is not a name any more
 * @param mark of the tunnel's datagrams, as an unsigned number; empty or 0: none is asked for
 * @param allowedIps of all peers
 * @param endpoints of all peers that have one
 */
public record QuickRequest(
    String interfaceName,
    String origin,
    QuickSettings settings,
    OptionalInt mark,
    List<IpPrefix> allowedIps,
    List<IpAddress> endpoints) {
  /** Copies the lists; refuses a table by name. */
  public QuickRequest {
    Objects.requireNonNull(interfaceName, "interfaceName");
    allowedIps = List.copyOf(allowedIps);
    endpoints = List.copyOf(endpoints);
    if (settings.table() instanceof RouteTable.Named(String name)) {
      throw new IllegalArgumentException("table " + name + " has not been looked up");
    }
  }

  /** Settings alone, without peers. */
  public static QuickRequest of(String interfaceName, QuickSettings settings) {
    return new QuickRequest(
        interfaceName, interfaceName, settings, OptionalInt.empty(), List.of(), List.of());
  }

  /**
   * What a configuration asks for.
   *
   * @param endpoints of the peers, as they were resolved
   * @throws VnetException EINVAL: nobody knows the table's name
   */
  public static QuickRequest of(
      String interfaceName,
      QuickConfiguration configuration,
      Map<PublicKey, Endpoint> endpoints,
      RoutingTableNames names) {
    Set<IpPrefix> allowedIps = new LinkedHashSet<>();
    for (PeerSettings peer : configuration.peers()) {
      for (AllowedIpChange change : peer.allowedIps()) {
        if (change.remove()) {
          allowedIps.remove(change.prefix());
        } else {
          allowedIps.add(change.prefix());
        }
      }
    }
    return new QuickRequest(
        interfaceName,
        configuration.file(),
        numbered(configuration, names),
        configuration.mark(),
        List.copyOf(allowedIps),
        endpoints.values().stream().map(Endpoint::address).distinct().toList());
  }

  private static QuickSettings numbered(QuickConfiguration configuration, RoutingTableNames names) {
    QuickSettings quick = configuration.quick();
    if (!(quick.table() instanceof RouteTable.Named(String name))) {
      return quick;
    }
    long number =
        names
            .find(name)
            .orElseThrow(() ->
                new VnetException(
                    "configure",
                    configuration.file(),
                    Errno.EINVAL,
                    "Table: nobody knows the table '" + name + "'",
                    "name it in /etc/iproute2/rt_tables, or use its number"));
    return new QuickSettings(
        quick.addresses(),
        quick.dnsServers(),
        quick.dnsSearch(),
        quick.mtu(),
        new RouteTable.Numbered((int) number),
        quick.saveConfig(),
        quick.preUp(),
        quick.postUp(),
        quick.preDown(),
        quick.postDown());
  }

  /** With this mark of the datagrams. */
  public QuickRequest withMark(int newMark) {
    return new QuickRequest(
        interfaceName, origin, settings, OptionalInt.of(newMark), allowedIps, endpoints);
  }

  /** With peers that have these allowed IPs and endpoints. */
  public QuickRequest withPeers(List<IpPrefix> newAllowedIps, List<IpAddress> newEndpoints) {
    return new QuickRequest(interfaceName, origin, settings, mark, newAllowedIps, newEndpoints);
  }

  boolean hasDns() {
    return !settings.dnsServers().isEmpty() || !settings.dnsSearch().isEmpty();
  }

  /** Whether IPv6 goes through it, which needs an MTU of 1280. */
  boolean v6() {
    return settings.addresses().stream().anyMatch(prefix -> prefix.address().v6())
        || allowedIps.stream().anyMatch(prefix -> prefix.address().v6());
  }
}
