package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.testkit.FakeHostNetwork;
import io.vnet.actors.testkit.FakeHostNetwork.Step;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.Traffic;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The queues of a handle: each a port of its own, with one life for all. */
class QueuesTest {
  private static final int QUEUES = 3;
  private static final int GUARD_SECONDS = 60;

  private final FakeHostNetwork network = new FakeHostNetwork(true);
  private final VnetHost host = VnetHost.start(HostSettings.defaults(), () -> Optional.of(network));
  private final Device device =
      host.create(DeviceSpec.of("tun0").withHost(HostBacking.create().withQueues(QUEUES)));

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
    assertThat(network.open()).isZero();
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private <T> T withBatch(Function<PacketBatch, T> use) {
    PacketBatch batch = host.batches().acquire();
    try {
      return use.apply(batch);
    } finally {
      batch.release();
    }
  }

  private Errno errnoOfReceive(PacketPort port) {
    return errnoOf(() -> withBatch(port::receive));
  }

  private CompletableFuture<Integer> receiveElsewhere(PacketPort port) {
    return CompletableFuture.supplyAsync(
        () -> withBatch(port::receive), task -> Thread.ofPlatform().start(task));
  }

  /** What a port's listener heard. */
  private static final class Heard implements PortListener {
    final List<String> heard = new CopyOnWriteArrayList<>();

    @Override
    public void readable() {
      heard.add("readable");
    }

    @Override
    public void writable() {
      heard.add("writable");
    }

    @Override
    public void closed(@Nullable VnetException cause) {
      heard.add(cause == null ? "closed" : cause.errno().toString());
    }
  }

  private static List<Heard> listen(DeviceHandle handle) {
    List<Heard> all = new ArrayList<>();
    for (PacketPort queue : handle.queues()) {
      Heard heard = new Heard();
      queue.listen(heard);
      all.add(heard);
    }
    return all;
  }

  @Test
  void a_device_in_memory_has_one() {
    try (DeviceHandle handle = host.create(DeviceSpec.of("tap")).open()) {
      assertThat(handle.queues()).containsExactly(handle);
    }
  }

