package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.Done;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.actors.testkit.HostWay;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.Framing;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.error.Errno;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** The life of devices of the kernel, each in a network namespace of the test's own. */
@ExtendWith(NetworkNamespaces.class)
@ParameterizedClass
@EnumSource(names = {"EPOLL", "IO_URING", "OFFLOAD"})
class HostDeviceLifeIT {
  private static final int CYCLES = 70;
  private static final int WARM_UP = 10;
  private static final int GUARD_SECONDS = 60;
  private static final int FLOOD_PACKETS_MAX = 2_000_000;
  private static final int DISCARD_PORT = 9;
  private static final int IP_AND_UDP_BYTES = 28;

  private final HostWay way;
  private final VnetHost host;

  HostDeviceLifeIT(HostWay way) {
    this.way = way;
    this.host = way.host();
  }

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  private DeviceSpec spec(String name, NetworkNamespace namespace, String... addresses) {
    return DeviceSpec.of(name)
        .withHost(
            way.backing(namespace)
                .withAddresses(
                    List.of(addresses).stream().map(IpPrefix::parse).toArray(IpPrefix[]::new)));
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  /** The threads of the host, without those of bounded pools, which come and go with the work. */
  private Set<String> threads() {
    String system = host.system().name();
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith(system) || name.startsWith("vnet-"))
        .filter(name -> !name.contains("-blocking-") && !name.contains("akka.actor."))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private void cycle(NetworkNamespace namespace, boolean closeFirst) {
    Device device = host.create(spec("tun", namespace));
    DeviceHandle handle = device.open();
    if (closeFirst) {
      handle.close();
    }
    device.destroy();
    handle.close();
  }

  @Test
  void many_cycles_leave_the_same_figures_as_before(NetworkNamespace namespace) {
    for (int i = 0; i < WARM_UP; i++) {
      cycle(namespace, i % 2 == 0);
    }
    HostStatistics before = host.statistics();
    Descriptors descriptors = Descriptors.now();
    Set<String> threads = threads();
    for (int i = 0; i < CYCLES; i++) {
      cycle(namespace, i % 2 == 0);
    }
    assertThat(host.statistics()).isEqualTo(before);
    assertThat(Descriptors.now().since(descriptors)).isEmpty();
    assertThat(threads()).isEqualTo(threads);
    assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain("tun");
  }

  @Test
  void the_link_is_up_exactly_while_the_device_is_open(NetworkNamespace namespace) {
    Device device = host.create(spec("tun", namespace, "10.9.0.1/24"));
    for (int i = 0; i < 3; i++) {
      assertThat(link(namespace)).contains("NO-CARRIER", ",UP");
      DeviceHandle handle = device.open();
      assertThat(link(namespace)).contains("LOWER_UP").doesNotContain("NO-CARRIER");
      handle.close();
      end(handle.closed());
    }
    assertThat(link(namespace)).contains("NO-CARRIER");
  }

  private static String link(NetworkNamespace namespace) {
    return Program.outputIn(namespace, "ip", "-o", "link", "show", "dev", "tun0");
  }

  @Test
  void what_the_kernel_sends_right_after_an_open_is_read(NetworkNamespace namespace)
      throws IOException {
    Device device = host.create(spec("tun", namespace, "10.9.0.1/24"));
    try (DatagramSocket socket = socket(namespace, "10.9.0.2")) {
      for (int i = 1; i <= 50; i++) {
        DeviceHandle handle = device.open();
        socket.send(new DatagramPacket(new byte[] {(byte) i}, 1));
        Packet packet = handle.read();
        // The kernel's own packets, for its groups, may come before.
        while (packet.length() != IP_AND_UDP_BYTES + 1) {
          packet = handle.read();
        }
        assertThat(packet.toByteArray()[IP_AND_UDP_BYTES]).isEqualTo((byte) i);
        handle.close();
        end(handle.closed());
      }
    }
  }

  private static DatagramSocket socket(NetworkNamespace namespace, String target) {
    return namespace.call(() -> {
      DatagramSocket made = new DatagramSocket();
      made.connect(InetAddress.getByName(target), DISCARD_PORT);
      return made;
    });
  }

  /** As a helper passes it on: blocking, and attached to an interface of its own choice. */
  private static int given(NetworkNamespace namespace, String name) {
    Libc libc = NativeLibc.load();
    int fd = namespace.call(() -> (int) libc.open("/dev/net/tun", LinuxConstants.O_RDWR));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
      request.setString(0, name);
      request.set(
          ValueLayout.JAVA_SHORT,
          LinuxConstants.IFNAMSIZ,
          (short) (LinuxConstants.IFF_TUN | LinuxConstants.IFF_NO_PI));
      assertThat(libc.ioctl(fd, LinuxConstants.TUNSETIFF, request.address())).isZero();
    }
    return fd;
  }

