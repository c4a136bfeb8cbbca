package io.vnet.actors.stream;

import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PacketPort;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.io.testkit.ReactiveStreamsTck;
import io.vnet.io.testkit.TestPort;
import java.util.Map;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.Flow.Subscriber;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;
import org.reactivestreams.tck.flow.FlowSubscriberBlackboxVerification;

/** What vnet's streams hand to those without Akka keeps the rules of Reactive Streams. */
class ReactiveStreamsTckTest {
  private static final int TIMEOUT_MILLIS = 3_000;
  private static final int SILENCE_MILLIS = 50;

  private static final String MULTICAST =
      "optional_spec111_multicast_mustProduceTheSameElementsInTheSameSequence"
          + "ToAllOfItsSubscribersWhenRequesting";

  private static final String ONE_SUBSCRIBER = "a port's publisher has one subscriber";

  private static final Map<String, String> UNICAST =
      Map.of(
          "optional_spec111_maySupportMultiSubscribe",
          ONE_SUBSCRIBER,
          "optional_spec111_registeredSubscribersMustReceiveOnNextOrOnCompleteSignals",
          ONE_SUBSCRIBER,
          MULTICAST + "ManyUpfront",
          ONE_SUBSCRIBER,
          MULTICAST + "ManyUpfrontAndCompleteAsExpected",
          ONE_SUBSCRIBER,
          MULTICAST + "OneByOne",
          ONE_SUBSCRIBER);

  private static final VnetHost HOST = VnetHost.start();

  // Subscribers of the TCK release no batch: enough for all of them, found by the collector.
  private static final SlabPool SLABS = new SlabPool(4096, 100_000);
  private static final BatchPool BATCHES = new BatchPool(SLABS, 4, 0, 0);

  @AfterAll
  static void nothing_is_left() {
    Leftovers.assertNothingLeft(HOST);
    BATCHES.close();
    SLABS.close();
  }

  private static TestEnvironment environment() {
    return new TestEnvironment(TIMEOUT_MILLIS, SILENCE_MILLIS);
  }

  private static PacketStreams streams(PacketPort port) {
    return new PacketStreams(port, BATCHES, HOST.system(), new IslandDispatchers(HOST.system()));
  }

  private static <T> Stream<DynamicTest> publisher(Function<PacketStreams, Publisher<T>> make) {
    return ReactiveStreamsTck.rules(
        () ->
            new FlowPublisherVerification<T>(environment(), TIMEOUT_MILLIS) {
              @Override
              public Publisher<T> createFlowPublisher(long elements) {
                return make.apply(streams(new FinitePort(elements)));
              }

              @Override
              public Publisher<T> createFailedFlowPublisher() {
                MemoryPort port = MemoryPort.pair("tun0", Layer.L3, 1);
                port.destroy(
                    new VnetException("use", "tun0", Errno.ENXIO, "the device was destroyed", ""));
                return make.apply(streams(port));
              }
            },
        UNICAST);
  }

  private static <T> Stream<DynamicTest> subscriber(
      Function<PacketStreams, Subscriber<T>> make, Supplier<T> element) {
    return ReactiveStreamsTck.rules(
        () ->
            new FlowSubscriberBlackboxVerification<T>(environment()) {
              @Override
              public Subscriber<T> createFlowSubscriber() {
                return make.apply(streams(MemoryPort.pair("tun0", Layer.L3, 10_000)));
              }

              @Override
              public T createElement(int number) {
                return element.get();
              }
            },
        Map.of());
  }

  private static Packet packet() {
    return Packet.of(new byte[] {0x45});
  }

  private static PacketBatch batch() {
    PacketBatch batch = BATCHES.acquire();
    batch.append(packet());
    return batch;
  }

  @TestFactory
  Stream<DynamicTest> packet_publisher() {
    return publisher(PacketStreams::packetPublisher);
  }

  @TestFactory
  Stream<DynamicTest> batch_publisher() {
    return publisher(PacketStreams::batchPublisher);
  }

  @TestFactory
  Stream<DynamicTest> packet_subscriber() {
    return subscriber(PacketStreams::packetSubscriber, ReactiveStreamsTckTest::packet);
  }

  @TestFactory
  Stream<DynamicTest> batch_subscriber() {
    return subscriber(PacketStreams::batchSubscriber, ReactiveStreamsTckTest::batch);
  }

  /** Has so many packets, gives one a call, and ends itself after the last. */
  private static final class FinitePort extends TestPort {
    private long left;

    FinitePort(long packets) {
      super("finite");
      this.left = packets;
    }

    @Override
    public synchronized int receive(PacketBatch into) {
      checkOpen("receive");
      if (left > 0 && into.append(packet())) {
        left--;
        ledger().received(1, 1);
        return 1;
      }
      close();
      return 0;
    }

    @Override
    public int send(PacketBatch batch, int from) {
      throw new VnetException("send", name(), Errno.EBADF, "it is read only", "");
    }
  }
}
