package io.vnet.tunnel.quick;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.Route;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import io.vnet.tunnel.config.QuickConfiguration;
import io.vnet.tunnel.config.QuickSettings;
import io.vnet.tunnel.config.RouteTable;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** A namespace with an interface {@code wg0} and a way out, {@code out0}. */
final class QuickLab implements AutoCloseable {
  static final QuickSettings PLAIN = QuickSettings.NONE;

  final NetworkNamespace namespace;
  final Netlink netlink;
  final RecordedPrograms programs = new RecordedPrograms();

  private final List<Netlink> opened = new ArrayList<>();

  /** The marks that the tunnel was configured with. */
  final List<OptionalInt> marks = new ArrayList<>();

  /** {@link #state} as the lab was made. */
  final List<String> untouched;

  QuickLab(NetworkNamespace namespace) {
    this.namespace = namespace;
    this.netlink = Netlink.open(namespace);
    ip("tuntap add name wg0 mode tun");
    ip("link add out0 type veth peer name out1");
    ip("addr add 192.0.2.2/24 dev out0");
    ip("addr add 2001:db8::2/64 dev out0 nodad");
    ip("link set out0 up");
    ip("link set out1 up");
    ip("route add default via 192.0.2.1 dev out0");
    this.untouched = state();
  }

  /** Gives a test a lab in a namespace of its own, as {@link NetworkNamespaces} gives that. */
  static final class PerTest implements ParameterResolver {
    private static final ExtensionContext.Namespace STORE =
        ExtensionContext.Namespace.create(QuickLab.class);

    private final NetworkNamespaces namespaces = new NetworkNamespaces();

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
      return parameter.getParameter().getType() == QuickLab.class;
    }

    @Override
    public QuickLab resolveParameter(ParameterContext parameter, ExtensionContext test) {
      QuickLab lab = new QuickLab(namespaces.resolveParameter(parameter, test));
      // The store closes what is in it when the test ends, what came last first.
      test.getStore(STORE).put(QuickLab.class, lab);
      return lab;
    }
  }

  void ip(String arguments) {
    Program.outputIn(namespace, ("ip " + arguments).split(" ", -1));
  }

  String sysctl(String name) {
    return namespace.call(() -> Sysctl.ofHost().get(name).orElseThrow());
  }

  void sysctl(String name, String value) {
    namespace.call(() -> {
      Sysctl.ofHost().set(name, value);
      return value;
    });
  }

  static QuickRequest request(QuickSettings settings, String... allowedIps) {
    return QuickRequest.of("wg0", settings)
        .withPeers(Stream.of(allowedIps).map(IpPrefix::parse).toList(), List.of());
  }

  static QuickSettings with(RouteTable table) {
    return new QuickSettings(
        List.of(),
        List.of(),
        List.of(),
        OptionalInt.empty(),
        table,
        false,
        List.of(),
        List.of(),
        List.of(),
        List.of());
  }

  /** What a file's text asks for, with endpoints that are numeric. */
  static QuickRequest request(QuickConfiguration configuration, String... endpoints) {
    QuickRequest request =
        QuickRequest.of("wg0", configuration, Map.of(), RoutingTableNames.ofHost());
    return request.withPeers(
        request.allowedIps(), Stream.of(endpoints).map(IpAddress::parse).toList());
  }

  Quick up(QuickRequest request) {
    return up(NativeLibc.load(), request);
  }

  /** With a tunnel that is configured in another way. */
  Quick up(QuickRequest request, Quick.Configuration configuration) {
    return namespace.call(
        () -> Quick.up(kept(Netlink.open()), Sysctl.ofHost(), programs, request, configuration));
  }

  /** Through another C library. */
  Quick up(Libc libc, QuickRequest request) {
    return namespace.call(
        () -> Quick.up(kept(Netlink.open(libc)), Sysctl.ofHost(), programs, request, marks::add));
  }

  /** What an interface uses as long as it is up; closed with the lab. */
  private Netlink kept(Netlink used) {
    opened.add(used);
    return used;
  }

  void down(Quick quick) {
    namespace.call(() -> {
      quick.close();
      return "";
    });
  }

  /** The destinations of routes out of wg0 that somebody made, in the order of the listing. */
  List<String> routes() {
    int index = netlink.link("wg0").map(Link::index).orElse(-1);
    return netlink.routes().stream()
        .filter(route -> route.interfaceIndex() == index && route.protocol() == 4)
        .map(route ->
            route.destination() + (route.table() == Route.MAIN_TABLE ? "" : " " + route.table()))
        .toList();
  }

  /** Those that are not the kernel's own three a family. */
  List<String> rules() {
    return netlink.rules().stream()
        .filter(rule -> {
          long priority = rule.priority().orElse(0);
          return priority != 0 && priority != 32766 && priority != 32767;
        })
        .map(Object::toString)
        .toList();
  }

  /** All that could have been changed. */
  List<String> state() {
    List<String> state = new ArrayList<>();
    for (Link link : netlink.links()) {
      state.add(link.name() + " " + link.up() + " " + link.mtu());
    }
    netlink.addresses().stream()
        .filter(address -> !address.state().kernelMade())
        .forEach(address -> state.add(address.interfaceIndex() + " " + address));
    netlink.routes().stream()
        .filter(route -> route.protocol() == 4)
        .forEach(route -> state.add(route.toString()));
    netlink.rules().forEach(rule -> state.add(rule.toString()));
    state.add(sysctl("net/ipv4/conf/all/src_valid_mark"));
    state.add(sysctl("net/ipv4/conf/all/rp_filter"));
    return state;
  }

  /** Whether nothing has changed, or all was undone. */
  void assertUntouched() {
    assertThat(state()).isEqualTo(untouched);
  }

  @Override
  public void close() {
    opened.forEach(Netlink::close);
    netlink.close();
  }
}
