package io.vnet.tunnel.config;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import java.util.List;
import java.util.OptionalInt;

/**
 * What is done around a tunnel when its interface is brought up and down: the keys that wg-quick
 * adds.
 *
 * @param addresses of the interface, with their host bits
 * @param dnsServers name servers
 * @param dnsSearch search domains
 * @param mtu 576 to 65503; empty: from the route's
 * @param table where routes to allowed IPs go
 * @param saveConfig whether the running state is written back at the end
 * @param preUp before the tunnel is configured
 * @param postUp when all is done
 * @param preDown before anything is taken away
 * @param postDown when all is gone
 */
public record QuickSettings(
    List<IpPrefix> addresses,
    List<IpAddress> dnsServers,
    List<String> dnsSearch,
    OptionalInt mtu,
    RouteTable table,
    boolean saveConfig,
    List<Hook> preUp,
    List<Hook> postUp,
    List<Hook> preDown,
    List<Hook> postDown) {
  /** Nothing. */
  public static final QuickSettings NONE =
      new QuickSettings(
          List.of(),
          List.of(),
          List.of(),
          OptionalInt.empty(),
          new RouteTable.Auto(),
          false,
          List.of(),
          List.of(),
          List.of(),
          List.of());

  /**
   * A shell command.
   *
   * @param line where it stands, from 1
   * @param command as it stands there
   */
  public record Hook(int line, String command) {
    /** The command with the interface's name for each {@code %i}. */
    public String commandFor(String interfaceName) {
      return command.replace("%i", interfaceName);
    }
  }

  /** Copies. */
  public QuickSettings {
    addresses = List.copyOf(addresses);
    dnsServers = List.copyOf(dnsServers);
    dnsSearch = List.copyOf(dnsSearch);
    preUp = List.copyOf(preUp);
    postUp = List.copyOf(postUp);
    preDown = List.copyOf(preDown);
    postDown = List.copyOf(postDown);
  }

  /** The same with these addresses. */
  public QuickSettings withAddresses(List<IpPrefix> newAddresses) {
    return new QuickSettings(
        newAddresses,
        dnsServers,
        dnsSearch,
        mtu,
        table,
        saveConfig,
        preUp,
        postUp,
        preDown,
        postDown);
  }

  /** The same with this MTU. */
  public QuickSettings withMtu(int newMtu) {
    return new QuickSettings(
        addresses,
        dnsServers,
        dnsSearch,
        OptionalInt.of(newMtu),
        table,
        saveConfig,
        preUp,
        postUp,
        preDown,
        postDown);
  }
}
