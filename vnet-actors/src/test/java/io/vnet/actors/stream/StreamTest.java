package io.vnet.actors.stream;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import io.vnet.actors.testkit.StreamKits;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PacketPort;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.awaitility.core.ConditionFactory;
import org.junit.jupiter.api.AfterEach;

/** A test with a materializer and a pool of batches, none of which may be lent when it ends. */
abstract class StreamTest {
  private static final int GUARD_SECONDS = 60;
  private static final int SLABS_MAX = 64;

  final SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, SLABS_MAX);
  final BatchPool pool = new BatchPool(slabs);
  final ActorTestKit kit;

  /** With the materializer's fuzzing mode or without. */
  StreamTest(boolean fuzzing) {
    kit = StreamKits.create(fuzzing);
  }

  @AfterEach
  final void no_batch_is_left() {
    try {
      soon().until(() -> pool.lent() == 0);
      assertThat(pool.leaked()).isZero();
      pool.close();
      slabs.close();
    } finally {
      kit.shutdownTestKit();
    }
  }

  /** Looks more often than usual: hundreds of short streams wait here. */
  static ConditionFactory soon() {
    return await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(1));
  }

  static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  final PacketStreams streams(PacketPort port) {
    return new PacketStreams(port, pool, kit.system(), new IslandDispatchers(kit.system()));
  }
}