  @Test
  void an_adopted_descriptor_is_the_devices_own_if_that_can_be_created(NetworkNamespace namespace) {
    Descriptors before = Descriptors.now();
    int given = given(namespace, "uplink");
    HostBacking adopt = HostBacking.adopt(given).withAddresses(IpPrefix.parse("10.9.0.1/24"));
    assertThat(errnoOf(() -> host.create(DeviceSpec.of("tap").withHost(adopt))))
        .isEqualTo(Errno.EINVAL);
    assertThat(Program.outputIn(namespace, "ip", "-o", "link")).contains("uplink");

    Device device = host.create(DeviceSpec.of("tun").withHost(adopt));
    assertThat(device.interfaceName()).isEqualTo("uplink");
    try (DeviceHandle handle = device.open()) {
      assertThat(handle.interfaceName()).isEqualTo("uplink");
      Program.runIn(namespace, "ping", "-n", "-c", "1", "-W", "1", "10.9.0.2");
      assertThat(handle.read().length()).isPositive();
    }
    device.destroy();
    assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain("uplink");
    assertThat(NativeLibc.load().fcntl(given, LinuxConstants.F_GETFL, 0))
        .isEqualTo(-Errno.EBADF.number());
    assertThat(Descriptors.now().since(before).getOrDefault("tun", 0)).isZero();
  }

  @Test
  void a_persistent_interface_outlives_its_device_until_it_is_made_to_go(
      NetworkNamespace namespace) {
    HostBacking wan = way.backing(namespace).withInterfaceName("wan");
    host.create(DeviceSpec.of("tun").withHost(wan.withPersistent(true).withOwner(65534))).destroy();
    assertThat(Program.outputIn(namespace, "ip", "-o", "-d", "link", "show", "dev", "wan"))
        .contains("persist on", "NO-CARRIER");
    HostBacking attach = wan.withMode(HostBacking.Mode.ATTACH);
    host.create(DeviceSpec.of("tun").withHost(attach.withPersistent(false))).destroy();
    assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain("wan");
  }

  @Test
  void a_forced_destroy_under_a_flood_happens_in_the_documented_order(NetworkNamespace namespace) {
    List<DeviceEvent.Kind> order = new CopyOnWriteArrayList<>();
    CompletableFuture<Boolean> last = new CompletableFuture<>();
    host.onEvent(event -> {
      order.add(event.kind());
      if (event.kind() == DeviceEvent.Kind.UNIT_FREED) {
        last.complete(true);
      }
    });
    Device device = host.create(spec("tun", namespace, "10.9.0.1/24"));
    DeviceHandle handle = device.open();
    PacketStreams streams = host.streams(handle);
    AtomicLong seen = new AtomicLong();
    CompletionStage<Done> stream =
        streams.run(
            streams
                .batches()
                .toMat(
                    Sink.foreach((PacketBatch batch) -> {
                      seen.addAndGet(batch.count());
                      batch.release();
                    }),
                    Keep.right()));
    CompletableFuture<Long> flood = flood(namespace, "10.9.0.2");
    await().until(() -> seen.get() > 1_000);

    device.destroy();

    assertThat(end(last)).isTrue();
    assertThat(order)
        .containsExactly(
            DeviceEvent.Kind.CREATED,
            DeviceEvent.Kind.OPENED,
            DeviceEvent.Kind.DESTROY_REQUESTED,
            DeviceEvent.Kind.OPENS_REFUSED,
            DeviceEvent.Kind.HANDLE_REVOKED,
            DeviceEvent.Kind.NODE_REMOVED,
            DeviceEvent.Kind.DETACHED,
            DeviceEvent.Kind.QUIESCED,
            DeviceEvent.Kind.READERS_DRAINED,
            DeviceEvent.Kind.RELEASED,
            DeviceEvent.Kind.UNIT_FREED);
    assertThatThrownBy(() -> end(stream)).hasStackTraceContaining("ENXIO");
    assertThat(end(flood)).isGreaterThan(1_000L).isLessThan(FLOOD_PACKETS_MAX);
    assertThat(seen.get()).isEqualTo(handle.counters().receivedPackets());
    assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain("tun");
  }

  /** Sends until the interface is gone, or so many; returns how many. */
  private static CompletableFuture<Long> flood(NetworkNamespace namespace, String target) {
    DatagramSocket socket = socket(namespace, target);
    return CompletableFuture.supplyAsync(
        () -> {
          long sent = 0;
          try (socket) {
            DatagramPacket packet = new DatagramPacket(new byte[100], 100);
            for (; sent < FLOOD_PACKETS_MAX; sent++) {
              socket.send(packet);
            }
          } catch (IOException e) {
            // The route went with the interface: what the test waits for.
            assertThat(e).hasMessageContaining("unreachable");
          }
          return sent;
        },
        task -> Thread.ofPlatform().name("flood").start(task));
  }

