package io.vnet.actors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Create, open, close, destroy, transient, through the facade, in memory. */
class DeviceLifeTest {
  private final VnetHost host = VnetHost.start();

  @AfterEach
  void nothing_is_left() {
    HostStatistics left = host.terminate().toCompletableFuture().join();
    assertThat(left.devices()).isZero();
    assertThat(left.epochReaders()).isZero();
    assertThat(left.ringsLent()).isZero();
    assertThat(left.batchesLent()).isZero();
    assertThat(left.batchesLeaked()).isZero();
    assertThat(left.mappedBytes()).isZero();
  }

  static Errno errnoOf(ThrowingCallable call) {
    VnetException thrown = catchThrowableOfType(VnetException.class, call);
    assertThat(thrown).as("thrown").isNotNull();
    return thrown.errno();
  }

  @Test
  void a_packet_written_on_a_handle_arrives_at_the_network_end_and_back() {
    Device device = host.create(DeviceSpec.of("tun"));
    try (DeviceHandle handle = device.open();
        NetworkEnd network = device.networkEnd();
        VnetHostBatch batch = new VnetHostBatch(host)) {
      handle.write(Packet.of(new byte[] {0x45, 1, 2, 3}));
      assertThat(network.receive(batch.batch())).isEqualTo(1);
      assertThat(batch.batch().packet(0)).isEqualTo(Packet.of(new byte[] {0x45, 1, 2, 3}));

      assertThat(network.send(batch.batch(), 0)).isEqualTo(1);
      assertThat(handle.read()).isEqualTo(Packet.of(new byte[] {0x45, 1, 2, 3}));
      assertThat(handle.counters().sentPackets()).isEqualTo(1);
      assertThat(handle.counters().receivedBytes()).isEqualTo(4);
    }
  }

  @Test
  void units_are_the_lowest_free_ones_of_each_driver() {
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun0");
    Device second = host.create(DeviceSpec.of("tun"));
    assertThat(second.id().toString()).isEqualTo("tun1");
    assertThat(host.create(DeviceSpec.of("tap")).id().toString()).isEqualTo("tap0");
    assertThat(host.create(DeviceSpec.of("tun3")).id().toString()).isEqualTo("tun3");
    second.destroy();
    Device successor = host.create(DeviceSpec.of("tun"));
    assertThat(successor.id().toString()).isEqualTo("tun1");
    assertThat(successor.id()).isNotEqualTo(second.id());
    assertThat(host.devices()).hasSize(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "eth0", "tun00", "tun01", "tun1a", "tun99999999", "Tun1"})
  void a_name_that_no_driver_accepts_is_EINVAL(String name) {
    assertThat(errnoOf(() -> host.create(DeviceSpec.of(name)))).isEqualTo(Errno.EINVAL);
    assertThat(host.devices()).isEmpty();
  }

  @Test
  void a_unit_in_use_or_out_of_range_is_EEXIST() {
    host.create(DeviceSpec.of("tap7"));
    assertThat(errnoOf(() -> host.create(DeviceSpec.of("tap7")))).isEqualTo(Errno.EEXIST);
    assertThat(errnoOf(() -> host.create(DeviceSpec.of("tun40000")))).isEqualTo(Errno.EEXIST);
    assertThat(host.devices()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 10, 71, 65536})
  void an_mtu_out_of_range_is_EINVAL(int mtu) {
    assertThat(errnoOf(() -> host.create(DeviceSpec.of("tun").withMtu(mtu))))
        .isEqualTo(Errno.EINVAL);
    assertThat(host.devices()).isEmpty();
  }

  @Test
  void a_second_open_is_EBUSY_and_names_the_holder() {
    Device device = host.create(DeviceSpec.of("tun"));
    try (DeviceHandle _ = device.open()) {
      assertThatThrownBy(device::open)
          .hasMessage(
              "open tun0: EBUSY, already open by pid "
                  + ProcessHandle.current().pid()
                  + "; close it or use another unit");
      assertThat(device.info().state()).isEqualTo(DeviceInfo.State.OPEN);
    }
    try (DeviceHandle again = device.open()) {
      assertThat(again.isOpen()).isTrue();
    }
  }

  @Test
  void a_write_longer_than_65535_bytes_is_EIO() {
    Device device = host.create(DeviceSpec.of("tun").withMtu(65535));
    try (DeviceHandle handle = device.open();
        NetworkEnd network = device.networkEnd()) {
      assertThat(errnoOf(() -> handle.write(Packet.of(new byte[65536])))).isEqualTo(Errno.EIO);
      handle.write(Packet.of(new byte[65535]));
      assertThat(network.counters().receivedPackets()).isZero();
      assertThat(handle.counters().sentPackets()).isEqualTo(1);
    }
  }

