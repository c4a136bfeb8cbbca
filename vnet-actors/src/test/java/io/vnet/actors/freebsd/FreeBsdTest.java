package io.vnet.actors.freebsd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.stream.javadsl.Keep;
import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.actors.port.PortWaiter;
import io.vnet.actors.port.SinglePackets;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.Credential;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.device.Vnet;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.SlabPool;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Each case is named as in FreeBSD, whose kernel must not panic or hang in it; here the counterpart
 * of "no panic, no hang" is: only answers that the contract has, and nothing left at the end. What
 * depends on routes (test_add_direct_route_p2p_wo_ifa) has no counterpart.
 *
 * <p>Source: if_tuntap specification, section 9.
 */
class FreeBsdTest {
  private static final int STRESS_ROUNDS = 300;

  private final VnetHost host = VnetHost.start();
  private final SlabPool slabs = new SlabPool(2048, 64);
  private final BatchPool singles = new BatchPool(slabs, 1, 0, 0);
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  @AfterEach
  void nothing_is_left() {
    threads.close();
    singles.close();
    slabs.close();
    HostStatistics left = host.terminate().toCompletableFuture().join();
    assertThat(left.devices()).isZero();
    assertThat(left.epochReaders()).isZero();
    assertThat(left.ringsLent()).isZero();
    assertThat(left.batchesLent()).isZero();
    assertThat(left.mappedBytes()).isZero();
  }

  /** The call's errno, or empty if it succeeded. */
  private static Optional<Errno> errno(Runnable call) {
    try {
      call.run();
      return Optional.empty();
    } catch (VnetException e) {
      return Optional.of(e.errno());
    }
  }

  @Test
  @DisplayName("if_tun_test.sh 235704")
  void a_device_renamed_in_a_vnet_is_destroyed_there_by_its_new_name() {
    Vnet one = host.createVnet("one");
    one.create(DeviceSpec.of("tun")).rename("foo");
    one.find("foo").orElseThrow().destroy();
    assertThat(one.devices()).isEmpty();
  }

