package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.InterfaceNames;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.NetlinkConstants;
import io.vnet.io.netns.NetworkNamespace;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * The links, addresses, routes, rules and neighbours of one network namespace: what {@code ip(8)}
 * does, without it. Requests that change something need CAP_NET_ADMIN in the namespace.
 *
 * <p>Safe on any thread that may block: each call is one exchange with the kernel (a listing two,
 * one a family), and they queue. Not on an island, not on an actor's thread, not within an epoch
 * section. It stays in the namespace in which it was opened, whatever thread calls.
 *
 * <p><b>Errors</b> are {@link VnetException}: {@code add route 10.0.0.0/8 via 10.1.1.1 dev tun3:
 * ENETUNREACH, Nexthop has invalid gateway; bring tun3 up and give it an address in the network of
 * 10.1.1.1 first}. The reason is in the kernel's words where it gave some. If the kernel refused,
 * the cause is a {@link NetlinkRefusal} and nothing has changed; with another cause the exchange
 * itself failed, and the kernel may have done it or not. A list that kept changing while it was
 * read is EAGAIN.
 *
 * <p>Who opened it closes it.
 */
public final class Netlink implements AutoCloseable {
  private static final List<Integer> FAMILIES =
      List.of(LinuxConstants.AF_INET, LinuxConstants.AF_INET6);

  private final NetlinkSocket socket;

  private Netlink(NetlinkSocket socket) {
    this.socket = socket;
  }

  /**
   * That of the calling thread's namespace.
   *
   * @throws VnetException EPERM: native access is not enabled; EMFILE
   */
  public static Netlink open() {
    return open(NativeLibc.load());
  }

  /**
   * That of another namespace.
   *
   * @throws VnetException as {@link #open()}; EPERM: not allowed to enter it
   */
  public static Netlink open(NetworkNamespace namespace) {
    Libc libc = NativeLibc.load();
    return namespace.call(() -> open(libc));
  }

  /** That of the calling thread's namespace, through a given C library. */
  public static Netlink open(Libc libc) {
    return new Netlink(NetlinkSocket.open(libc, 0, 0));
  }

  /** All links in the order of their indices. */
  public List<Link> links() {
    return attempt(
            "list",
            () -> "links",
            Remedies::general,
            () -> decoded(socket.dump(LinkMessages.dump()), LinkMessages::decode))
        .stream()
        .sorted(Comparator.comparingInt(Link::index))
        .toList();
  }

  /** The link of a name, if there is one. */
  public Optional<Link> link(String name) {
    InterfaceNames.check("find link", name);
    return find(() -> "link " + name, LinkMessages.get(name));
  }

  /** The link of an index, if there is one. */
  public Optional<Link> link(int index) {
    return index < 1 ? Optional.empty() : find(() -> "link " + index, LinkMessages.get(index));
  }

  private Optional<Link> find(Supplier<String> object, MessageWriter request) {
    return attempt(
        "find",
        object,
        Remedies::general,
        () -> {
          try {
            return decoded(socket.request(request), LinkMessages::decode).stream().findFirst();
          } catch (NetlinkRefusal e) {
            if (e.errno() == Errno.ENODEV) {
              return Optional.empty();
            }
            throw e;
          }
        });
  }

  /**
   * Makes a dummy interface, which drops what is sent through it.
   *
   * @throws VnetException EEXIST; EOPNOTSUPP: the kernel has no such driver
   */
  public Link createDummy(String name) {
    return create("dummy", name, LinkMessages.create(name, "dummy"));
  }

  /** Makes a bridge; errors as in {@link #createDummy}. */
  public Link createBridge(String name) {
    return create("bridge", name, LinkMessages.create(name, "bridge"));
  }

  /**
   * Makes a pair of interfaces: what is sent through one arrives at the other. Errors as in {@link
   * #createDummy}.
   *
   * @return the one of the first name
   */
  public Link createVeth(String name, String peer) {
    InterfaceNames.check("create veth", peer);
    return create("veth", name, LinkMessages.createVeth(name, peer));
  }

