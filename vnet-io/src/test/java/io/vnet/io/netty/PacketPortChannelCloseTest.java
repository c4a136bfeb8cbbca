package io.vnet.io.netty;

import static io.vnet.io.netty.ChannelLab.failure;
import static io.vnet.io.netty.ChannelLab.soon;
import static io.vnet.io.netty.ChannelLab.sync;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.ChannelFuture;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.io.netty.ChannelLab.Loops;
import io.vnet.io.testkit.MemoryPort;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whoever ends a channel or its port, in whatever moment: both end, once, and give back all they
 * had.
 */
@SuppressWarnings("FutureReturnValueIgnored") // What a call does is seen at the channel.
class PacketPortChannelCloseTest {
  private static VnetException destroyed() {
    return new VnetException(
        "use", "tun0", Errno.ENXIO, "the device was destroyed", "create it again");
  }

  /** Who ends it. */
  enum End {
    CHANNEL_CLOSED,
    CHANNEL_CLOSED_ON_THE_LOOP,
    DISCONNECTED,
    PORT_CLOSED,
    PORT_DESTROYED,
    PORT_FAILS_TO_RECEIVE,
    LOOP_SHUT_DOWN;

    boolean hasCause() {
      return this == PORT_DESTROYED || this == PORT_FAILS_TO_RECEIVE;
    }

    void carryOut(ChannelLab lab) {
      switch (this) {
        case CHANNEL_CLOSED -> lab.channel.close();
        case CHANNEL_CLOSED_ON_THE_LOOP ->
            lab.channel.eventLoop().execute(() -> lab.channel.close());
        case DISCONNECTED -> lab.channel.disconnect();
        case PORT_CLOSED -> lab.port.close();
        case PORT_DESTROYED -> lab.port.destroy(destroyed());
        case PORT_FAILS_TO_RECEIVE -> {
          lab.port.failNextReceive(destroyed());
          lab.channel.config().setAutoRead(true);
        }
        case LOOP_SHUT_DOWN -> lab.loops.shutdownGracefully(0, 10, TimeUnit.SECONDS);
      }
    }
  }

  /** In which moment. */
  enum Moment {
    IDLE,
    /** Packets wait to be read, some of them taken from the port already. */
    UNREAD,
    /** Writes wait for room. */
    HALF_WRITTEN,
    /** Writes wait for a flush. */
    UNFLUSHED;

    void bringAbout(ChannelLab lab, List<ChannelFuture> waiting) {
      switch (this) {
        case IDLE -> {}
        case UNREAD -> {
          lab.network.offer(new byte[] {1});
          lab.network.offer(new byte[] {2});
          lab.network.offer(new byte[] {3});
          lab.channel.read();
          lab.recorder.awaitPackets(1);
        }
        case HALF_WRITTEN ->
            lab.onLoop(() -> {
              for (int i = 0; i < 8; i++) {
                ChannelFuture write = lab.channel.write(lab.buffer(i));
                if (i >= 4) {
                  waiting.add(write);
                }
              }
              lab.channel.flush();
            });
        case UNFLUSHED ->
            lab.onLoop(() -> {
              waiting.add(lab.channel.write(lab.buffer(1)));
              waiting.add(lab.channel.write(lab.buffer(2)));
            });
      }
    }
  }

  static Stream<Arguments> matrix() {
    return Stream.of(Loops.values())
        .flatMap(loops ->
            Stream.of(End.values())
                .flatMap(end ->
                    Stream.of(Moment.values()).map(moment -> Arguments.of(loops, end, moment))));
  }

  private static ChannelLab lab(Loops loops) {
    return new ChannelLab(loops, MemoryPort.pair("tun0", Layer.L3, 4));
  }

  private static long count(ChannelLab lab, String event) {
    return lab.recorder.events.stream().filter(event::equals).count();
  }

