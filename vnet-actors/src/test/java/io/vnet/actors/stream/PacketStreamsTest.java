package io.vnet.actors.stream;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.Done;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import akka.stream.testkit.TestPublisher;
import akka.stream.testkit.TestSubscriber;
import akka.stream.testkit.javadsl.TestSink;
import akka.stream.testkit.javadsl.TestSource;
import io.vnet.actors.HostSettings;
import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.StreamKits;
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
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams over in-memory devices, as usual and fuzzed: demand, ends, and what they own then. */
@ParameterizedClass(name = "fuzzing {0}")
@ValueSource(booleans = {false, true})
class PacketStreamsTest {
  private static final int GUARD_SECONDS = 10;

  private final ActorTestKit kit;
  private final VnetHost host;
  private final Device device;
  private final NetworkEnd network;
  private final DeviceHandle handle;
  private final PacketStreams streams;

  PacketStreamsTest(boolean fuzzing) {
    kit = StreamKits.create(fuzzing);
    host = VnetHost.on(kit.system(), HostSettings.defaults());
    device = host.create(DeviceSpec.of("tun"));
    network = device.networkEnd();
    handle = device.open();
    streams = host.streams(handle);
  }

  @AfterEach
  void nothing_is_left() {
    try {
      Leftovers.assertNothingLeft(host);
    } finally {
      kit.shutdownTestKit();
    }
  }