  @Test
  void streams_over_two_taps_carry_the_kernels_ping(NetworkNamespace left, NetworkNamespace right) {
    DeviceHandle leftHandle = host.create(spec("tap", left, "10.7.0.1/24")).open();
    DeviceHandle rightHandle = host.create(spec("tap", right, "10.7.0.2/24")).open();
    PacketStreams streams = host.streams(leftHandle);
    CompletionStage<Done> relay =
        streams.run(
            streams.batchFlow().joinMat(host.streams(rightHandle).batchFlow(), Keep.left()));
    Program.ping(left, "10.7.0.2", 20, "0.01");
    assertThat(leftHandle.counters().receivedPackets()).isGreaterThanOrEqualTo(20);
    assertThat(leftHandle.counters().sentPackets()).isGreaterThanOrEqualTo(20);
    leftHandle.close();
    assertThat(end(relay)).isEqualTo(Done.getInstance());
    end(rightHandle.closed());
  }

  @Test
  void a_destroy_that_waits_does_so_for_a_stream_over_the_kernels_device(
      NetworkNamespace namespace) {
    Device device = host.create(spec("tun", namespace, "10.9.0.1/24"));
    DeviceHandle handle = device.open();
    PacketStreams streams = host.streams(handle);
    CompletionStage<Done> stream =
        streams.run(streams.packets().toMat(Sink.ignore(), Keep.right()));
    DestroyRequest request = device.destroyAsync(DestroyPolicy.WAIT);
    await().until(() -> device.info().state() == DeviceInfo.State.DYING);
    Program pings = Program.runIn(namespace, "ping", "-n", "-c", "1", "-W", "1", "10.9.0.2");
    assertThat(pings.output()).contains("1 packets transmitted");
    assertThat(handle.counters().receivedPackets()).isPositive();
    assertThat(request.done().toCompletableFuture()).isNotDone();
    handle.close();
    assertThat(end(request.done())).isEqualTo(device.id());
    assertThat(end(stream)).isEqualTo(Done.getInstance());
  }

  @Test
  void a_blocked_reader_is_woken_by_close_and_by_destroy(NetworkNamespace namespace)
      throws Exception {
    Device device = host.create(spec("tun", namespace).withUp(false));
    for (Errno expected : List.of(Errno.EBADF, Errno.ENXIO)) {
      DeviceHandle handle = device.open();
      CompletableFuture<Errno> seen = new CompletableFuture<>();
      Thread reader = Thread.ofPlatform().start(() -> seen.complete(errnoOf(handle::read)));
      await()
          .until(() ->
              Set.of(Thread.State.WAITING, Thread.State.TIMED_WAITING).contains(reader.getState()));
      if (expected == Errno.EBADF) {
        handle.close();
        end(handle.closed());
      } else {
        device.destroy();
      }
      assertThat(end(seen)).isEqualTo(expected);
      reader.join();
    }
  }

  @Test
  void an_interface_that_somebody_deletes_is_lost_with_ENODEV(NetworkNamespace namespace) {
    List<DeviceEvent.Kind> kinds = new CopyOnWriteArrayList<>();
    host.onEvent(event -> kinds.add(event.kind()));
    Device device = host.create(spec("tun", namespace));
    DeviceHandle handle = device.open();
    CompletableFuture<Errno> reader =
        CompletableFuture.supplyAsync(
            () -> errnoOf(() -> readUntilItFails(handle)), task -> Thread.ofPlatform().start(task));
    Program.outputIn(namespace, "ip", "link", "delete", "tun0");
    assertThat(end(reader)).isEqualTo(Errno.ENODEV);
    end(device.gone());
    await().until(() -> kinds.contains(DeviceEvent.Kind.UNIT_FREED));
    assertThat(kinds)
        .containsSubsequence(
            DeviceEvent.Kind.OPENED,
            DeviceEvent.Kind.LOST,
            DeviceEvent.Kind.OPENS_REFUSED,
            DeviceEvent.Kind.RELEASED,
            DeviceEvent.Kind.UNIT_FREED);
    assertThat(host.create(spec("tun0", namespace)).interfaceName()).isEqualTo("tun0");
  }

  private static void readUntilItFails(DeviceHandle handle) {
    for (long packets = 0; packets < FLOOD_PACKETS_MAX; packets++) {
      handle.read();
    }
  }