  @Test
  void a_handle_that_is_closed_answers_EBADF_and_a_destroyed_one_ENXIO() {
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle closed = device.open();
    closed.close();
    closed.close();
    assertThat(errnoOf(closed::read)).isEqualTo(Errno.EBADF);
    DeviceHandle revoked = device.open();
    device.destroy();
    assertThat(errnoOf(revoked::read)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(() -> revoked.setTransient(true))).isEqualTo(Errno.ENXIO);
    revoked.close();
    assertThat(errnoOf(device::open)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(device::info)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(device::networkEnd)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(device::destroy)).isEqualTo(Errno.ENXIO);
    assertThat(device.gone().toCompletableFuture().join()).isEqualTo(device.id());
  }

  @Test
  void an_old_device_never_reaches_its_successor() {
    Device old = host.create(DeviceSpec.of("tun5"));
    old.destroy();
    Device successor = host.create(DeviceSpec.of("tun5"));
    assertThat(errnoOf(old::open)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(old::destroy)).isEqualTo(Errno.ENXIO);
    assertThat(successor.info().state()).isEqualTo(DeviceInfo.State.IDLE);
  }

  @Test
  void a_destroy_that_refuses_leaves_an_open_device_untouched() {
    Device device = host.create(DeviceSpec.of("tap"));
    try (DeviceHandle handle = device.open()) {
      assertThat(errnoOf(() -> device.destroy(DestroyPolicy.REFUSE))).isEqualTo(Errno.EBUSY);
      assertThat(handle.isOpen()).isTrue();
      assertThat(device.info().state()).isEqualTo(DeviceInfo.State.OPEN);
    }
    device.destroy(DestroyPolicy.REFUSE);
    assertThat(host.devices()).isEmpty();
  }

  @Test
  void a_destroy_that_waits_ends_with_the_close_and_keeps_new_opens_out() {
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    DestroyRequest request = device.destroyAsync(DestroyPolicy.WAIT);
    // The request goes by the driver; an open, which does not, could overtake it.
    Awaitility.await().until(() -> device.info().state() == DeviceInfo.State.DYING);
    assertThat(errnoOf(device::open)).isEqualTo(Errno.EBUSY);
    assertThat(request.done().toCompletableFuture()).isNotDone();
    handle.close();
    assertThat(request.done().toCompletableFuture().join()).isEqualTo(device.id());
    assertThat(host.devices()).isEmpty();
  }

  @Test
  void a_cancelled_wait_is_EINTR_and_leaves_no_trace() {
    Device device = host.create(DeviceSpec.of("tun"));
    try (DeviceHandle handle = device.open()) {
      DestroyRequest request = device.destroyAsync(DestroyPolicy.WAIT);
      request.cancel();
      assertThat(failure(request).errno()).isEqualTo(Errno.EINTR);
      assertThat(device.info().state()).isEqualTo(DeviceInfo.State.OPEN);
      assertThat(handle.isOpen()).isTrue();
    }
    try (DeviceHandle again = device.open()) {
      assertThat(again.isOpen()).isTrue();
    }
  }

  @Test
  void an_interrupted_destroyer_gets_EINTR_and_keeps_its_flag() throws InterruptedException {
    Device device = host.create(DeviceSpec.of("tun"));
    try (DeviceHandle _ = device.open()) {
      CompletableFuture<Errno> seen = new CompletableFuture<>();
      CompletableFuture<Boolean> flag = new CompletableFuture<>();
      Thread destroyer =
          Thread.ofVirtual()
              .start(() -> {
                seen.complete(errnoOf(() -> device.destroy(DestroyPolicy.WAIT)));
                flag.complete(Thread.currentThread().isInterrupted());
              });
      Awaitility.await().until(() -> device.info().state() == DeviceInfo.State.DYING);
      destroyer.interrupt();
      assertThat(seen.join()).isEqualTo(Errno.EINTR);
      assertThat(flag.join()).isTrue();
      destroyer.join();
      assertThat(device.info().state()).isEqualTo(DeviceInfo.State.OPEN);
    }
  }

  @Test
  void force_upgrades_a_wait_and_both_are_told_at_the_end() {
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    DestroyRequest waiting = device.destroyAsync(DestroyPolicy.WAIT);
    DestroyRequest refusing = device.destroyAsync(DestroyPolicy.REFUSE);
    assertThat(failure(refusing).errno()).isEqualTo(Errno.EBUSY);
    DestroyRequest forcing = device.destroyAsync(DestroyPolicy.FORCE);
    assertThat(forcing.done().toCompletableFuture().join()).isEqualTo(device.id());
    assertThat(waiting.done().toCompletableFuture().join()).isEqualTo(device.id());
    assertThat(errnoOf(handle::read)).isEqualTo(Errno.ENXIO);
  }

