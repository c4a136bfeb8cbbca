package io.vnet.actors.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.Done;
import akka.actor.testkit.typed.javadsl.LoggingTestKit;
import akka.stream.AbruptStageTerminationException;
import akka.stream.Materializer;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PortListener;
import io.vnet.io.testkit.TestPort;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** A stage whose call on the port meets the port's end before the port's signal does. */
@ParameterizedClass(name = "fuzzing {0}")
@ValueSource(booleans = {false, true})
class EndedPortTest extends StreamTest {
  private static final Packet PACKET = Packet.of(new byte[] {0x45, 0, 0, 4});

  private final EndedPort port = new EndedPort();
  private final PacketStreams streams = streams(port);

  EndedPortTest(boolean fuzzing) {
    super(fuzzing);
  }

  private static VnetException closed() {
    return new VnetException("receive", "tun0", Errno.EBADF, "it is closed", "");
  }

  @Test
  void a_source_over_a_port_that_its_user_closed_completes() {
    port.error = closed();
    CompletionStage<Done> ended = streams.batches().runWith(Sink.ignore(), kit.system());
    port.awaitCall();
    assertThat(ended.toCompletableFuture()).isNotDone();
    port.tellClosed(null);
    assertThat(ended.toCompletableFuture().join()).isEqualTo(Done.getInstance());
  }

  @Test
  void a_sink_over_a_port_that_its_user_closed_completes() {
    port.error = closed();
    CompletionStage<Done> ended = Source.single(PACKET).runWith(streams.packetSink(), kit.system());
    port.awaitCall();
    port.tellClosed(null);
    assertThat(ended.toCompletableFuture().join()).isEqualTo(Done.getInstance());
  }

  @Test
  void a_revoked_port_fails_its_source_with_the_reason_and_nothing_is_logged() {
    VnetException revoked =
        new VnetException("receive", "tun0", Errno.ENXIO, "the device was destroyed", "");
    port.error = revoked;
    CompletionStage<Done> ended =
        LoggingTestKit.error("Error in stage")
            .withOccurrences(0)
            .expect(
                kit.system(),
                () -> {
                  CompletionStage<Done> running =
                      streams.packets().runWith(Sink.ignore(), kit.system());
                  port.awaitCall();
                  port.tellClosed(revoked);
                  awaitEnd(running);
                  return running;
                });
    assertThatThrownBy(() -> ended.toCompletableFuture().join())
        .hasCauseInstanceOf(VnetException.class)
        .hasMessageContaining("ENXIO, the device was destroyed");
  }

  @Test
  void a_call_that_fails_on_an_open_port_fails_the_source() {
    port.open = true;
    port.error = new VnetException("receive", "tun0", Errno.EIO, "input/output error", "");
    CompletionStage<Done> ended = streams.batches().runWith(Sink.ignore(), kit.system());
    assertThatThrownBy(() -> ended.toCompletableFuture().join())
        .hasCauseInstanceOf(VnetException.class)
        .hasMessageContaining("EIO");
  }

  @Test
  void a_packet_that_no_batch_holds_fails_the_sink_with_EIO() {
    port.open = true;
    CompletionStage<Done> ended =
        Source.single(Packet.of(new byte[SlabPool.DEFAULT_SLAB_BYTES]))
            .runWith(streams.packetSink(), kit.system());
    assertThatThrownBy(() -> ended.toCompletableFuture().join())
        .hasCauseInstanceOf(VnetException.class)
        .hasMessageContaining("EIO");
  }

  @Test
  void a_port_that_throws_what_nobody_expects_fails_the_sink_with_it() {
    port.open = true;
    port.error = new IllegalStateException("on purpose");
    CompletionStage<Done> ended = Source.single(PACKET).runWith(streams.packetSink(), kit.system());
    assertThatThrownBy(() -> ended.toCompletableFuture().join()).cause().isSameAs(port.error);
  }

  @Test
  void a_port_that_cannot_be_listened_to_fails_the_sink_with_its_reason() {
    port.deaf = new IllegalStateException("on purpose");
    CompletionStage<Done> ended = Source.single(PACKET).runWith(streams.packetSink(), kit.system());
    assertThatThrownBy(() -> ended.toCompletableFuture().join()).cause().isSameAs(port.deaf);
    assertThat(port.closed.join()).isEqualTo(Done.getInstance());
  }

  @Test
  void a_batch_that_was_released_before_fails_the_sink() {
    port.open = true;
    PacketBatch released = pool.acquire();
    released.release();
    CompletionStage<Done> ended =
        Source.single(released).runWith(streams.batchSink(), kit.system());
    assertThatThrownBy(() -> ended.toCompletableFuture().join())
        .hasCauseInstanceOf(IllegalStateException.class)
        .hasMessageContaining("released twice");
  }

  @Test
  void a_stream_that_is_aborted_fails_the_sinks_value() {
    port.open = true;
    Materializer materializer = Materializer.createMaterializer(kit.system());
    CompletionStage<Done> ended =
        Source.single(PACKET).concat(Source.maybe()).runWith(streams.packetSink(), materializer);
    port.awaitCall();
    materializer.shutdown();
    assertThatThrownBy(() -> ended.toCompletableFuture().join())
        .hasCauseInstanceOf(AbruptStageTerminationException.class);
  }

  @Test
  void what_waits_for_room_when_upstream_completes_is_sent_before_the_sink_does() {
    port.open = true;
    CompletionStage<Done> ended = Source.single(PACKET).runWith(streams.packetSink(), kit.system());
    port.awaitCall();
    port.giveRoom();
    assertThat(ended.toCompletableFuture().join()).isEqualTo(Done.getInstance());
    assertThat(port.counters().drops()).isEmpty();
    assertThat(port.counters().sentPackets()).isEqualTo(1);
  }

  private static void awaitEnd(CompletionStage<Done> running) {
    running.handle((_, _) -> Done.getInstance()).toCompletableFuture().join();
  }

  /** Its calls fail; it tells of its end when the test says so. */
  private static final class EndedPort extends TestPort {
    private final CompletableFuture<PortListener> listener = new CompletableFuture<>();
    private final CountDownLatch called = new CountDownLatch(1);
    private final CompletableFuture<Done> closed = new CompletableFuture<>();
    private volatile boolean open;
    private volatile boolean room;
    private volatile @Nullable RuntimeException deaf;
    private volatile @Nullable RuntimeException error;

    EndedPort() {
      super("tun0");
    }

    void awaitCall() {
      try {
        assertThat(called.await(30, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    void tellClosed(@Nullable VnetException cause) {
      listener.join().closed(cause);
    }

    void giveRoom() {
      room = true;
      listener.join().writable();
    }

    private int call() {
      called.countDown();
      RuntimeException failure = error;
      if (failure == null) {
        return 0;
      }
      throw failure;
    }

    @Override
    public int receive(PacketBatch into) {
      return call();
    }

    @Override
    public int send(PacketBatch batch, int from) {
      int taken = room ? batch.count() - from : 0;
      ledger().sent(taken, taken);
      return call() + taken;
    }

    @Override
    public Registration listen(PortListener newListener) {
      RuntimeException failure = deaf;
      if (failure != null) {
        throw failure;
      }
      listener.complete(newListener);
      return () -> {};
    }

    @Override
    public boolean isOpen() {
      return open;
    }

    @Override
    public void close() {
      open = false;
      closed.complete(Done.getInstance());
    }
  }
}
