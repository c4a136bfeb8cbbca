package io.vnet.tunnel.quick;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What an interface is to have besides the tunnel itself. Immutable; start from {@link #of}.
 *
 * @param interfaceName the kernel's name of the interface
 * @param addresses its addresses
 * @param mtu in bytes; empty: what fits the ways to the endpoints
 * @param table where the routes go
 * @param dns servers and search domains while it is up
 * @param hooks commands of the shell, in order within their moment
 * @param mark of the tunnel's datagrams, as an unsigned number; empty or 0: none is asked for
 * @param allowedIps of all peers
 * @param endpoints of all peers that have one, numeric
 */
public record QuickSettings(
    String interfaceName,
    List<IpPrefix> addresses,
    OptionalInt mtu,
    RouteTable table,
    Dns dns,
    List<Hook> hooks,
    OptionalInt mark,
    List<IpPrefix> allowedIps,
    List<IpAddress> endpoints) {
  /**
   * Who answers names.
   *
   * @param servers addresses
   * @param domains that are searched
   */
  public record Dns(List<IpAddress> servers, List<String> domains) {
    /** Nobody in particular. */
    public static final Dns NONE = new Dns(List.of(), List.of());

    /** Copies. */
    public Dns {
      servers = List.copyOf(servers);
      domains = List.copyOf(domains);
    }
  }

  /** When a hook runs. */
  public enum Moment {
    /** The interface is there; nothing else is done yet. */
    PRE_UP("PreUp"),
    /** All is done. */
    POST_UP("PostUp"),
    /** Nothing is taken back yet. */
    PRE_DOWN("PreDown"),
    /** The interface is gone. */
    POST_DOWN("PostDown");

    private final String key;

    Moment(String key) {
      this.key = key;
    }

    /** As files write it. */
    public String key() {
      return key;
    }
  }

  /**
   * A command of the shell.
   *
   * @param moment when it runs
   * @param origin where it was said, for messages: {@code wg0.conf:7}
   * @param command in which {@code %i} stands for the interface's name
   */
  public record Hook(Moment moment, String origin, String command) {
    /** Refuses null. */
    public Hook {
      Objects.requireNonNull(moment, "moment");
    }
  }

  /** Copies the lists. */
  public QuickSettings {
    Objects.requireNonNull(interfaceName, "interfaceName");
    Objects.requireNonNull(table, "table");
    Objects.requireNonNull(dns, "dns");
    addresses = List.copyOf(addresses);
    hooks = List.copyOf(hooks);
    allowedIps = List.copyOf(allowedIps);
    endpoints = List.copyOf(endpoints);
  }

  /** Nothing but being up, with an MTU that fits. */
  public static QuickSettings of(String interfaceName) {
    return new QuickSettings(
        interfaceName,
        List.of(),
        OptionalInt.empty(),
        new RouteTable.Auto(),
        Dns.NONE,
        List.of(),
        OptionalInt.empty(),
        List.of(),
        List.of());
  }

  /** With these addresses. */
  public QuickSettings withAddresses(List<IpPrefix> newAddresses) {
    return new QuickSettings(
        interfaceName, newAddresses, mtu, table, dns, hooks, mark, allowedIps, endpoints);
  }

  /** With this MTU. */
  public QuickSettings withMtu(int newMtu) {
    return new QuickSettings(
        interfaceName,
        addresses,
        OptionalInt.of(newMtu),
        table,
        dns,
        hooks,
        mark,
        allowedIps,
        endpoints);
  }

  /** With routes there. */
  public QuickSettings withTable(RouteTable newTable) {
    return new QuickSettings(
        interfaceName, addresses, mtu, newTable, dns, hooks, mark, allowedIps, endpoints);
  }

  /** With these servers and domains. */
  public QuickSettings withDns(Dns newDns) {
    return new QuickSettings(
        interfaceName, addresses, mtu, table, newDns, hooks, mark, allowedIps, endpoints);
  }

  /** With these commands. */
  public QuickSettings withHooks(List<Hook> newHooks) {
    return new QuickSettings(
        interfaceName, addresses, mtu, table, dns, newHooks, mark, allowedIps, endpoints);
  }

  /** With this mark of the datagrams. */
  public QuickSettings withMark(int newMark) {
    return new QuickSettings(
        interfaceName,
        addresses,
        mtu,
        table,
        dns,
        hooks,
        OptionalInt.of(newMark),
        allowedIps,
        endpoints);
  }

  /** With peers that have these allowed IPs and endpoints. */
  public QuickSettings withPeers(List<IpPrefix> newAllowedIps, List<IpAddress> newEndpoints) {
    return new QuickSettings(
        interfaceName, addresses, mtu, table, dns, hooks, mark, newAllowedIps, newEndpoints);
  }

  /** Whether IPv6 goes through it, which needs an MTU of 1280. */
  boolean v6() {
    return addresses.stream().anyMatch(prefix -> prefix.address().v6())
        || allowedIps.stream().anyMatch(prefix -> prefix.address().v6());
  }
}