  @Test
  @DisplayName("if_tun_test.sh basic")
  void a_ping_crosses_two_tuns_that_were_made_on_the_host_and_moved() throws Exception {
    Vnet duke = host.createVnet("duke");
    Vnet bass = host.createVnet("bass");
    Device left = host.create(DeviceSpec.of("tun").withUp(false));
    Device right = host.create(DeviceSpec.of("tun").withUp(false));
    left.moveTo(duke);
    right.moveTo(bass);
    DeviceHandle leftHandle = host.open(left.id().toString(), Credential.ORDINARY);
    DeviceHandle rightHandle = host.open(right.id().toString(), Credential.ORDINARY);
    PacketStreams leftStreams = host.streams(leftHandle);
    PacketStreams rightStreams = host.streams(rightHandle);
    var there =
        leftStreams.run(leftStreams.batches().toMat(rightStreams.batchSink(), Keep.right()));
    var back =
        rightStreams.run(rightStreams.batches().toMat(leftStreams.batchSink(), Keep.right()));
    left.configure(new InterfaceChange.AddAddress(IpPrefix.parse("10.100.0.1/30")));
    right.configure(new InterfaceChange.AddAddress(IpPrefix.parse("10.100.0.2/30")));
    try (NetworkEnd dukeStack = left.networkEnd();
        NetworkEnd bassStack = right.networkEnd()) {
      byte[] echo = new byte[28];
      echo[0] = 0x45;
      echo[20] = 8;
      write(bassStack, Packet.of(echo));
      Packet request = read(dukeStack);
      assertThat(request).isEqualTo(Packet.of(echo));
      echo[20] = 0;
      write(dukeStack, Packet.of(echo));
      assertThat(read(bassStack)).isEqualTo(Packet.of(echo));
    }
    left.destroy();
    right.destroy();
    assertThatThrownBy(() -> there.toCompletableFuture().get())
        .hasRootCauseInstanceOf(VnetException.class);
    assertThatThrownBy(() -> back.toCompletableFuture().get())
        .hasRootCauseInstanceOf(VnetException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tun", "tap"})
  @DisplayName("transient_tuntap.c")
  void a_transient_device_is_gone_when_its_holder_has_closed_it(String driver) {
    Device device = host.create(DeviceSpec.of(driver));
    DeviceHandle handle = device.open();
    handle.setTransient(true);
    handle.close();
    device.gone().toCompletableFuture().join();
    assertThat(errno(() -> device.info())).contains(Errno.ENXIO);
    assertThat(host.find(device.id().toString())).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"tun", "tap", "vmnet"})
  @DisplayName("if_clone_test.sh *_stress")
  void one_loop_creates_a_unit_and_another_destroys_it(String driver) throws Exception {
    AtomicLong made = new AtomicLong();
    AtomicLong destroyed = new AtomicLong();
    AtomicBoolean over = new AtomicBoolean();
    Future<Boolean> creator =
        threads.submit(() -> {
          while (made.get() < STRESS_ROUNDS) {
            Optional<Errno> errno = errno(() -> host.create(DeviceSpec.of(driver + 3)));
            errno.ifPresentOrElse(
                refused -> assertThat(refused).isEqualTo(Errno.EEXIST), made::incrementAndGet);
          }
          over.set(true);
          return true;
        });
    Future<Boolean> destroyer =
        threads.submit(() -> {
          while (!over.get() || host.find(driver + 3).isPresent()) {
            host.find(driver + 3)
                .ifPresent(device ->
                    errno(device::destroy)
                        .ifPresentOrElse(
                            refused -> assertThat(refused).isEqualTo(Errno.ENXIO),
                            destroyed::incrementAndGet));
          }
          return true;
        });
    assertThat(creator.get()).isTrue();
    assertThat(destroyer.get()).isTrue();
    assertThat(destroyed.get()).isEqualTo(made.get());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tun 192.0.2.2/24",
        "tap 192.0.2.2/24",
        "vmnet 192.0.2.2/24",
        "tun 2001:db8::2/64",
        "tap 2001:db8::2/64",
        "vmnet 2001:db8::2/64"
      })
  @DisplayName("if_clone_test.sh *_up_stress, *_ipv6_up_stress")
  void bringing_up_races_with_destroying(String driverAndAddress) throws Exception {
    String[] parts = driverAndAddress.split(" ", 2);
    IpPrefix address = IpPrefix.parse(parts[1]);
    int configured = 0;
    for (int i = 0; i < STRESS_ROUNDS; i++) {
      Device device = host.create(DeviceSpec.of(parts[0] + 5).withUp(false));
      Future<Optional<Errno>> up =
          threads.submit(
              () -> errno(() -> device.configure(new InterfaceChange.AddAddress(address))));
      Future<Optional<Errno>> gone = threads.submit(() -> errno(device::destroy));
      assertThat(up.get()).isIn(Optional.empty(), Optional.of(Errno.ENXIO));
      assertThat(gone.get()).isEmpty();
      configured += up.get().isEmpty() ? 1 : 0;
    }
    assertThat(configured).isBetween(0, STRESS_ROUNDS);
    assertThat(host.devices()).isEmpty();
  }

  @Test
  @DisplayName("netmap tun_simple")
  void a_hundred_thousand_packets_cross_two_tuns_and_the_relays_die_cleanly() throws Exception {
    int count = 100_000;
    Device left = host.create(DeviceSpec.of("tun"));
    Device right = host.create(DeviceSpec.of("tun"));
    PacketStreams leftStreams = host.streams(left.open());
    PacketStreams rightStreams = host.streams(right.open());
    var relay =
        leftStreams.run(leftStreams.batches().toMat(rightStreams.batchSink(), Keep.right()));
    NetworkEnd in = left.networkEnd();
    NetworkEnd out = right.networkEnd();
    Future<Long> sent = threads.submit(() -> (long) flood(in, count));
    long bytes = 0;
    for (int i = 0; i < count; i++) {
      bytes += read(out).length();
    }
    assertThat(bytes).isEqualTo(count * 64L);
    assertThat(sent.get()).isEqualTo(count);
    left.destroy();
    right.destroy();
    assertThatThrownBy(() -> relay.toCompletableFuture().get())
        .hasRootCauseInstanceOf(VnetException.class);
  }