  @ParameterizedTest
  @MethodSource("matrix")
  void the_channel_and_the_port_end_together_and_give_all_back(
      Loops loops, End end, Moment moment) {
    try (ChannelLab lab = lab(loops)) {
      lab.channel.config().setAutoRead(false);
      lab.register();
      List<ChannelFuture> waiting = new ArrayList<>();
      moment.bringAbout(lab, waiting);

      end.carryOut(lab);

      sync(lab.channel.closeFuture());
      soon().until(() -> count(lab, "unregistered") == 1);
      for (ChannelFuture write : waiting) {
        Throwable failure = failure(write);
        assertThat(failure).isInstanceOf(ClosedChannelException.class);
        if (end.hasCause()) {
          assertThat(failure.getCause()).isInstanceOf(VnetException.class);
        }
      }
      assertThat(count(lab, "inactive")).isEqualTo(1);
      if (end.hasCause()) {
        assertThat(lab.recorder.exceptions).hasSize(1);
        assertThat(((VnetException) lab.recorder.exceptions.getFirst()).errno())
            .isEqualTo(Errno.ENXIO);
        assertThat(lab.recorder.events.indexOf("exception"))
            .isLessThan(lab.recorder.events.indexOf("inactive"));
      } else {
        assertThat(lab.recorder.exceptions).isEmpty();
      }
      lab.assertNothingLeft();
      assertThat(lab.port.counters().dropped(DropReason.STREAM_ENDED))
          .isEqualTo(moment == Moment.UNREAD && end != End.PORT_FAILS_TO_RECEIVE ? 2 : 0);
      // More than once is as once.
      lab.port.close();
      if (end == End.LOOP_SHUT_DOWN) {
        return;
      }
      sync(lab.channel.close());
      assertThat(failure(lab.channel.writeAndFlush(lab.buffer(1))))
          .isInstanceOf(ClosedChannelException.class);
    }
  }

  @ParameterizedTest
  @EnumSource(End.class)
  void a_handler_can_end_it_in_the_middle_of_a_batch(End end) {
    try (ChannelLab lab = new ChannelLab(Loops.NIO, MemoryPort.pair("tun0", Layer.L3, 64))) {
      for (int i = 0; i < 64; i++) {
        lab.network.offer(new byte[] {1});
      }
      lab.recorder.reader =
          (_, _) -> {
            if (lab.recorder.packets.size() == 10) {
              end.carryOut(lab);
            }
          };
      lab.register();
      sync(lab.channel.closeFuture());
      soon().until(() -> count(lab, "unregistered") == 1);
      lab.assertNothingLeft();
      assertThat(count(lab, "inactive")).isEqualTo(1);
      assertThat(lab.port.counters().receivedPackets()).isEqualTo(64);
    }
  }

  @ParameterizedTest
  @EnumSource(End.class)
  void a_promises_listener_can_end_it_in_the_middle_of_a_write(End end) {
    try (ChannelLab lab = new ChannelLab(Loops.NIO, MemoryPort.pair("tun0", Layer.L3, 8))) {
      lab.register();
      List<ChannelFuture> writes = new ArrayList<>();
      lab.onLoop(() -> {
        for (int i = 0; i < 16; i++) {
          writes.add(lab.channel.write(lab.buffer(i)));
        }
        writes.get(2).addListener(_ -> end.carryOut(lab));
        lab.channel.flush();
      });
      sync(lab.channel.closeFuture());
      soon().until(() -> count(lab, "unregistered") == 1);
      writes.forEach(ChannelLab::await);
      assertThat(writes.subList(0, 3)).allMatch(ChannelFuture::isSuccess);
      assertThat(writes.subList(8, 16))
          .allMatch(write -> write.cause() instanceof ClosedChannelException);
      assertThat(lab.port.counters().sentPackets()).isEqualTo(8);
      lab.assertNothingLeft();
    }
  }

  @Test
  void a_port_that_fails_while_it_is_open_ends_with_its_channel() {
    try (ChannelLab lab = lab(Loops.NIO).register()) {
      IllegalStateException broken = new IllegalStateException("broken");
      lab.port.failNextSend(broken);
      ChannelFuture write = lab.channel.writeAndFlush(lab.buffer(1));
      assertThat(failure(write)).isInstanceOf(ClosedChannelException.class).hasCause(broken);
      sync(lab.channel.closeFuture());
      assertThat(lab.recorder.exceptions).containsExactly(broken);
      lab.assertNothingLeft();
    }
  }