  private static List<Long> numbers(long first, int count) {
    return LongStream.range(first, first + count).boxed().toList();
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static Errno failure(CompletionStage<?> stage) {
    Throwable outcome =
        end(stage.handle((_, failure) -> failure == null ? new AssertionError() : failure));
    Throwable cause = outcome instanceof CompletionException ? outcome.getCause() : outcome;
    if (cause instanceof VnetException failure) {
      return failure.errno();
    }
    throw new AssertionError("not a VnetException", cause);
  }

  private <T> TestSubscriber.Probe<T> probe(Source<T, ?> source) {
    TestSubscriber.Probe<T> probe = source.runWith(TestSink.create(host.system()), host.system());
    probe.ensureSubscription();
    return probe;
  }

  @Test
  void without_demand_nothing_is_read() {
    TestSubscriber.Probe<PacketBatch> probe = probe(streams.batches());
    assertThat(Traffic.send(host, network, 0, 200)).isEqualTo(200);
    device.destroy();
    assertThat(probe.expectError()).hasMessageContaining("ENXIO");
    assertThat(handle.counters().receivedPackets()).isZero();
    assertThat(handle.counters().dropped(DropReason.DEVICE_DESTROYED)).isEqualTo(200);
  }

  @Test
  void a_demand_of_one_reads_one_batch_and_leaves_the_rest_in_the_device() {
    TestSubscriber.Probe<PacketBatch> probe = probe(streams.batches());
    assertThat(Traffic.send(host, network, 0, 200)).isEqualTo(200);
    PacketBatch batch = probe.requestNext();
    assertThat(batch.count()).isEqualTo(batch.capacity());
    device.destroy();
    assertThat(probe.expectError()).hasMessageContaining("ENXIO");
    assertThat(handle.counters().receivedPackets()).isEqualTo(batch.count());
    assertThat(handle.counters().dropped(DropReason.DEVICE_DESTROYED))
        .isEqualTo(200 - batch.count());
    batch.release();
  }

  @Test
  void a_demand_that_finds_nothing_is_served_when_a_packet_comes() {
    TestSubscriber.Probe<Packet> probe = probe(streams.packets());
    probe.request(2);
    Traffic.send(host, network, 1, 1);
    assertThat(Traffic.number(probe.expectNext())).isEqualTo(1);
    Traffic.send(host, network, 2, 1);
    assertThat(Traffic.number(probe.expectNext())).isEqualTo(2);
    probe.cancel();
    end(handle.closed());
  }

  @Test
  void packets_of_a_batch_that_nobody_asked_for_are_counted_when_the_stream_is_cancelled() {
    TestSubscriber.Probe<Packet> probe = probe(streams.packets());
    Traffic.send(host, network, 0, 10);
    probe.request(3);
    assertThat(probe.expectNextN(3).size()).isEqualTo(3);
    probe.cancel();
    end(handle.closed());
    assertThat(handle.counters().receivedPackets()).isEqualTo(10);
    assertThat(handle.counters().dropped(DropReason.STREAM_ENDED)).isEqualTo(7);
  }

  @Test
  void a_source_that_completes_early_closes_the_port() {
    Traffic.send(host, network, 0, 5);
    List<Long> seen =
        end(streams.packets().map(Traffic::number).take(3).runWith(Sink.seq(), host.system()));
    assertThat(seen).isEqualTo(numbers(0, 3));
    end(handle.closed());
    assertThat(handle.isOpen()).isFalse();
  }

  @Test
  void a_source_and_a_sink_keep_the_port_open_until_both_are_done() {
    TestSubscriber.Probe<Packet> source = probe(streams.packets());
    TestPublisher.Probe<Packet> sink =
        TestSource.<Packet>create(host.system())
            .toMat(streams.packetSink(), Keep.left())
            .run(host.system());
    sink.ensureSubscription();
    source.cancel();
    sink.sendNext(Traffic.numbered(7, 60));
    await().until(() -> handle.counters().sentPackets() == 1);
    assertThat(Traffic.receive(host, network)).containsExactly(7L);
    assertThat(handle.isOpen()).isTrue();
    sink.sendComplete();
    end(handle.closed());
  }

  @Test
  void a_failure_upstream_fails_the_sink_and_closes_the_port() {
    TestPublisher.Probe<Packet> publisher = TestPublisher.probe(0, host.system().classicSystem());
    CompletionStage<Done> done =
        Source.fromPublisher(publisher).runWith(streams.packetSink(), host.system());
    publisher.sendNext(Traffic.numbered(1, 60));
    publisher.sendError(new VnetException("test", "", Errno.EINVAL, "upstream failed", ""));
    assertThat(failure(done)).isEqualTo(Errno.EINVAL);
    end(handle.closed());
  }

  @Test
  void a_close_by_the_user_completes_source_and_sink() {
    TestSubscriber.Probe<Packet> source = probe(streams.packets());
    source.request(1);
    CompletionStage<Done> sink =
        Source.<Packet>maybe().runWith(streams.packetSink(), host.system());
    handle.close();
    source.expectComplete();
    assertThat(end(sink)).isEqualTo(Done.getInstance());
  }

  @Test
  void a_forced_destroy_fails_source_sink_and_flow_with_ENXIO() {
    CompletionStage<Done> source = streams.batches().runWith(Sink.ignore(), host.system());
    CompletionStage<Done> sink =
        Source.<Packet>maybe().runWith(streams.packetSink(), host.system());
    CompletionStage<Done> flow =
        Source.<Packet>maybe()
            .viaMat(host.streams(network).packetFlow(), Keep.right())
            .to(Sink.ignore())
            .run(host.system());
    device.destroy();
    assertThat(failure(source)).isEqualTo(Errno.ENXIO);
    assertThat(failure(sink)).isEqualTo(Errno.ENXIO);
    assertThat(failure(flow)).isEqualTo(Errno.ENXIO);
  }

  @Test
  void a_destroy_that_waits_does_so_while_the_stream_goes_on() {
    TestSubscriber.Probe<Packet> probe = probe(streams.packets());
    DestroyRequest request = device.destroyAsync(DestroyPolicy.WAIT);
    await().until(() -> device.info().state() == DeviceInfo.State.DYING);
    Traffic.send(host, network, 5, 1);
    assertThat(Traffic.number(probe.requestNext())).isEqualTo(5);
    assertThat(request.done().toCompletableFuture()).isNotDone();
    probe.cancel();
    assertThat(end(request.done())).isEqualTo(device.id());
  }

  @Test
  void a_destroy_that_waits_can_be_cancelled_and_the_stream_never_knew() {
    TestSubscriber.Probe<Packet> probe = probe(streams.packets());
    DestroyRequest request = device.destroyAsync(DestroyPolicy.WAIT);
    request.cancel();
    assertThat(failure(request.done())).isEqualTo(Errno.EINTR);
    Traffic.send(host, network, 6, 1);
    assertThat(Traffic.number(probe.requestNext())).isEqualTo(6);
    handle.close();
    probe.expectComplete();
  }

  @Test
  void an_operator_on_packets_that_throws_leaks_nothing() {
    Traffic.send(host, network, 0, 10);
    CompletionStage<Done> done =
        streams
            .packets()
            .map(packet -> {
              if (Traffic.number(packet) == 4) {
                throw new VnetException("map", "", Errno.EINVAL, "the fourth", "");
              }
              return packet;
            })
            .runWith(Sink.ignore(), host.system());
    assertThat(failure(done)).isEqualTo(Errno.EINVAL);
    end(handle.closed());
    await().until(() -> host.statistics().batchesLent() == 0);
    assertThat(handle.counters().receivedPackets()).isEqualTo(10);
    assertThat(handle.counters().dropped(DropReason.STREAM_ENDED)).isEqualTo(5);
  }

  @Test
  void an_operator_on_batches_that_releases_before_it_throws_leaks_nothing() {
    Traffic.send(host, network, 0, 10);
    CompletionStage<Done> done =
        streams
            .batches()
            .<Long>map(batch -> {
              batch.release();
              throw new VnetException("map", "", Errno.EINVAL, "always", "");
            })
            .runWith(Sink.ignore(), host.system());
    assertThat(failure(done)).isEqualTo(Errno.EINVAL);
    end(handle.closed());
    await().until(() -> host.statistics().batchesLent() == 0);
  }

  @Test
  void a_packet_source_can_be_subscribed_to_without_akka() {
    CompletableFuture<List<Long>> seen = new CompletableFuture<>();
    streams.packetPublisher().subscribe(new Collector(3, seen));
    Traffic.send(host, network, 0, 5);
    assertThat(end(seen)).isEqualTo(numbers(0, 3));
    end(handle.closed());
  }

  @Test
  void a_batch_source_can_be_subscribed_to_without_akka() {
    CompletableFuture<Integer> packets = new CompletableFuture<>();
    streams
        .batchPublisher()
        .subscribe(
            new Flow.Subscriber<PacketBatch>() {
              @Override
              public void onSubscribe(Flow.Subscription subscription) {
                subscription.request(1);
                Traffic.send(host, network, 0, 5);
              }

              @Override
              public void onNext(PacketBatch batch) {
                int count = batch.count();
                batch.release();
                packets.complete(count);
              }

              @Override
              public void onError(Throwable failure) {
                packets.completeExceptionally(failure);
              }

              @Override
              public void onComplete() {
                packets.completeExceptionally(new AssertionError("completed"));
              }
            });
    assertThat(end(packets)).isBetween(1, 5);
  }

  @Test
  void packets_can_be_published_to_a_sink_without_akka() {
    try (SubmissionPublisher<Packet> publisher = new SubmissionPublisher<>()) {
      publisher.subscribe(streams.packetSubscriber());
      for (int i = 0; i < 100; i++) {
        publisher.submit(Traffic.numbered(i, 60));
      }
    }
    end(handle.closed());
    assertThat(Traffic.receive(host, network)).isEqualTo(numbers(0, 100));
  }

  @Test
  void batches_can_be_published_to_a_sink_without_akka() {
    try (SubmissionPublisher<PacketBatch> publisher = new SubmissionPublisher<>()) {
      publisher.subscribe(streams.batchSubscriber());
      for (int i = 0; i < 10; i++) {
        PacketBatch batch = host.batches().acquire();
        batch.append(Traffic.numbered(2L * i, 60));
        batch.append(Traffic.numbered(2L * i + 1, 60));
        publisher.submit(batch);
      }
    }
    end(handle.closed());
    assertThat(Traffic.receive(host, network)).isEqualTo(numbers(0, 20));
  }

  @Test
  void a_publisher_over_a_destroyed_device_fails_its_subscriber() {
    CompletableFuture<List<Long>> seen = new CompletableFuture<>();
    streams.packetPublisher().subscribe(new Collector(3, seen));
    device.destroy();
    assertThat(failure(seen)).isEqualTo(Errno.ENXIO);
  }

  @Test
  void a_sink_that_finds_no_room_waits_and_loses_nothing() {
    int packets = 2_000;
    CompletionStage<Done> done =
        Source.range(0, packets - 1)
            .map(number -> Traffic.numbered(number, 100))
            .runWith(streams.packetSink(), host.system());
    await().until(() -> handle.counters().sentPackets() == DeviceSpec.DEFAULT_QUEUE_PACKETS);
    assertThat(done.toCompletableFuture()).isNotDone();
    List<Long> seen = new ArrayList<>();
    await()
        .until(() -> {
          seen.addAll(Traffic.receive(host, network));
          return seen.size() == packets;
        });
    assertThat(seen).isEqualTo(numbers(0, packets));
    assertThat(end(done)).isEqualTo(Done.getInstance());
    assertThat(handle.counters().dropped()).isZero();
  }

  @Test
  void the_longest_packets_pass_as_packets_and_as_batches_of_several() {
    int packets = 40;
    for (String driver : List.of("tun", "tap")) {
      int longest = driver.equals("tun") ? 65_535 : 65_517;
      Device jumbo = host.create(DeviceSpec.of(driver).withMtu(longest));
      PacketStreams left = host.streams(jumbo.open());
      PacketStreams right = host.streams(jumbo.networkEnd());
      List<Packet> sent = new ArrayList<>();
      for (int i = 0; i < packets; i++) {
        sent.add(Traffic.numbered(i, longest));
      }
      CompletionStage<List<PacketBatch>> batches =
          left.batches()
              .takeWhile(batch -> Traffic.number(batch, batch.count() - 1) < packets - 1, true)
              .runWith(Sink.seq(), host.system());
      CompletionStage<Done> there =
          Source.from(sent).concat(Source.maybe()).runWith(right.packetSink(), host.system());
      List<Packet> received = new ArrayList<>();
      int most = 0;
      for (PacketBatch batch : end(batches)) {
        most = Math.max(most, batch.count());
        for (int i = 0; i < batch.count(); i++) {
          received.add(batch.packet(i));
        }
        batch.release();
      }
      assertThat(received).isEqualTo(sent);
      assertThat(most).isBetween(1, 15);
      jumbo.destroy();
      assertThat(failure(there)).isEqualTo(Errno.ENXIO);
    }
  }

  @Test
  void two_flows_joined_relay_both_ways_and_the_end_of_one_is_the_end_of_both() {
    Device other = host.create(DeviceSpec.of("tun"));
    DeviceHandle otherHandle = other.open();
    NetworkEnd otherNetwork = other.networkEnd();
    CompletionStage<Done> running =
        streams
            .batchFlow()
            .joinMat(host.streams(otherHandle).batchFlow(), Keep.left())
            .run(host.system());
    Traffic.send(host, network, 0, 100);
    Traffic.send(host, otherNetwork, 1000, 100);
    await().until(() -> otherHandle.counters().sentPackets() == 100);
    await().until(() -> handle.counters().sentPackets() == 100);
    assertThat(Traffic.receive(host, otherNetwork)).isEqualTo(numbers(0, 100));
    assertThat(Traffic.receive(host, network)).isEqualTo(numbers(1000, 100));
    other.destroy();
    assertThatThrownBy(() -> end(running)).hasRootCauseInstanceOf(VnetException.class);
    end(handle.closed());
  }

  private record Collector(List<Long> numbers, int wanted, CompletableFuture<List<Long>> seen)
      implements Flow.Subscriber<Packet> {
    Collector(int wanted, CompletableFuture<List<Long>> seen) {
      this(new CopyOnWriteArrayList<>(), wanted, seen);
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(wanted);
      var _ = seen.whenComplete((_, _) -> subscription.cancel());
    }

    @Override
    public void onNext(Packet packet) {
      numbers.add(Traffic.number(packet));
      if (numbers.size() == wanted) {
        seen.complete(List.copyOf(numbers));
      }
    }

    @Override
    public void onError(Throwable failure) {
      seen.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      seen.completeExceptionally(new AssertionError("completed after " + numbers));
    }
  }
}
