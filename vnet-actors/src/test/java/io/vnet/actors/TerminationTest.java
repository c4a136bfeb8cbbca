package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.actor.CoordinatedShutdown;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.stream.javadsl.Sink;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.Traffic;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The end of a host: in use, more than once, by whoever, and what callers hear afterwards. */
class TerminationTest {
  private static final int GUARD_SECONDS = 60;

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static Errno failure(CompletionStage<?> stage) {
    Throwable outcome =
        end(stage.handle((_, failure) -> failure == null ? new AssertionError("none") : failure));
    Throwable cause = outcome instanceof CompletionException ? outcome.getCause() : outcome;
    if (cause instanceof VnetException failure) {
      return failure.errno();
    }
    throw new AssertionError("not a VnetException", cause);
  }

  @Test
  void a_host_in_use_ends_with_all_its_streams_readers_and_devices() {
    VnetHost host = VnetHost.start();
    List<CompletionStage<?>> streams = new ArrayList<>();
    List<CompletableFuture<Errno>> readers = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      Device device = host.create(DeviceSpec.of("tap"));
      NetworkEnd network = device.networkEnd();
      DeviceHandle handle = device.open();
      streams.add(host.streams(network).packets().runWith(Sink.ignore(), host.system()));
      readers.add(
          CompletableFuture.supplyAsync(
              () -> errnoOf(handle::read), task -> Thread.ofVirtual().start(task)));
      handle.write(Traffic.numbered(i, 60));
    }
    Leftovers.assertNothingLeft(host);
    streams.forEach(stream -> assertThat(stream.toCompletableFuture()).isDone());
    readers.forEach(reader -> assertThat(end(reader)).isIn(Errno.ENXIO, Errno.ESHUTDOWN));
  }

  @Test
  void two_threads_that_end_it_at_once_hear_the_same() throws Exception {
    VnetHost host = VnetHost.start();
    host.create(DeviceSpec.of("tun")).open();
    CyclicBarrier barrier = new CyclicBarrier(2);
    List<CompletableFuture<HostStatistics>> ends = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      ends.add(
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  barrier.await(GUARD_SECONDS, TimeUnit.SECONDS);
                } catch (Exception e) {
                  throw new AssertionError(e);
                }
                return end(host.terminate());
              },
              task -> Thread.ofPlatform().start(task)));
    }
    assertThat(end(ends.get(0))).matches(HostStatistics::holdsNothing).isSameAs(end(ends.get(1)));
    assertThat(end(host.terminate())).isSameAs(end(ends.get(0)));
    host.close();
  }

  @Test
  void a_destroy_that_waits_is_answered_by_the_end_of_the_host() {
    VnetHost host = VnetHost.start();
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    DestroyRequest first = device.destroyAsync(DestroyPolicy.WAIT);
    DestroyRequest second = device.destroyAsync(DestroyPolicy.WAIT);
    await().until(() -> device.info().state() == DeviceInfo.State.DYING);
    Leftovers.assertNothingLeft(host);
    assertThat(end(first.done())).isEqualTo(device.id());
    assertThat(end(second.done())).isEqualTo(device.id());
    assertThat(end(handle.closed())).isEqualTo(device.id());
    first.cancel();
    assertThat(end(first.done())).isEqualTo(device.id());
  }

  @Test
  void each_request_after_the_end_is_ESHUTDOWN() {
    VnetHost host = VnetHost.start();
    Device device = host.create(DeviceSpec.of("tun"));
    host.close();
    assertThat(failure(host.createAsync(DeviceSpec.of("tun")))).isEqualTo(Errno.ESHUTDOWN);
    assertThat(failure(device.openAsync())).isEqualTo(Errno.ESHUTDOWN);
    assertThat(failure(device.gone())).isEqualTo(Errno.ESHUTDOWN);
    for (DestroyPolicy policy : DestroyPolicy.values()) {
      assertThat(failure(device.destroyAsync(policy).done())).isEqualTo(Errno.ESHUTDOWN);
      assertThat(errnoOf(() -> device.destroy(policy))).isEqualTo(Errno.ESHUTDOWN);
    }
    assertThat(errnoOf(device::networkEnd)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(device::info)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(host.batches()::acquire)).isEqualTo(Errno.ESHUTDOWN);
    assertThat(host.devices()).isEmpty();
    assertThat(host.find("tun0")).isEmpty();
  }

  @Test
  void requests_that_race_with_the_end_are_all_answered() {
    VnetHost host = VnetHost.start();
    List<CompletableFuture<Device>> created = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      if (i == 100) {
        var _ = host.terminate();
      }
      created.add(host.createAsync(DeviceSpec.of("tun")).toCompletableFuture());
    }
    for (CompletableFuture<Device> device : created) {
      String outcome =
          end(device.handle((made, failure) -> String.valueOf(failure == null ? made : failure)));
      assertThat(outcome).containsAnyOf("tun", "ESHUTDOWN", "ECANCELED");
    }
    Leftovers.assertNothingLeft(host);
    assertThat(host.devices()).isEmpty();
  }

  @Test
  void what_somebody_still_holds_is_reported_and_given_back_later() {
    VnetHost host = VnetHost.start();
    PacketBatch batch = host.batches().acquire();
    assertThat(Leftovers.terminated(host).batchesLent()).isEqualTo(1);
    assertThat(host.statistics().mappedBytes()).isPositive();
    batch.release();
    assertThat(host.statistics()).matches(HostStatistics::holdsNothing);
  }

  @Test
  void a_host_on_an_applications_system_ends_with_the_systems_coordinated_shutdown() {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "application");
    VnetHost host = VnetHost.on(system, HostSettings.defaults());
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    CompletionStage<Done> shutdown =
        CoordinatedShutdown.get(system).runAll(CoordinatedShutdown.actorSystemTerminateReason());
    assertThat(end(shutdown)).isEqualTo(Done.getInstance());
    assertThat(system.whenTerminated().isCompleted()).isTrue();
    assertThat(end(host.terminate())).matches(HostStatistics::holdsNothing);
    assertThat(handle.isOpen()).isFalse();
    assertThat(errnoOf(device::open)).isEqualTo(Errno.ESHUTDOWN);
  }

  @Test
  void a_host_on_an_applications_system_leaves_the_system_running() {
    ActorSystem<Void> system = ActorSystem.create(Behaviors.empty(), "application");
    try {
      for (int i = 0; i < 3; i++) {
        VnetHost host = VnetHost.on(system, HostSettings.defaults());
        host.create(DeviceSpec.of("tun0")).open();
        Leftovers.assertNothingLeft(host);
      }
      assertThat(system.whenTerminated().isCompleted()).isFalse();
    } finally {
      system.terminate();
      end(system.getWhenTerminated());
    }
  }
}