  @Test
  void a_port_that_has_ended_fails_the_registration() {
    for (boolean destroyed : new boolean[] {true, false}) {
      try (ChannelLab lab = lab(Loops.NIO)) {
        End end = destroyed ? End.PORT_DESTROYED : End.PORT_CLOSED;
        end.carryOut(lab);
        Throwable failure = failure(lab.loops.register(lab.channel));
        assertThat(failure).isInstanceOf(VnetException.class);
        assertThat(((VnetException) failure).errno())
            .isEqualTo(destroyed ? Errno.ENXIO : Errno.EBADF);
        sync(lab.channel.closeFuture());
        lab.assertNothingLeft();
      }
    }
  }

  @Test
  void a_port_that_ends_while_the_channel_has_no_loop_fails_the_next_registration() {
    try (ChannelLab lab = lab(Loops.NIO).register()) {
      sync(lab.channel.deregister());
      lab.port.destroy(destroyed());
      Throwable failure = failure(lab.loops.register(lab.channel));
      assertThat(failure).isInstanceOf(VnetException.class).hasMessageContaining("ENXIO");
      sync(lab.channel.closeFuture());
      lab.assertNothingLeft();
    }
  }

  @Test
  void without_memory_for_its_batches_the_registration_fails_and_holds_none() {
    SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 1);
    BatchPool one = new BatchPool(slabs);
    MemoryPort port = MemoryPort.pair("tun0", Layer.L3, 4);
    try (ChannelLab lab = lab(Loops.NIO)) {
      PacketPortChannel channel = new PacketPortChannel(port, one);
      Throwable failure = failure(lab.loops.register(channel));
      assertThat(((VnetException) failure).errno()).isEqualTo(Errno.ENOBUFS);
      sync(channel.closeFuture());
      assertThat(one.lent()).isZero();
      assertThat(port.isOpen()).isFalse();
      assertThat(port.listeners()).isZero();
    }
    one.close();
    slabs.close();
  }

  @ParameterizedTest
  @EnumSource(Loops.class)
  void a_loop_that_has_ended_closes_the_channel_that_it_does_not_take(Loops loops) {
    try (ChannelLab lab = lab(loops)) {
      sync(lab.loops.shutdownGracefully(0, 10, TimeUnit.SECONDS));
      Throwable failure = failure(lab.loops.register(lab.channel));
      assertThat(failure).isInstanceOf(RejectedExecutionException.class);
      sync(lab.channel.closeFuture());
      lab.assertNothingLeft();
    }
  }

  @Test
  void a_loop_that_is_ending_takes_no_channel_and_ends_under_a_flood() {
    try (ChannelLab lab = new ChannelLab(Loops.NIO, MemoryPort.pair("tun0", Layer.L3, 64))) {
      PacketPortChannel late =
          new PacketPortChannel(MemoryPort.pair("tun1", Layer.L3, 4), lab.batches);
      List<ChannelFuture> registrations = new ArrayList<>();
      // Each packet is followed by another, so that the loop always has something to do.
      lab.recorder.reader =
          (_, _) -> {
            lab.network.offer(new byte[] {1});
            if (lab.recorder.packets.size() == 1000) {
              var _ = lab.loops.shutdownGracefully(0, 10, TimeUnit.SECONDS);
              registrations.add(lab.channel.eventLoop().register(late));
            }
          };
      lab.network.offer(new byte[] {1});
      lab.register();
      sync(lab.loops.terminationFuture());
      assertThat(lab.channel.closeFuture().isDone()).isTrue();
      lab.assertNothingLeft();
      assertThat(failure(registrations.getFirst())).isInstanceOf(RejectedExecutionException.class);
      assertThat(late.isOpen()).isFalse();
      assertThat(late.port().isOpen()).isFalse();
    }
  }

  @Test
  void one_that_was_never_registered_can_be_closed() {
    try (ChannelLab lab = lab(Loops.NIO)) {
      lab.channel.unsafe().closeForcibly();
      lab.assertNothingLeft();
    }
  }
}