  @Test
  void an_open_device_is_renamed_changed_and_counted_in_the_kernel(NetworkNamespace namespace) {
    Device device = host.create(spec("tap7", namespace, "10.9.0.1/24"));
    DeviceHandle handle = device.open();
    device.rename("uplink");
    device.configure(new InterfaceChange.Mtu(1300));
    device.configure(new InterfaceChange.Mac(MacAddress.parse("02:00:00:00:00:07")));
    assertThat(device.info().interfaceName()).isEqualTo("uplink");
    assertThat(device.info().mtu()).isEqualTo(1300);
    assertThat(Program.outputIn(namespace, "ip", "-o", "link", "show", "uplink"))
        .contains("mtu 1300", "02:00:00:00:00:07", ",UP");
    assertThat(handle.isOpen()).isTrue();
    assertThat(device.counters().inErrors()).isZero();
    device.configure(new InterfaceChange.Up(false));
    assertThat(Program.outputIn(namespace, "ip", "-o", "link", "show", "uplink"))
        .doesNotContain(",UP");
    Program.outputIn(namespace, "ip", "link", "add", "taken", "type", "bridge");
    assertThat(errnoOf(() -> device.rename("taken"))).isEqualTo(Errno.EEXIST);
    assertThat(device.info().interfaceName()).isEqualTo("uplink");
    assertThat(errnoOf(() -> device.configure(new InterfaceChange.Monitor(true))))
        .isEqualTo(Errno.EOPNOTSUPP);
  }

  @Test
  void options_reach_the_kernel_or_stay_here_or_are_refused(NetworkNamespace namespace) {
    DeviceHandle tun = host.create(spec("tun", namespace)).open();
    tun.setOption(DeviceOption.MTU, 1300);
    assertThat(tun.option(DeviceOption.MTU)).isEqualTo(1300);
    assertThat(tun.mtu()).isEqualTo(1300);
    assertThat(Program.outputIn(namespace, "ip", "-o", "link", "show", "tun0"))
        .contains("mtu 1300 ");
    tun.setOption(DeviceOption.OWNER_PID, 77L);
    assertThat(tun.option(DeviceOption.OWNER_PID)).isEqualTo(77L);
    assertThat(errnoOf(() -> tun.setOption(DeviceOption.MTU, 71))).isEqualTo(Errno.EINVAL);
    assertThat(errnoOf(() -> tun.setOption(DeviceOption.FRAMING, Framing.FAMILY)))
        .isEqualTo(Errno.EOPNOTSUPP);
    assertThat(errnoOf(() -> tun.setOption(DeviceOption.BAUDRATE, 1L))).isEqualTo(Errno.EOPNOTSUPP);
    assertThat(tun.option(DeviceOption.MTU)).isEqualTo(1300);
    DeviceHandle tap = host.create(spec("tap", namespace)).open();
    MacAddress remote = MacAddress.parse("02:00:00:00:00:07");
    tap.setOption(DeviceOption.REMOTE_MAC, remote);
    assertThat(tap.option(DeviceOption.REMOTE_MAC)).isEqualTo(remote);
  }

  @Test
  void refused_calls_change_nothing(NetworkNamespace namespace) {
    Device device = host.create(spec("tun", namespace));
    DeviceHandle handle = device.open();
    Descriptors before = Descriptors.now();
    assertThat(errnoOf(device::open)).isEqualTo(Errno.EBUSY);
    assertThat(errnoOf(() -> host.create(spec("tun0", namespace)))).isEqualTo(Errno.EEXIST);
    Program.outputIn(namespace, "ip", "tuntap", "add", "dev", "tun7", "mode", "tun");
    assertThat(errnoOf(() -> host.create(spec("tun7", namespace)))).isEqualTo(Errno.EEXIST);
    Program.outputIn(namespace, "ip", "tuntap", "add", "dev", "tap8", "mode", "tun");
    assertThat(errnoOf(() -> host.create(attaching("tap8", namespace)))).isEqualTo(Errno.EINVAL);
    assertThat(errnoOf(() -> host.create(attaching("tun9", namespace)))).isEqualTo(Errno.ENODEV);
    assertThat(errnoOf(() -> host.create(spec("vmnet", namespace)))).isEqualTo(Errno.EOPNOTSUPP);
    assertThat(Descriptors.now().since(before)).isEmpty();
    assertThat(host.devices()).hasSize(1);
    assertThat(handle.isOpen()).isTrue();
    Device attached = host.create(attaching("tun7", namespace));
    attached.open().close();
    attached.destroy();
    assertThat(Program.outputIn(namespace, "ip", "-o", "link")).contains("tun7");
  }

  private DeviceSpec attaching(String name, NetworkNamespace namespace) {
    return DeviceSpec.of(name).withHost(way.backing(namespace).withMode(HostBacking.Mode.ATTACH));
  }
}