  @Test
  void each_has_its_packets_its_signals_and_its_counters_and_the_handle_has_the_sum() {
    DeviceHandle handle = device.open();
    List<PacketPort> queues = handle.queues();
    assertThat(queues).hasSize(QUEUES).startsWith(handle);
    assertThat(queues).extracting(PacketPort::name).containsExactly("tun0", "tun0/1", "tun0/2");
    List<Heard> heard = listen(handle);
    for (int i = 1; i < QUEUES; i++) {
      for (int number = 0; number < i; number++) {
        network.backend("tun0").arrive(i, Traffic.numbered(number, 60));
      }
    }
    assertThat(heard.get(0).heard).isEmpty();
    assertThat(heard.get(1).heard).containsExactly("readable");
    assertThat(heard.get(2).heard).containsExactly("readable", "readable");
    for (int i = 0; i < QUEUES; i++) {
      PacketPort queue = queues.get(i);
      assertThat(withBatch(queue::receive)).isEqualTo(i);
      assertThat(queue.mtu()).isEqualTo(handle.mtu());
      assertThat(queue.layer()).isEqualTo(handle.layer());
      assertThat(Traffic.send(host, queue, 0, 5)).isEqualTo(5);
    }
    queues.get(2).countDrop(DropReason.STREAM_ENDED, 7);
    assertThat(queues.get(1).counters().receivedPackets()).isEqualTo(1);
    assertThat(queues.get(2).counters().receivedPackets()).isEqualTo(2);
    assertThat(queues.get(2).counters().sentPackets()).isEqualTo(5);
    assertThat(handle.counters().receivedPackets()).isEqualTo(3);
    assertThat(handle.counters().receivedBytes()).isEqualTo(3 * 60);
    assertThat(handle.counters().sentPackets()).isEqualTo(15);
    assertThat(handle.counters().dropped(DropReason.STREAM_ENDED)).isEqualTo(7);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void closing_any_closes_the_device_which_can_be_opened_again(int closed) {
    DeviceHandle handle = device.open();
    List<Heard> heard = listen(handle);
    network.backend("tun0").arrive(2, Traffic.numbered(1, 60));
    handle.queues().get(closed).close();
    assertThat(end(handle.closed())).isEqualTo(device.id());
    for (PacketPort queue : handle.queues()) {
      assertThat(queue.isOpen()).isFalse();
      assertThat(errnoOfReceive(queue)).isEqualTo(Errno.EBADF);
    }
    assertThat(heard).allSatisfy(each -> assertThat(each.heard).endsWith("closed"));
    assertThat(handle.counters().dropped(DropReason.FLUSHED_AT_CLOSE)).isEqualTo(1);
    try (DeviceHandle again = device.open()) {
      network.backend("tun0").arrive(1, Traffic.numbered(1, 60));
      assertThat(withBatch(again.queues().get(1)::receive)).isEqualTo(1);
      assertThat(again.counters().receivedPackets()).isEqualTo(1);
    }
  }

  @Test
  void a_forced_destroy_revokes_all() {
    DeviceHandle handle = device.open();
    List<Heard> heard = listen(handle);
    device.destroy();
    for (PacketPort queue : handle.queues()) {
      assertThat(errnoOfReceive(queue)).isEqualTo(Errno.ENXIO);
      queue.close();
    }
    assertThat(heard).allSatisfy(each -> assertThat(each.heard).containsExactly("ENXIO"));
  }

  @Test
  void a_lost_backend_revokes_all_with_its_errno() {
    DeviceHandle handle = device.open();
    network.backend("tun0").lose();
    end(device.gone());
    assertThat(handle.queues())
        .allSatisfy(queue -> assertThat(errnoOfReceive(queue)).isEqualTo(Errno.ENODEV));
  }

  @Test
  void a_close_goes_on_when_nobody_is_inside_any_queue_any_more() {
    DeviceHandle handle = device.open();
    FakeHostNetwork.Stall stall = network.stall(Step.RECEIVE);
    CompletableFuture<Integer> reader = receiveElsewhere(handle.queues().get(1));
    stall.awaitEntered();
    CompletableFuture<?> closer =
        CompletableFuture.runAsync(handle::close, task -> Thread.ofPlatform().start(task));
    await().until(() -> !handle.queues().get(1).isOpen());
    assertThat(network.steps()).doesNotContain(Step.LINK_DOWN);
    assertThat(handle.closed().toCompletableFuture()).isNotDone();
    stall.leave();
    assertThat(end(reader)).isZero();
    end(closer);
    end(handle.closed());
    assertThat(network.steps()).contains(Step.LINK_DOWN);
  }

  @Test
  void a_reader_inside_any_queue_keeps_what_is_released() {
    List<DeviceEvent.Kind> events = new CopyOnWriteArrayList<>();
    host.onEvent(event -> events.add(event.kind()));
    DeviceHandle handle = device.open();
    FakeHostNetwork.Stall stall = network.stall(Step.RECEIVE);
    CompletableFuture<Integer> reader = receiveElsewhere(handle.queues().get(2));
    stall.awaitEntered();
    DestroyRequest destroy = device.destroyAsync(DestroyPolicy.FORCE);
    await().until(() -> events.contains(DeviceEvent.Kind.QUIESCED));
    assertThat(network.steps()).doesNotContain(Step.RELEASE);
    assertThat(destroy.done().toCompletableFuture()).isNotDone();
    stall.leave();
    assertThat(end(reader)).isZero();
    end(destroy.done());
    assertThat(network.steps()).containsSubsequence(Step.QUIESCE, Step.RELEASE);
    await().until(() -> events.contains(DeviceEvent.Kind.RELEASED));
    assertThat(events)
        .containsSubsequence(DeviceEvent.Kind.READERS_DRAINED, DeviceEvent.Kind.RELEASED);
  }
}