  private Link create(String kind, String name, MessageWriter request) {
    InterfaceNames.check("create " + kind, name);
    return attempt(
        "create",
        () -> kind + " " + name,
        errno -> Remedies.create(errno, kind),
        () -> {
          socket.request(request);
          try {
            return decoded(socket.request(LinkMessages.get(name)), LinkMessages::decode).getFirst();
          } catch (RuntimeException e) {
            undo(e, () -> socket.request(LinkMessages.delete(name)));
            throw e;
          }
        });
  }

  private static void undo(RuntimeException cause, Runnable undo) {
    try {
      undo.run();
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
  }

  /**
   * Deletes a link; both of a veth pair.
   *
   * @throws VnetException ENODEV; EOPNOTSUPP: hardware
   */
  public void deleteLink(int index) {
    attempt(
        "delete",
        () -> "link " + device(index),
        Remedies::deleteLink,
        () -> socket.request(LinkMessages.delete(index)));
  }

  /**
   * Changes one thing about a link.
   *
   * @throws VnetException ENODEV: there is no such link; EINVAL, EBUSY, EEXIST: the kernel does not
   *     want it so
   */
  public void change(int index, LinkChange change) {
    if (change instanceof LinkChange.Name(String name)) {
      InterfaceNames.check("rename", name);
    }
    attempt(
        "set",
        () -> "link " + device(index) + " " + change,
        errno -> Remedies.change(errno, change),
        () -> request(index, change));
  }

  private List<Message> request(int index, LinkChange change) {
    MessageWriter request =
        change instanceof LinkChange.Up(boolean up)
            ? LinkMessages.up(index, up)
            : LinkMessages.change(index);
    switch (change) {
      case LinkChange.Up _ -> {}
      case LinkChange.Mtu(int bytes) -> request.attribute32(NetlinkConstants.IFLA_MTU, bytes);
      case LinkChange.Mac(var address) ->
          request.attributeMac(NetlinkConstants.IFLA_ADDRESS, address);
      case LinkChange.Name(String name) ->
          request.attributeText(NetlinkConstants.IFLA_IFNAME, name);
      case LinkChange.Alias(String text) ->
          request.attributeText(NetlinkConstants.IFLA_IFALIAS, text);
      case LinkChange.Master(int master) ->
          request.attribute32(NetlinkConstants.IFLA_MASTER, master);
      case LinkChange.NamespaceOfProcess(long pid) ->
          request.attribute32(NetlinkConstants.IFLA_NET_NS_PID, pid);
      case LinkChange.Namespace(NetworkNamespace target) -> {
        return target.withDescriptor(
            fd -> socket.request(request.attribute32(NetlinkConstants.IFLA_NET_NS_FD, fd)));
      }
    }
    return socket.request(request);
  }

  /** The addresses of all interfaces and both families. */
  public List<InterfaceAddress> addresses() {
    return list("addresses", AddressMessages::dump, AddressMessages::decode);
  }

  /**
   * Adds an address.
   *
   * @throws VnetException EEXIST: it is there; ENODEV: the interface is not
   */
  public void addAddress(InterfaceAddress address) {
    change("add", NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_EXCL, address);
  }

  /**
   * Adds an address, or leaves one that is there: an IPv6 one gets the flags said here.
   *
   * @throws VnetException ENODEV: the interface is not there
   */
  public void replaceAddress(InterfaceAddress address) {
    change("replace", NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_REPLACE, address);
  }

  private void change(String operation, int flags, InterfaceAddress address) {
    checkInterface(operation, "address " + address, address.interfaceIndex());
    attempt(
        operation,
        () -> "address " + address + " dev " + device(address.interfaceIndex()),
        errno -> Remedies.addAddress(errno, device(address.interfaceIndex())),
        () ->
            socket.request(AddressMessages.request(NetlinkConstants.RTM_NEWADDR, flags, address)));
  }

  /**
   * Deletes an address. With the first address of an IPv4 network the kernel deletes the others of
   * that network on the interface, unless sysctl promote_secondaries says otherwise.
   *
   * @throws VnetException EADDRNOTAVAIL: it is not there
   */
  public void deleteAddress(InterfaceAddress address) {
    checkInterface("delete", "address " + address, address.interfaceIndex());
    attempt(
        "delete",
        () -> "address " + address + " dev " + device(address.interfaceIndex()),
        errno -> Remedies.deleteAddress(errno, device(address.interfaceIndex())),
        () -> socket.request(AddressMessages.request(NetlinkConstants.RTM_DELADDR, 0, address)));
  }

  /** The routes of both families and of all tables. */
  public List<Route> routes() {
    return list("routes", RouteMessages::dump, RouteMessages::decode);
  }

  /**
   * The way that a packet of this host without a mark takes to an address now, by the rules and
   * tables as they are: its destination is the address alone, its MTU is that of the route or of
   * the path if either has one.
   *
   * @return empty: there is no way
   */
  public Optional<Route> routeTo(IpAddress destination) {
    return attempt(
        "find",
        () -> "route to " + destination,
        Remedies::general,
        () -> {
          try {
            return decoded(
                    socket.request(RouteMessages.lookup(destination)), RouteMessages::decodeAny)
                .stream()
                .findFirst();
          } catch (NetlinkRefusal e) {
            return switch (e.errno()) {
              // No route, an unreachable one, a blackhole, a prohibiting one.
              case ENETUNREACH, EHOSTUNREACH, EINVAL, EACCES -> Optional.empty();
              default -> throw e;
            };
          }
        });
  }

  /**
   * Adds a route.
   *
   * @return as the kernel has it: with the interface and the metric that it chose
   * @throws VnetException EEXIST: one of this destination, metric and table is there; ENETUNREACH,
   *     EHOSTUNREACH: nobody knows the way to the gateway; ENETDOWN: the interface is down
   */
  public Route addRoute(Route route) {
    return change("add", NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_EXCL, route);
  }

  /**
   * Adds a route, in the place of one of the same destination, metric and table if there is one.
   *
   * @return as {@link #addRoute}
   */
  public Route replaceRoute(Route route) {
    return change("replace", NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_REPLACE, route);
  }

  private Route change(String operation, int flags, Route route) {
    if (route.multipath()) {
      throw new IllegalArgumentException("a route with several next hops cannot be added");
    }
    return attempt(
        operation,
        () -> "route " + describe(route),
        errno -> Remedies.addRoute(errno, route, device(route.interfaceIndex())),
        () ->
            decoded(
                    socket.request(
                        RouteMessages.request(
                            NetlinkConstants.RTM_NEWROUTE,
                            flags | NetlinkConstants.NLM_F_ECHO,
                            route)),
                    RouteMessages::decode)
                .stream()
                .findFirst()
                .orElse(route));
  }

  /**
   * Deletes the route that has all that this one says.
   *
   * @throws VnetException ESRCH: there is none
   */
  public void deleteRoute(Route route) {
    attempt(
        "delete",
        () -> "route " + describe(route),
        Remedies::deleteRoute,
        () -> socket.request(RouteMessages.request(NetlinkConstants.RTM_DELROUTE, 0, route)));
  }

  /** As the kernel's tools write it. */
  private String describe(Route route) {
    return route.describe(device(route.interfaceIndex()));
  }

  /** The rules of both families, each in the order in which they are asked. */
  public List<Rule> rules() {
    return list("rules", RuleMessages::dump, RuleMessages::decode);
  }

  /**
   * Adds a rule.
   *
   * @return as the kernel has it: with the priority that it chose
   * @throws VnetException EEXIST: it is there
   */
  public Rule addRule(Rule rule) {
    int flags =
        NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_EXCL | NetlinkConstants.NLM_F_ECHO;
    return attempt(
        "add",
        () -> "rule " + rule,
        Remedies::addRule,
        () ->
            decoded(
                    socket.request(RuleMessages.request(NetlinkConstants.RTM_NEWRULE, flags, rule)),
                    RuleMessages::decode)
                .stream()
                .findFirst()
                .orElse(rule));
  }

  /**
   * Deletes the first rule that has all that this one says.
   *
   * @throws VnetException ENOENT: there is none
   */
  public void deleteRule(Rule rule) {
    attempt(
        "delete",
        () -> "rule " + rule,
        Remedies::deleteRule,
        () -> socket.request(RuleMessages.request(NetlinkConstants.RTM_DELRULE, 0, rule)));
  }

  /** The neighbours of all interfaces and both families, and the proxy entries. */
  public List<Neighbour> neighbours() {
    return attempt(
        "list",
        () -> "neighbours",
        Remedies::general,
        () ->
            FAMILIES.stream()
                .flatMap(family ->
                    List.of(false, true).stream()
                        .flatMap(proxies ->
                            socket.dump(NeighbourMessages.dump(family, proxies)).stream()))
                .flatMap(message -> NeighbourMessages.decode(message).stream())
                .distinct()
                .toList());
  }

  /**
   * Adds a neighbour.
   *
   * @throws VnetException EEXIST: the address is there; ENODEV; EINVAL: the interface has no
   *     neighbours
   */
  public void addNeighbour(Neighbour neighbour) {
    change(
        "add",
        NetlinkConstants.RTM_NEWNEIGH,
        NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_EXCL,
        neighbour);
  }

  /** Adds a neighbour, or sets what is known about one that is there. */
  public void replaceNeighbour(Neighbour neighbour) {
    change(
        "replace",
        NetlinkConstants.RTM_NEWNEIGH,
        NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_REPLACE,
        neighbour);
  }

  /**
   * Deletes a neighbour.
   *
   * @throws VnetException ENOENT: there is none
   */
  public void deleteNeighbour(Neighbour neighbour) {
    change("delete", NetlinkConstants.RTM_DELNEIGH, 0, neighbour);
  }

  private void change(String operation, int type, int flags, Neighbour neighbour) {
    checkInterface(operation, "neighbour " + neighbour, neighbour.interfaceIndex());
    attempt(
        operation,
        () -> "neighbour " + neighbour + " dev " + device(neighbour.interfaceIndex()),
        errno -> Remedies.neighbour(errno, device(neighbour.interfaceIndex())),
        () -> socket.request(NeighbourMessages.request(type, flags, neighbour)));
  }

  /** Links, addresses and routes. */
  public NetworkSnapshot snapshot() {
    return new NetworkSnapshot(links(), addresses(), routes());
  }

  /** For a message to people: the interface's name, or its number if it has none any more. */
  String device(int index) {
    if (index == 0) {
      return "";
    }
    try {
      return link(index).map(Link::name).orElse("#" + index);
    } catch (VnetException e) {
      // The failure that is being told matters more than this one.
      return "#" + index;
    }
  }

  private static void checkInterface(String operation, String object, int index) {
    if (index < 1) {
      throw new VnetException(
          operation, object, Errno.EINVAL, "no interface is said", "say it: on(link.index())");
    }
  }

  private <T> List<T> list(
      String objects,
      Function<Integer, MessageWriter> dump,
      Function<Message, Optional<T>> decode) {
    return attempt(
        "list",
        () -> objects,
        Remedies::general,
        () ->
            FAMILIES.stream()
                .flatMap(family ->
                    // Where a kernel has no IPv6 it answers with what it has.
                    socket.dump(dump.apply(family)).stream()
                        .filter(message -> message.family() == family))
                .flatMap(message -> decode.apply(message).stream())
                .toList());
  }

  private static <T> List<T> decoded(
      List<Message> messages, Function<Message, Optional<T>> decode) {
    return messages.stream().flatMap(message -> decode.apply(message).stream()).toList();
  }

  private static <T> T attempt(
      String operation,
      Supplier<String> object,
      Function<Errno, String> remedy,
      Supplier<T> exchange) {
    try {
      return exchange.get();
    } catch (NetlinkRefusal e) {
      throw new VnetException(
          operation, object.get(), e.errno(), e.reason(), remedy.apply(e.errno()), e);
    } catch (VnetException e) {
      throw new VnetException(
          operation, object.get(), e.errno(), e.operation() + ": " + e.reason(), e.remedy(), e);
    }
  }

  /** Closes the socket; waits for an exchange that is under way. */
  @Override
  public void close() {
    socket.close();
  }
}
