package io.vnet.io.netty;

import static io.vnet.io.netty.ChannelLab.failure;
import static io.vnet.io.netty.ChannelLab.sync;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.embedded.EmbeddedChannel;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.netty.ChannelLab.Loops;
import io.vnet.io.testkit.MemoryPort;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Packets in and out of a port through Netty, and who waits for whom. */
@SuppressWarnings("FutureReturnValueIgnored") // What a call does is seen at the channel.
class PacketPortChannelTest {
  private static final int QUEUE = 256;

  private static ChannelLab lab(Loops loops) {
    return new ChannelLab(loops, MemoryPort.pair("tun0", Layer.L3, QUEUE));
  }

  private static ChannelLab lab() {
    return lab(Loops.NIO);
  }

  private static byte[] packet(int... bytes) {
    byte[] packet = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      packet[i] = (byte) bytes[i];
    }
    return packet;
  }

  @ParameterizedTest
  @EnumSource(Loops.class)
  void what_the_port_receives_is_read_one_buffer_a_packet(Loops loops) {
    try (ChannelLab lab = lab(loops).register()) {
      for (int i = 0; i < 200; i++) {
        assertThat(lab.network.offer(packet(0x45, i))).isTrue();
      }
      lab.recorder.awaitPackets(200);
      for (int i = 0; i < 200; i++) {
        assertThat(lab.recorder.packets.get(i)).isEqualTo(packet(0x45, i));
      }
      assertThat(lab.recorder.events.subList(0, 3)).containsExactly("registered", "active", "read");
    }
  }

  @ParameterizedTest
  @EnumSource(Loops.class)
  void what_is_written_is_sent_whatever_kind_the_buffer_is(Loops loops) {
    try (ChannelLab lab = lab(loops).register()) {
      ByteBufAllocator buffers = lab.buffers;
      List<ByteBuf> kinds =
          List.of(
              ChannelLab.write(buffers.heapBuffer(), 1, 2, 3),
              ChannelLab.write(buffers.directBuffer(), 1, 2, 3),
              buffers
                  .compositeBuffer()
                  .addComponent(true, ChannelLab.write(buffers.heapBuffer(), 1))
                  .addComponent(true, ChannelLab.write(buffers.directBuffer(), 2, 3)),
              ChannelLab.write(buffers.directBuffer(), 0, 1, 2, 3, 4).skipBytes(1).writerIndex(4),
              ChannelLab.write(buffers.heapBuffer(), 1, 2, 3).asReadOnly());
      List<ChannelFuture> writes = new ArrayList<>();
      lab.onLoop(() -> {
        kinds.forEach(kind -> writes.add(lab.channel.write(kind)));
        lab.channel.flush();
      });
      writes.forEach(ChannelLab::sync);
      assertThat(lab.port.sends()).as("sends of one flush").isEqualTo(1);
      for (int i = 0; i < kinds.size(); i++) {
        assertThat(lab.network.poll()).hasValue(packet(1, 2, 3));
        assertThat(kinds.get(i).refCnt()).isZero();
      }
      assertThat(lab.network.poll()).isEmpty();
      assertThat(lab.port.counters().sentPackets()).isEqualTo(kinds.size());
    }
  }

  @Test
  void a_burst_is_read_with_one_read_complete_for_what_a_batch_holds() {
    try (ChannelLab lab = lab()) {
      for (int i = 0; i < BatchPool.DEFAULT_CAPACITY + 6; i++) {
        lab.network.offer(packet(i));
      }
      lab.register();
      lab.recorder.awaitPackets(BatchPool.DEFAULT_CAPACITY + 6);
      await().until(() -> lab.recorder.events.getLast().equals("complete"));
      assertThat(lab.recorder.events.stream().filter("complete"::equals)).hasSize(2);
      assertThat(lab.recorder.events.indexOf("complete")).isEqualTo(2 + BatchPool.DEFAULT_CAPACITY);
    }
  }

  @Test
  void the_receive_allocator_says_how_many_messages_a_turn_has() {
    try (ChannelLab lab = lab()) {
      lab.channel
          .config()
          .setRecvByteBufAllocator(new FixedRecvByteBufAllocator(1).maxMessagesPerRead(3));
      for (int i = 0; i < 7; i++) {
        lab.network.offer(packet(i, i));
      }
      lab.register();
      lab.recorder.awaitPackets(7);
      await().until(() -> lab.recorder.events.getLast().equals("complete"));
      assertThat(lab.recorder.events)
          .containsExactly(
              "registered",
              "active",
              "read",
              "read",
              "read",
              "complete",
              "read",
              "read",
              "read",
              "complete",
              "read",
              "complete");
    }
  }

  @Test
  void without_auto_read_each_read_brings_one_packet_and_the_rest_waits() {
    try (ChannelLab lab = lab()) {
      lab.channel.config().setAutoRead(false);
      lab.register();
      for (int i = 0; i < 3; i++) {
        lab.network.offer(packet(i + 1));
      }
      lab.settle();
      assertThat(lab.recorder.packets).isEmpty();
      assertThat(lab.port.waiting()).as("not received before it was asked for").isEqualTo(3);
      for (int i = 1; i <= 3; i++) {
        lab.channel.read();
        lab.recorder.awaitPackets(i);
        lab.settle();
        assertThat(lab.recorder.packets).hasSize(i);
      }
      lab.channel.read();
      lab.settle();
      lab.network.offer(packet(4));
      lab.recorder.awaitPackets(4);
      assertThat(lab.recorder.events.stream().filter("complete"::equals)).hasSize(4);
    }
  }

  @Test
  void a_read_asked_for_while_reading_is_the_next_one() {
    try (ChannelLab lab = lab()) {
      lab.channel.config().setAutoRead(false);
      lab.recorder.reader = (context, _) -> context.read();
      lab.register();
      lab.channel.read();
      for (int i = 0; i < 100; i++) {
        lab.network.offer(packet(i));
      }
      lab.recorder.awaitPackets(100);
      assertThat(lab.recorder.events.stream().filter("complete"::equals)).hasSize(100);
    }
  }

  @Test
  void auto_read_can_be_switched_off_and_on_at_any_time() {
    try (ChannelLab lab = lab()) {
      lab.recorder.reader =
          (context, _) -> {
            if (lab.recorder.packets.size() == 5) {
              context.channel().config().setAutoRead(false);
            }
          };
      for (int i = 0; i < 20; i++) {
        lab.network.offer(packet(i));
      }
      lab.register();
      lab.recorder.awaitPackets(5);
      lab.settle();
      assertThat(lab.recorder.packets).hasSize(5);
      lab.channel.config().setAutoRead(true);
      lab.recorder.awaitPackets(20);
      // From another thread, with a read that waits.
      lab.settle();
      lab.channel.config().setAutoRead(false);
      lab.settle();
      lab.network.offer(packet(20));
      lab.settle();
      assertThat(lab.recorder.packets).hasSize(20);
      lab.channel.config().setAutoRead(true);
      lab.recorder.awaitPackets(21);
    }
  }

  @Test
  void a_port_without_room_makes_the_channel_unwritable_and_nothing_is_lost_or_reordered() {
    try (ChannelLab lab = new ChannelLab(Loops.NIO, MemoryPort.pair("tun0", Layer.L3, 10))) {
      lab.channel.config().setWriteBufferWaterMark(new WriteBufferWaterMark(512, 2048));
      lab.register();
      List<ChannelFuture> writes = new ArrayList<>();
      lab.onLoop(() -> {
        for (int i = 0; i < 100; i++) {
          writes.add(lab.channel.write(lab.buffer(i, i)));
        }
        lab.channel.flush();
      });
      assertThat(writes.stream().filter(ChannelFuture::isSuccess)).hasSize(10);
      assertThat(lab.channel.isWritable()).isFalse();
      int sends = lab.port.sends();
      // A flush while the port has no room does not ask it again.
      sync(lab.channel.eventLoop().submit(() -> lab.channel.flush()));
      assertThat(lab.port.sends()).isEqualTo(sends);
      for (int i = 0; i < 100; i++) {
        if (lab.network.waiting() == 0) {
          lab.settle();
        }
        assertThat(lab.network.poll()).hasValue(packet(i, i));
      }
      writes.forEach(ChannelLab::sync);
      await().until(lab.channel::isWritable);
      assertThat(lab.recorder.events).contains("unwritable", "writable");
    }
  }

  @Test
  void a_limit_of_messages_a_write_only_divides_the_work() {
    try (ChannelLab lab = lab()) {
      lab.channel.config().setOption(ChannelOption.MAX_MESSAGES_PER_WRITE, 7);
      lab.register();
      List<ChannelFuture> writes = new ArrayList<>();
      lab.onLoop(() -> {
        for (int i = 0; i < 100; i++) {
          writes.add(lab.channel.write(lab.buffer(i)));
        }
        lab.channel.flush();
        assertThat(lab.port.sends()).isEqualTo(1);
        assertThat(writes.stream().filter(ChannelFuture::isSuccess)).hasSize(7);
      });
      writes.forEach(ChannelLab::sync);
      for (int i = 0; i < 100; i++) {
        assertThat(lab.network.poll()).hasValue(packet(i));
      }
    }
  }

  private static Errno errno(ChannelFuture write) {
    Throwable failure = failure(write);
    assertThat(failure).isInstanceOf(VnetException.class);
    return ((VnetException) failure).errno();
  }

  @Test
  void what_is_no_packet_is_refused_and_the_others_go() {
    try (ChannelLab lab = lab().register()) {
      ByteBuf tooLong = lab.buffers.directBuffer().writeZero(65536);
      ByteBuf longest = lab.buffers.heapBuffer().writeZero(65535);
      ChannelFuture text = lab.channel.write("text");
      ChannelFuture empty = lab.channel.write(lab.buffers.directBuffer());
      ChannelFuture refused = lab.channel.write(tooLong);
      ChannelFuture offloaded = lab.channel.write(new OffloadedPacket(lab.buffer(1), 1));
      ChannelFuture finished = lab.channel.write(new OffloadedPacket(lab.buffer(9), 0));
      ChannelFuture sent = lab.channel.writeAndFlush(longest);
      assertThat(errno(text)).isEqualTo(Errno.EINVAL);
      assertThat(text.cause()).hasMessageContaining("tun0").hasMessageContaining("String");
      assertThat(errno(empty)).isEqualTo(Errno.EINVAL);
      assertThat(errno(refused)).isEqualTo(Errno.EIO);
      assertThat(errno(offloaded)).isEqualTo(Errno.EOPNOTSUPP);
      sync(finished);
      sync(sent);
      assertThat(tooLong.refCnt()).isZero();
      assertThat(lab.network.poll()).hasValue(packet(9));
      assertThat(lab.network.poll()).hasValueSatisfying(bytes -> assertThat(bytes).hasSize(65535));
      assertThat(lab.channel.isActive()).isTrue();
    }
  }

  @Test
  void a_frame_may_be_longer_than_an_ip_packet_by_its_header() {
    try (ChannelLab lab = new ChannelLab(Loops.NIO, MemoryPort.pair("tap0", Layer.L2, QUEUE))) {
      lab.register();
      sync(lab.channel.writeAndFlush(lab.buffers.directBuffer().writeZero(65553)));
      assertThat(errno(lab.channel.writeAndFlush(lab.buffers.directBuffer().writeZero(65554))))
          .isEqualTo(Errno.EIO);
      assertThat(lab.channel.config().getOption(PacketPortChannel.LAYER)).isEqualTo(Layer.L2);
    }
  }

  @Test
  void a_packet_that_no_batch_holds_is_refused_in_its_turn() {
    SlabPool slabs = new SlabPool(4096, 2);
    BatchPool small = new BatchPool(slabs);
    MemoryPort port = MemoryPort.pair("tun0", Layer.L3, QUEUE);
    try (ChannelLab lab = lab()) {
      PacketPortChannel channel = new PacketPortChannel(port, small);
      sync(lab.loops.register(channel));
      ChannelFuture first = channel.write(lab.buffer(1));
      ChannelFuture second = channel.write(lab.buffers.heapBuffer().writeZero(5000));
      ChannelFuture third = channel.writeAndFlush(lab.buffer(3));
      sync(first);
      assertThat(errno(second)).isEqualTo(Errno.EIO);
      sync(third);
      assertThat(port.peer().poll()).hasValue(packet(1));
      assertThat(port.peer().poll()).hasValue(packet(3));
      sync(channel.close());
      assertThat(small.lent()).isZero();
    }
    small.close();
    slabs.close();
  }

  @Test
  void a_write_that_is_cancelled_before_the_flush_is_not_sent_and_moves_no_other_promise() {
    try (ChannelLab lab = new ChannelLab(Loops.NIO, MemoryPort.pair("tun0", Layer.L3, 3))) {
      lab.register();
      List<ChannelPromise> writes = new ArrayList<>();
      lab.onLoop(() -> {
        for (int i = 0; i < 8; i++) {
          ChannelPromise promise = lab.channel.newPromise();
          writes.add(promise);
          lab.channel.write(lab.buffer(i), promise);
        }
        for (int cancelled : new int[] {0, 2, 3, 7}) {
          assertThat(writes.get(cancelled).cancel(false)).isTrue();
        }
        lab.channel.flush();
        assertThat(writes.stream().map(ChannelPromise::isSuccess))
            .containsExactly(false, true, false, false, true, true, false, false);
      });
      assertThat(lab.network.poll()).hasValue(packet(1));
      sync(writes.get(6));
      for (int sent : new int[] {4, 5, 6}) {
        assertThat(lab.network.poll()).hasValue(packet(sent));
      }
      assertThat(lab.network.poll()).isEmpty();
      assertThat(lab.port.counters().sentPackets()).isEqualTo(4);
    }
  }

  @Test
  void a_packet_for_which_the_port_has_no_memory_fails_alone() {
    try (ChannelLab lab = lab().register()) {
      VnetException noMemory = new VnetException("send", "tun0", Errno.ENOBUFS, "none", "");
      lab.port.failNextSend(noMemory);
      List<ChannelFuture> writes = new ArrayList<>();
      lab.onLoop(() -> {
        for (int i = 0; i < 3; i++) {
          writes.add(lab.channel.write(lab.buffer(i)));
        }
        lab.channel.flush();
      });
      assertThat(failure(writes.getFirst())).isSameAs(noMemory);
      sync(writes.get(1));
      sync(writes.get(2));
      assertThat(lab.network.poll()).hasValue(packet(1));
      assertThat(lab.network.poll()).hasValue(packet(2));
      assertThat(lab.channel.isActive()).isTrue();
    }
  }

  @Test
  void offload_words_travel_both_ways() {
    long word = 0x0010_0022_05b4_0101L;
    MemoryPort pair = MemoryPort.pair("tun0", Layer.L3, QUEUE, Set.of(OffloadFeature.CHECKSUM));
    try (ChannelLab lab = new ChannelLab(Loops.NIO, pair)) {
      AtomicLong seen = new AtomicLong();
      AtomicInteger plain = new AtomicInteger();
      lab.recorder.reader =
          (context, packet) -> {
            if (packet instanceof OffloadedPacket offloaded) {
              seen.set(offloaded.offload());
              context.writeAndFlush(offloaded.retain().withOffload(offloaded.offload() + 1));
            } else {
              plain.incrementAndGet();
            }
          };
      lab.register();
      lab.network.offer(packet(7), word);
      lab.network.offer(packet(8));
      lab.recorder.awaitPackets(2);
      assertThat(seen).hasValue(word);
      assertThat(plain).hasValue(1);
      lab.settle();
      try (SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 1);
          BatchPool batches = new BatchPool(slabs)) {
        var batch = batches.acquire();
        assertThat(lab.network.receive(batch)).isEqualTo(1);
        assertThat(batch.offload(0)).isEqualTo(word + 1);
        batch.release();
      }
    }
  }

  @Test
  void an_offloaded_packet_is_a_holder_like_any_other() {
    OffloadedPacket packet =
        new OffloadedPacket(Unpooled.copiedBuffer("packet", StandardCharsets.US_ASCII), 5);
    OffloadedPacket copy = packet.copy();
    assertThat(copy).isEqualTo(packet).hasSameHashCodeAs(packet);
    assertThat(copy.withOffload(6)).isNotEqualTo(packet);
    assertThat(packet.duplicate().offload()).isEqualTo(5);
    assertThat(packet.replace(Unpooled.EMPTY_BUFFER).offload()).isEqualTo(5);
    assertThat(packet.retainedDuplicate().release()).isFalse();
    assertThat(packet.retain().retain(2).touch().touch("here").toString()).contains("0x5");
    assertThat(packet.release(4)).isTrue();
    assertThat(copy.release()).isTrue();
  }

  @Test
  void two_channels_on_one_loop_that_answer_each_other_do_not_pile_up_calls() {
    int rounds = 5_000;
    try (ChannelLab lab = lab()) {
      AtomicInteger left = new AtomicInteger(rounds);
      lab.recorder.reader = (context, packet) -> context.writeAndFlush(((ByteBuf) packet).retain());
      PacketPortChannel other = new PacketPortChannel(lab.network, lab.batches);
      other
          .pipeline()
          .addLast(
              new ChannelInboundHandlerAdapter() {
                @Override
                public void channelRead(ChannelHandlerContext context, Object packet) {
                  if (left.decrementAndGet() > 0) {
                    context.writeAndFlush(packet);
                  } else {
                    ((ByteBuf) packet).release();
                  }
                }
              });
      lab.register();
      sync(lab.loops.register(other));
      sync(other.writeAndFlush(lab.buffer(1)));
      await().until(() -> left.get() == 0);
      sync(other.close());
      assertThat(lab.recorder.packets).hasSize(rounds);
      assertThat(lab.recorder.exceptions).isEmpty();
    }
  }

  @Test
  void it_can_change_loops_and_misses_nothing() {
    EventLoopGroup others = Loops.LOCAL.start();
    try (ChannelLab lab = lab()) {
      lab.register();
      lab.network.offer(packet(1));
      lab.recorder.awaitPackets(1);
      sync(lab.channel.deregister());
      assertThat(lab.channel.isRegistered()).isFalse();
      assertThat(lab.port.listeners()).isZero();
      lab.network.offer(packet(2));
      sync(others.register(lab.channel));
      lab.recorder.awaitPackets(2);
      lab.network.offer(packet(3));
      lab.recorder.awaitPackets(3);
      sync(lab.channel.writeAndFlush(lab.buffer(4)));
      assertThat(lab.network.poll()).hasValue(packet(4));
      assertThat(lab.recorder.events.stream().filter("active"::equals)).hasSize(1);
      sync(lab.channel.close());
      sync(others.shutdownGracefully(0, 1, TimeUnit.SECONDS));
    }
  }

  @Test
  void a_write_that_waited_for_room_is_sent_from_the_next_loop() {
    try (ChannelLab lab = new ChannelLab(Loops.NIO, MemoryPort.pair("tun0", Layer.L3, 1))) {
      lab.register();
      sync(lab.channel.writeAndFlush(lab.buffer(1)));
      ChannelFuture waits = lab.channel.writeAndFlush(lab.buffer(2));
      lab.settle();
      sync(lab.channel.deregister());
      assertThat(lab.network.poll()).hasValue(packet(1));
      assertThat(waits.isDone()).isFalse();
      lab.register();
      sync(waits);
      assertThat(lab.network.poll()).hasValue(packet(2));
    }
  }

  @Test
  void it_says_what_the_port_is_and_cannot_be_bound_or_connected() {
    try (ChannelLab lab = lab().register()) {
      PacketPortChannel channel = lab.channel;
      assertThat(channel.port()).isSameAs(lab.port);
      assertThat(channel.localAddress()).isEqualTo(new PacketPortAddress("tun0"));
      assertThat(channel.localAddress().port()).isEqualTo("tun0");
      assertThat(channel.localAddress()).hasSameHashCodeAs(new PacketPortAddress("tun0"));
      assertThat(channel.remoteAddress()).isNull();
      assertThat(channel.toString()).contains("tun0");
      assertThat(channel.metadata().hasDisconnect()).isFalse();
      assertThat(channel.config().getOption(PacketPortChannel.MTU)).isEqualTo(lab.port.mtu());
      assertThat(channel.config().setOption(PacketPortChannel.MTU, 9000)).isFalse();
      assertThat(channel.config().getOptions())
          .containsEntry(PacketPortChannel.MTU, lab.port.mtu())
          .containsEntry(PacketPortChannel.LAYER, Layer.L3)
          .containsKey(ChannelOption.AUTO_READ);
      assertThat(failure(channel.bind(new PacketPortAddress("tun1"))))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThat(failure(channel.connect(new InetSocketAddress(0))))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThat(channel.isActive()).isTrue();
      assertThat(PacketPortChannel.islandLoop(lab.port)).isEqualTo(Optional.empty());
    }
  }

  @Test
  void a_bootstrap_can_make_it() {
    try (ChannelLab lab = lab()) {
      MemoryPort port = MemoryPort.pair("tun1", Layer.L3, QUEUE);
      ChannelLab.Recorder recorder = new ChannelLab.Recorder();
      ChannelFuture registered =
          new Bootstrap()
              .group(lab.loops)
              .channelFactory(() -> new PacketPortChannel(port, lab.batches))
              .handler(recorder)
              .register();
      sync(registered);
      port.peer().offer(packet(1));
      recorder.awaitPackets(1);
      sync(registered.channel().close());
    }
  }

  @Test
  void a_loop_without_a_thread_of_its_own_is_refused() {
    try (ChannelLab lab = lab()) {
      EmbeddedChannel embedded = new EmbeddedChannel();
      assertThat(failure(embedded.eventLoop().register(lab.channel)))
          .isInstanceOf(IllegalStateException.class);
      assertThat(lab.channel.isOpen()).isTrue();
    }
  }
}