  @Test
  @DisplayName("if_lagg_test.sh lacp_linkstate_destroy_stress")
  void links_change_while_their_listener_goes() throws Exception {
    Device first = host.create(DeviceSpec.of("tap"));
    Device second = host.create(DeviceSpec.of("tap"));
    for (int i = 0; i < STRESS_ROUNDS; i++) {
      AtomicLong told = new AtomicLong();
      var registration = host.onLink(_ -> told.incrementAndGet());
      List<Callable<Boolean>> togglers = new ArrayList<>();
      for (Device device : List.of(first, second)) {
        togglers.add(() -> {
          DeviceHandle handle = device.open();
          handle.close();
          return handle.closed().toCompletableFuture().join().equals(device.id());
        });
      }
      List<Future<Boolean>> toggled = togglers.stream().map(threads::submit).toList();
      registration.close();
      for (Future<Boolean> done : toggled) {
        assertThat(done.get()).isTrue();
      }
      assertThat(told.get()).isBetween(0L, 4L);
    }
  }

  @Test
  @DisplayName("if_lagg_test.sh create, set_ether, updown")
  void taps_follow_the_mac_and_the_state_that_they_are_given() {
    MacAddress mac = MacAddress.parse("00:11:22:33:44:55");
    for (int i = 0; i < 3; i++) {
      Device tap = host.create(DeviceSpec.of("tap").withUp(false));
      tap.configure(new InterfaceChange.Mac(mac));
      assertThat(tap.info().network().mac()).contains(mac);
      tap.configure(new InterfaceChange.Up(true));
      assertThat(tap.info().network().up()).isTrue();
      tap.configure(new InterfaceChange.Up(false));
      assertThat(tap.info().network().up()).isFalse();
      assertThat(tap.info().network().addresses()).isEmpty();
    }
  }

  @Test
  @DisplayName("if_lagg_test.sh status_stress")
  void queries_run_while_interfaces_come_and_go() throws Exception {
    AtomicBoolean over = new AtomicBoolean();
    Future<Long> queries =
        threads.submit(() -> {
          long seen = 0;
          while (!over.get()) {
            for (DeviceInfo info : host.devices()) {
              seen += info.interfaceName().length() + info.network().statusText().length();
            }
          }
          return seen;
        });
    for (int i = 0; i < STRESS_ROUNDS; i++) {
      Device device = host.create(DeviceSpec.of("tap"));
      device.open();
      device.destroy();
    }
    over.set(true);
    assertThat(queries.get()).isNotNegative();
    assertThat(host.devices()).isEmpty();
  }

  @Test
  @DisplayName("the EBUSY validator")
  void ten_destroyers_that_refuse_are_refused_at_once_and_leave_no_trace() throws Exception {
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle holder = device.open();
    List<Future<Optional<Errno>>> refused = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      refused.add(threads.submit(() -> errno(() -> device.destroy(DestroyPolicy.REFUSE))));
    }
    for (Future<Optional<Errno>> answer : refused) {
      assertThat(answer.get()).contains(Errno.EBUSY);
    }
    assertThat(device.info().state()).isEqualTo(DeviceInfo.State.OPEN);
    holder.close();
    holder.closed().toCompletableFuture().join();
    device.destroy(DestroyPolicy.REFUSE);
    assertThat(host.devices()).isEmpty();
  }

  @Test
  @DisplayName("epair_destroy_race")
  void a_lent_interface_is_destroyed_while_the_vnet_that_has_it_goes() throws Exception {
    for (int i = 0; i < STRESS_ROUNDS; i++) {
      Vnet jail = host.createVnet("jail");
      Device lent = host.create(DeviceSpec.of("tap"));
      lent.moveTo(jail);
      Future<Optional<Errno>> destroyed = threads.submit(() -> errno(lent::destroy));
      Future<Optional<Errno>> removed =
          threads.submit(() -> errno(() -> jail.remove(DestroyPolicy.WAIT)));
      assertThat(destroyed.get()).isEmpty();
      assertThat(removed.get()).isEmpty();
      assertThat(host.devices()).isEmpty();
    }
  }

  private int flood(NetworkEnd to, int count) {
    byte[] bytes = new byte[64];
    bytes[0] = 0x45;
    Packet packet = Packet.of(bytes);
    for (int i = 0; i < count; i++) {
      write(to, packet);
    }
    return count;
  }

  private void write(NetworkEnd to, Packet packet) {
    PortWaiter.sendOne(to, singles, packet, _ -> {});
  }

  private Packet read(NetworkEnd from) {
    return PortWaiter.receiveOne(
            from,
            new SinglePackets(from, singles, () -> {}),
            Long.MAX_VALUE,
            System::nanoTime,
            _ -> {})
        .orElseThrow();
  }
}
