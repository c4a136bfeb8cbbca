package io.vnet.actors.stream;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.stream.javadsl.Sink;
import io.vnet.actors.testkit.StreamKits;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.Island;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.testkit.TestPort;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Ports on one island take turns: one that always has more keeps neither another from its packets
 * nor the island from its poller.
 */
class FairnessTest {
  private static final int GUARD_SECONDS = 60;
  private static final int RECEIVES_MAX = 2_000_000;
  private static final int BEGIN = 1_000;

  /** Several turns of some 32 batches each. */
  private static final int AHEAD_MAX = 200;

  private final ActorTestKit kit = StreamKits.create(false);
  private final IslandLoop island = new IslandLoop();
  private final SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 16);
  private final BatchPool batches = new BatchPool(slabs);
  private final IslandDispatchers dispatchers = new IslandDispatchers(kit.system());
  private final Libc libc = NativeLibc.load();

  /** What each had when the other was still at nothing. On the island. */
  private List<Integer> starts = List.of(0, 0);

  @AfterEach
  void end() {
    kit.shutdownTestKit();
    island.close();
    batches.close();
    slabs.close();
  }

  /** On the island; gives one packet a call while it has some. */
  private abstract class IslandPort extends TestPort {
    private int receives;

    IslandPort(String name) {
      super(name);
    }

    /** Whether there is a packet, on the island. */
    abstract boolean next(int receive);

    @Override
    public Optional<Island> island() {
      return Optional.of(island);
    }

    @Override
    public int receive(PacketBatch into) {
      checkOpen("receive");
      if (receives >= RECEIVES_MAX || !next(receives)) {
        return 0;
      }
      receives++;
      ledger().received(1, 1);
      return into.append(Packet.of(new byte[] {0x45})) ? 1 : 0;
    }

    @Override
    public int send(PacketBatch batch, int from) {
      throw new AssertionError("nobody sends");
    }

    final void signal() {
      signalReadable();
    }

    final void begin(Runnable each) {
      PacketStreams streams = new PacketStreams(this, batches, kit.system(), dispatchers);
      var _ =
          streams.run(
              streams
                  .batches()
                  .to(
                      Sink.foreach(batch -> {
                        batch.release();
                        each.run();
                      })));
    }
  }

  @Test
  void a_port_that_becomes_readable_is_read_although_another_always_has_more() throws Exception {
    int event = (int) libc.eventfd(0, 0x800);
    try (Arena arena = Arena.ofShared()) {
      long one = arena.allocateFrom(ValueLayout.JAVA_LONG, 1).address();
      AtomicBoolean arrived = new AtomicBoolean();
      AtomicBoolean read = new AtomicBoolean();
      CompletableFuture<Integer> ahead = new CompletableFuture<>();
      IslandPort quiet =
          new IslandPort("quiet") {
            @Override
            boolean next(int receive) {
              return receive == 0 && arrived.get();
            }
          };
      IslandPort flooded =
          new IslandPort("flooded") {
            @Override
            boolean next(int receive) {
              if (receive == BEGIN) {
                arrived.set(true);
                assertThat(libc.write(event, one, Long.BYTES)).isEqualTo(Long.BYTES);
              }
              if (read.get() || receive + 1 == RECEIVES_MAX) {
                ahead.complete(receive - BEGIN);
                return false;
              }
              return true;
            }
          };
      IslandLoop.Watch watch = island.watch(event, new Signal(quiet));
      quiet.begin(() -> read.set(true));
      flooded.begin(() -> {});
      assertThat(ahead.get(GUARD_SECONDS, TimeUnit.SECONDS)).isBetween(1, AHEAD_MAX);
      CountDownLatch cancelled = new CountDownLatch(1);
      watch.cancel(cancelled::countDown);
      assertThat(cancelled.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      quiet.close();
      flooded.close();
    } finally {
      libc.close(event);
    }
  }

  private record Signal(IslandPort port) implements IslandLoop.Watcher {
    @Override
    public void readable() {
      port.signal();
    }

    @Override
    public void broken() {
      throw new AssertionError("broken");
    }

    @Override
    public void refused(long result) {
      throw new AssertionError("refused " + result);
    }
  }

  @Test
  void ports_that_always_have_more_are_read_alike() throws Exception {
    int[] counts = new int[2];
    CompletableFuture<Integer> ahead = new CompletableFuture<>();
    IslandPort[] ports = new IslandPort[2];
    for (int i = 0; i < ports.length; i++) {
      int mine = i;
      ports[i] =
          new IslandPort("flooded" + i) {
            @Override
            boolean next(int receive) {
              counts[mine] = receive;
              if (counts[0] == 0 || counts[1] == 0) {
                starts = List.of(counts[0], counts[1]);
              } else if (counts[0] + counts[1] == 40 * BEGIN) {
                ahead.complete(counts[0] - starts.get(0) - (counts[1] - starts.get(1)));
              }
              return !ahead.isDone();
            }
          };
    }
    // One may begin before the other: what it has until then does not count.
    CompletableFuture.runAsync(
            () -> {
              ports[0].begin(() -> {});
              ports[1].begin(() -> {});
            },
            island)
        .get(GUARD_SECONDS, TimeUnit.SECONDS);
    assertThat(ahead.get(GUARD_SECONDS, TimeUnit.SECONDS)).isBetween(-AHEAD_MAX, AHEAD_MAX);
    ports[0].close();
    ports[1].close();
  }
}
