package io.vnet.actors.stream;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import io.vnet.actors.HostSettings;
import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.StreamKits;
import io.vnet.actors.testkit.Traffic;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each packet that went in came out, or is in a counter, whatever ended in between. */
@ParameterizedClass(name = "fuzzing {0}")
@ValueSource(booleans = {false, true})
class ConservationTest {
  private static final int GUARD_SECONDS = 60;
  private static final int PACKETS = 10_000;

  private final ActorTestKit kit;

  ConservationTest(boolean fuzzing) {
    kit = StreamKits.create(fuzzing);
  }

  @AfterEach
  void shutDown() {
    kit.shutdownTestKit();
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
  void a_relay_between_two_devices_accounts_for_each_packet_when_one_is_destroyed(long seed)
      throws Exception {
    Random random = new Random(seed);
    VnetHost host = VnetHost.on(kit.system(), HostSettings.defaults());
    DeviceSpec spec =
        DeviceSpec.of("tap")
            .withQueue(
                20 + random.nextInt(600),
                random.nextBoolean()
                    ? DeviceSpec.Overflow.TAIL_DROP
                    : DeviceSpec.Overflow.BACK_PRESSURE);
    Device first = host.create(spec);
    Device second = host.create(spec);
    DeviceHandle in = first.open();
    DeviceHandle out = second.open();
    NetworkEnd source = first.networkEnd();
    NetworkEnd target = second.networkEnd();
    CompletionStage<Done> relay =
        host.streams(in)
            .batchFlow()
            .joinMat(host.streams(out).batchFlow(), Keep.left())
            .run(host.system());

    long before = random.nextInt(PACKETS);
    CompletableFuture<Long> offered =
        async(() -> sendUntilRefused(host, source, new Random(seed + 1)));
    CompletableFuture<Long> reader = async(() -> readUntilRefused(host, target));
    await().until(() -> source.counters().sentPackets() >= before);
    (random.nextBoolean() ? first : second).destroy();
    end(relay.handle((_, _) -> Done.getInstance()).toCompletableFuture());
    end(in.closed().toCompletableFuture());
    end(out.closed().toCompletableFuture());
    for (Device device : new Device[] {first, second}) {
      if (host.find(device.id().toString()).isPresent()) {
        device.destroy();
      }
    }
    long taken = end(offered);
    assertThat(end(reader)).isEqualTo(target.counters().receivedPackets());

    PortCounters sent = source.counters();
    PortCounters received = in.counters();
    PortCounters passed = out.counters();
    PortCounters arrived = target.counters();
    String books = "seed " + seed + ": " + sent + received + passed + arrived;
    assertThat(sent.sentPackets() + sent.dropped()).as(books).isEqualTo(taken);
    assertThat(received.receivedPackets() + queueDrops(received) + queueDrops(sent))
        .as(books)
        .isEqualTo(sent.sentPackets());
    assertThat(
            passed.sentPackets()
                + passed.dropped(DropReason.NOT_ATTACHED)
                + passed.dropped(DropReason.STREAM_ENDED)
                + received.dropped(DropReason.STREAM_ENDED))
        .as(books)
        .isEqualTo(received.receivedPackets());
    assertThat(arrived.receivedPackets() + queueDrops(arrived))
        .as(books)
        .isEqualTo(passed.sentPackets());
    Leftovers.assertNothingLeft(host);
  }

  private static long queueDrops(PortCounters counters) {
    return counters.dropped(DropReason.FLUSHED_AT_CLOSE)
        + counters.dropped(DropReason.DEVICE_DESTROYED);
  }

  private static <T> T end(CompletableFuture<T> future) {
    return future.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private interface Work<T> {
    T run();
  }

  private static <T> CompletableFuture<T> async(Work<T> work) {
    return CompletableFuture.supplyAsync(work::run, task -> Thread.ofPlatform().start(task));
  }

  /** Returns how many packets the port took. */
  private static long sendUntilRefused(VnetHost host, PacketPort port, Random random) {
    PacketBatch batch = host.batches().acquire();
    long taken = 0;
    try {
      while (true) {
        batch.clear();
        int packets = 1 + random.nextInt(batch.capacity());
        for (int i = 0; i < packets; i++) {
          batch.append(Traffic.numbered(taken + i, Traffic.SHORTEST + random.nextInt(1400)));
        }
        for (int next = 0; next < batch.count(); ) {
          int now = port.send(batch, next);
          next += now;
          taken += now;
          if (now == 0) {
            Thread.onSpinWait();
          }
        }
      }
    } catch (VnetException e) {
      assertThat(e.errno()).isEqualTo(Errno.ENXIO);
      return taken;
    } finally {
      batch.release();
    }
  }

  private static long readUntilRefused(VnetHost host, PacketPort port) {
    PacketBatch batch = host.batches().acquire();
    try {
      while (true) {
        batch.clear();
        if (port.receive(batch) == 0) {
          Thread.onSpinWait();
        }
      }
    } catch (VnetException e) {
      assertThat(e.errno()).isEqualTo(Errno.ENXIO);
      return port.counters().receivedPackets();
    } finally {
      batch.release();
    }
  }

  @Test
  void a_batch_lost_by_an_operator_comes_back_and_is_counted_as_leaked() {
    VnetHost host = VnetHost.on(kit.system(), HostSettings.defaults());
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    NetworkEnd network = device.networkEnd();
    Traffic.send(host, network, 0, 10);
    CompletionStage<Done> done =
        host.streams(handle)
            .batches()
            .<Long>map(_ -> {
              throw new IllegalStateException("lost on purpose");
            })
            .runWith(Sink.ignore(), host.system());
    end(done.handle((_, _) -> Done.getInstance()).toCompletableFuture());
    end(handle.closed().toCompletableFuture());
    assertThat(handle.counters().receivedPackets()).isEqualTo(10);
    await()
        .until(() -> {
          System.gc();
          return host.statistics().batchesLeaked() == 1;
        });
    assertThat(host.statistics().batchesLent()).isZero();
    HostStatistics left = Leftovers.terminated(host);
    assertThat(left.batchesLeaked()).isEqualTo(1);
    assertThat(left.mappedBytes()).isZero();
  }
}
