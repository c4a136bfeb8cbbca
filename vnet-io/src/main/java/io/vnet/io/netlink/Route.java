package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.io.libc.NetlinkConstants;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A route.
 *
 * @param destination host bits are dropped
 * @param type what happens to a packet
 * @param gateway the next hop; it may be of the other family (IPv4 over IPv6)
 * @param interfaceIndex where it leaves; 0: the kernel finds it by the gateway, or there is none
 * @param metric 0 to 2³²−1, the smallest wins; for IPv6 the kernel makes 1024 of a 0
 * @param table 1 to 2³²−1; {@link #MAIN_TABLE} unless said
 * @param scope of IPv4: how far the destination is
 * @param protocol who made it: 2 is the kernel, 4 (unless said) the administrator
 * @param preferredSource the source address of packets that have none
 * @param mtu in bytes; 0: the interface's
 * @param mtuLocked whether path MTU discovery may not change it
 * @param onLink whether the gateway is taken to be on the link although no address says so
 * @param multipath several next hops share the traffic: neither gateway nor interface are shown,
 *     and such a route cannot be added here
 */
public record Route(
    IpPrefix destination,
    Type type,
    Optional<IpAddress> gateway,
    int interfaceIndex,
    long metric,
    long table,
    Scope scope,
    int protocol,
    Optional<IpAddress> preferredSource,
    int mtu,
    boolean mtuLocked,
    boolean onLink,
    boolean multipath) {
  /** The table that packets are looked up in unless a rule says otherwise. */
  public static final long MAIN_TABLE = NetlinkConstants.RT_TABLE_MAIN;

  private static final long U32_MAX = 0xFFFF_FFFFL;

  /**
   * What happens to a packet.
   *
   * <p>Source: linux/rtnetlink.h, {@code RTN_*}.
   */
  public enum Type {
    /** A kind that has no name here. */
    OTHER(0),
    /** It goes to the gateway or onto the link. */
    UNICAST(1),
    /** It is for this host. */
    LOCAL(2),
    /** It goes out as a broadcast. */
    BROADCAST(3),
    /** It is for this host, one of several with the address. */
    ANYCAST(4),
    /** It goes to a group. */
    MULTICAST(5),
    /** It is dropped silently. */
    BLACKHOLE(6),
    /** It is dropped, and the sender told that the host cannot be reached. */
    UNREACHABLE(7),
    /** It is dropped, and the sender told that this is forbidden. */
    PROHIBIT(8),
    /** The lookup goes on in the next table. */
    THROW(9);

    private final int number;

    Type(int number) {
      this.number = number;
    }

    int number() {
      return number;
    }

    static Type ofNumber(int number) {
      for (Type type : values()) {
        if (type.number == number) {
          return type;
        }
      }
      return OTHER;
    }
  }

  /** Drops host bits and checks the ranges and families. */
  public Route {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(scope, "scope");
    destination = destination.network();
    if (metric < 0 || metric > U32_MAX) {
      throw new IllegalArgumentException("metric " + metric + " is not within 0.." + U32_MAX);
    }
    if (table < 1 || table > U32_MAX) {
      throw new IllegalArgumentException("table " + table + " is not within 1.." + U32_MAX);
    }
    if (gateway.isPresent() && destination.address().v6() && !gateway.get().v6()) {
      throw new IllegalArgumentException("an IPv6 route has no IPv4 gateway " + gateway.get());
    }
    if (preferredSource.isPresent() && preferredSource.get().v6() != destination.address().v6()) {
      throw new IllegalArgumentException(
          "source " + preferredSource.get() + " is not of the family of " + destination);
    }
  }

  /** Onto the link, in the main table, with metric 0. */
  public static Route to(IpPrefix destination) {
    return new Route(
        destination,
        Type.UNICAST,
        Optional.empty(),
        0,
        0,
        MAIN_TABLE,
        destination.address().v6() ? Scope.UNIVERSE : Scope.LINK,
        NetlinkConstants.RTPROT_STATIC,
        Optional.empty(),
        0,
        false,
        false,
        false);
  }

  /** Through a gateway; the scope becomes {@link Scope#UNIVERSE}. */
  public Route via(IpAddress newGateway) {
    return with(draft -> {
      draft.gateway = Optional.of(newGateway);
      draft.scope = Scope.UNIVERSE;
    });
  }

  /** Out of an interface. */
  public Route on(int index) {
    return with(draft -> draft.interfaceIndex = index);
  }

  /** Of another type; the scope becomes {@link Scope#UNIVERSE}, of a local one the host. */
  public Route withType(Type newType) {
    return with(draft -> {
      draft.type = newType;
      draft.scope = newType == Type.LOCAL ? Scope.HOST : Scope.UNIVERSE;
    });
  }

  /** With another metric. */
  public Route withMetric(long newMetric) {
    return with(draft -> draft.metric = newMetric);
  }

  /** In another table. */
  public Route withTable(long newTable) {
    return with(draft -> draft.table = newTable);
  }

  /** With another scope. */
  public Route withScope(Scope newScope) {
    return with(draft -> draft.scope = newScope);
  }

  /** Made by another than the administrator. */
  Route withProtocol(int newProtocol) {
    return with(draft -> draft.protocol = newProtocol);
  }

  /** With a preferred source address. */
  public Route withPreferredSource(IpAddress newSource) {
    return with(draft -> draft.preferredSource = Optional.of(newSource));
  }

  /**
   * With an MTU of its own.
   *
   * @param bytes 0: the interface's
   * @param locked whether path MTU discovery may not change it
   */
  public Route withMtu(int bytes, boolean locked) {
    return with(draft -> {
      draft.mtu = bytes;
      draft.mtuLocked = locked;
    });
  }

  /** With a gateway that is taken to be on the link. */
  public Route withOnLink() {
    return with(draft -> draft.onLink = true);
  }

  boolean v6() {
    return destination.address().v6();
  }

  /**
   * As the kernel's tools write it, with its interface's name.
   *
   * @param device empty: without
   */
  String describe(String device) {
    StringBuilder text = new StringBuilder();
    if (type != Type.UNICAST) {
      text.append(type.name().toLowerCase(Locale.ROOT)).append(' ');
    }
    text.append(destination);
    gateway.ifPresent(hop -> text.append(" via ").append(hop));
    if (!device.isEmpty()) {
      text.append(" dev ").append(device);
    }
    if (table != MAIN_TABLE) {
      text.append(" table ").append(table);
    }
    if (metric != 0) {
      text.append(" metric ").append(metric);
    }
    return text.toString();
  }

  /** As the kernel's tools write it, with the interface's index. */
  @Override
  public String toString() {
    return describe(interfaceIndex == 0 ? "" : "#" + interfaceIndex);
  }

  private Route with(Consumer<Draft> change) {
    Draft draft = new Draft();
    change.accept(draft);
    return draft.route();
  }

  /** The components that a copy may have otherwise. */
  private final class Draft {
    private Type type = Route.this.type;
    private Optional<IpAddress> gateway = Route.this.gateway;
    private int interfaceIndex = Route.this.interfaceIndex;
    private long metric = Route.this.metric;
    private long table = Route.this.table;
    private Scope scope = Route.this.scope;
    private int protocol = Route.this.protocol;
    private Optional<IpAddress> preferredSource = Route.this.preferredSource;
    private int mtu = Route.this.mtu;
    private boolean mtuLocked = Route.this.mtuLocked;
    private boolean onLink = Route.this.onLink;

    Route route() {
      return new Route(
          destination,
          type,
          gateway,
          interfaceIndex,
          metric,
          table,
          scope,
          protocol,
          preferredSource,
          mtu,
          mtuLocked,
          onLink,
          multipath);
    }
  }
}