  @Test
  void a_transient_device_goes_with_its_last_close() {
    Device device = host.create(DeviceSpec.of("tun").withTransient(true));
    DeviceHandle handle = device.open();
    handle.close();
    assertThat(device.gone().toCompletableFuture().join()).isEqualTo(device.id());
    assertThat(handle.closed().toCompletableFuture().join()).isEqualTo(device.id());
    assertThat(host.find("tun0")).isEmpty();
  }

  @Test
  void transience_can_be_set_and_taken_back_while_open() {
    Device device = host.create(DeviceSpec.of("tun"));
    try (DeviceHandle handle = device.open()) {
      handle.setTransient(true);
      handle.setTransient(false);
    }
    try (DeviceHandle handle = device.open()) {
      handle.setTransient(true);
    }
    assertThat(device.gone().toCompletableFuture().join()).isEqualTo(device.id());
  }

  @Test
  void close_wakes_a_blocked_reader_with_EBADF_and_destroy_with_ENXIO() throws Exception {
    Device device = host.create(DeviceSpec.of("tun"));
    for (Errno expected : List.of(Errno.EBADF, Errno.ENXIO)) {
      DeviceHandle handle = device.open();
      CompletableFuture<Errno> seen = new CompletableFuture<>();
      CountDownLatch started = new CountDownLatch(1);
      Thread reader =
          Thread.ofVirtual()
              .start(() -> {
                started.countDown();
                seen.complete(errnoOf(handle::read));
              });
      started.await();
      if (expected == Errno.EBADF) {
        handle.close();
      } else {
        device.destroy();
      }
      assertThat(seen.join()).isEqualTo(expected);
      reader.join();
    }
  }

  @Test
  void a_forced_destroy_happens_in_the_documented_order() {
    List<DeviceEvent.Kind> order = new CopyOnWriteArrayList<>();
    CompletableFuture<Boolean> last = new CompletableFuture<>();
    host.onEvent(event -> {
      order.add(event.kind());
      if (event.kind() == DeviceEvent.Kind.UNIT_FREED) {
        last.complete(true);
      }
    });
    Device device = host.create(DeviceSpec.of("tap"));
    DeviceHandle handle = device.open();
    device.destroy();
    handle.close();
    assertThat(last.join()).isTrue();
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
  }

  @Test
  void packets_in_the_queue_are_counted_when_the_device_is_closed_or_destroyed() {
    Device device = host.create(DeviceSpec.of("tun"));
    try (NetworkEnd network = device.networkEnd();
        VnetHostBatch batch = new VnetHostBatch(host)) {
      batch.batch().append(Packet.of(new byte[] {0x45}));
      batch.batch().append(Packet.of(new byte[] {0x46}));
      assertThat(network.send(batch.batch(), 0)).isEqualTo(2);
      assertThat(network.counters().dropped(DropReason.NOT_OPEN)).isEqualTo(2);

      DeviceHandle first = device.open();
      network.send(batch.batch(), 0);
      first.close();
      first.closed().toCompletableFuture().join();
      assertThat(first.counters().dropped(DropReason.FLUSHED_AT_CLOSE)).isEqualTo(2);

      DeviceHandle second = device.open();
      network.send(batch.batch(), 0);
      device.destroy();
      assertThat(second.counters().dropped(DropReason.DEVICE_DESTROYED)).isEqualTo(2);
      assertThat(network.counters().sentPackets()).isEqualTo(4);
    }
  }

  @Test
  void a_terminated_host_answers_ESHUTDOWN() {
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    host.close();
    assertThat(errnoOf(() -> host.create(DeviceSpec.of("tun")))).isEqualTo(Errno.ESHUTDOWN);
    assertThat(errnoOf(handle::read)).isEqualTo(Errno.ESHUTDOWN);
    assertThat(errnoOf(device::open)).isEqualTo(Errno.ESHUTDOWN);
    host.close();
  }

  private static VnetException failure(DestroyRequest request) {
    CompletionException wrapped =
        catchThrowableOfType(
            CompletionException.class, () -> request.done().toCompletableFuture().join());
    assertThat(wrapped).as("failure").isNotNull();
    assertThat(wrapped.getCause()).isInstanceOf(VnetException.class);
    return (VnetException) java.util.Objects.requireNonNull(wrapped.getCause());
  }

  /** A batch for try-with-resources. */
  record VnetHostBatch(PacketBatch batch) implements AutoCloseable {
    VnetHostBatch(VnetHost host) {
      this(host.batches().acquire());
    }

    @Override
    public void close() {
      batch.release();
    }
  }
}
