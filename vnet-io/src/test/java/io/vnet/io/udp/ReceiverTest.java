package io.vnet.io.udp;

import static io.vnet.io.libc.SocketConstants.*;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.error.Errno;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.testkit.InjectingLibc;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a kernel may answer to recvmmsg(2): control messages whole, cut and senseless. */
class ReceiverTest {
  private static final int SLAB_BYTES = 1 << 20;
  private static final int FUZZ_MESSAGES = 20_000;

  private final InjectingLibc kernel = new InjectingLibc(NativeLibc.load()).with(this::answer);
  private final UdpSettings settings =
      UdpSettings.onPort(0).withAddress(IpAddress.parse("127.0.0.1")).withEcn(true);
  private final UdpSocket socket = UdpSocket.openAll(kernel.libc(), settings).getFirst();
  private final PortLedger ledger = new PortLedger();
  private final Receiver.Counts counts = new Receiver.Counts();
  private final Receiver receiver =
      new Receiver(
          kernel.libc(), socket, "udp/test", settings, new EndpointTable(64, 1), ledger, counts);
  private final SlabPool slabs = new SlabPool(SLAB_BYTES, 1);
  private final BatchPool batches = new BatchPool(slabs, 64, 64, 32);
  private final PacketBatch batch = batches.acquire();
  private final Deque<Message> arriving = new ArrayDeque<>();
  private int calls;

  /**
   * One that the kernel has.
   *
   * @param control as the kernel writes it; longer than the room for it: cut
   * @param flags beside those that cutting gives
   */
  private record Message(Packet packet, Packet control, int flags, boolean empty) {}

  @AfterEach
  void close() {
    batch.release();
    batches.close();
    slabs.close();
    receiver.close();
    socket.close();
  }

  @SuppressWarnings("restricted") // Addresses are what the C library gets.
  private static MemorySegment memory(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  private long answer(String call, Object[] arguments, LongSupplier real) {
    if (!call.equals("recvmmsg")) {
      return real.getAsLong();
    }
    calls++;
    int came = 0;
    for (; came < (int) arguments[2] && !arriving.isEmpty(); came++) {
      write(
          memory((long) arguments[1] + (long) MMSGHDR_BYTES * came, MMSGHDR_BYTES),
          arriving.remove());
    }
    return came == 0 ? -Errno.EAGAIN.number() : came;
  }

  private static void write(MemorySegment header, Message message) {
    MemorySegment name = memory(header.get(ValueLayout.JAVA_LONG, MSG_NAME), 32);
    SocketAddresses.write(name, 0, Endpoint.parse("192.0.2.9:77"));
    MemorySegment vector = memory(header.get(ValueLayout.JAVA_LONG, MSG_IOV), IOVEC_BYTES);
    int room = (int) vector.get(ValueLayout.JAVA_LONG, IOV_LEN);
    int length = message.empty ? 0 : Math.min(room, message.packet.length());
    MemorySegment.copy(
        message.packet.segment(), 0, memory(vector.get(ValueLayout.JAVA_LONG, 0), room), 0, length);
    int controlRoom = (int) header.get(ValueLayout.JAVA_LONG, MSG_CONTROLLEN);
    int control = Math.min(controlRoom, message.control.length());
    MemorySegment.copy(
        message.control.segment(),
        0,
        memory(header.get(ValueLayout.JAVA_LONG, MSG_CONTROL), controlRoom),
        0,
        control);
    header.set(ValueLayout.JAVA_LONG, MSG_CONTROLLEN, control);
    header.set(
        ValueLayout.JAVA_INT,
        MSG_FLAGS,
        message.flags
            | (length < message.packet.length() && !message.empty ? LinuxConstants.MSG_TRUNC : 0)
            | (control < message.control.length() ? MSG_CTRUNC : 0));
    header.set(ValueLayout.JAVA_INT, MSG_LEN, length);
  }

  private static byte[] control(long length, int level, int type, byte[] data) {
    int padded = (CMSGHDR_BYTES + data.length + 7) & -8;
    return ByteBuffer.allocate(padded)
        .order(ByteOrder.nativeOrder())
        .putLong(length)
        .putInt(level)
        .putInt(type)
        .put(data)
        .array();
  }

  private static byte[] segment(int bytes) {
    byte[] data = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(bytes).array();
    return control(CMSGHDR_BYTES + 4, SOL_UDP, UDP_GRO, data);
  }

  private void arrive(int length, int flags, byte[]... controls) {
    ByteBuffer all = ByteBuffer.allocate(4096);
    for (byte[] control : controls) {
      all.put(control);
    }
    byte[] bytes = new byte[Math.max(1, all.position())];
    all.flip().get(bytes, 0, all.limit());
    // A control of one byte is none.
    arriving.add(
        new Message(
            UdpLab.pattern(Math.max(1, length), length), Packet.of(bytes), flags, length == 0));
  }

  @Test
  void datagrams_and_trains_lie_behind_each_other_and_say_where_they_are_from() {
    assertThat(socket.coalescing()).isTrue();
    arrive(100, 0);
    arrive(5000, 0, segment(1452));
    arrive(1452, 0, segment(1452));
    arrive(30, 0, control(CMSGHDR_BYTES + 1, SOL_IP, IP_TOS, new byte[] {(byte) 0xff}));

    assertThat(receiver.receive(batch)).isEqualTo(4);

    for (int i = 0; i < 4; i++) {
      assertThat(Objects.requireNonNull(batch.endpoint(i)))
          .isEqualTo(Endpoint.parse("192.0.2.9:77"))
          .isSameAs(batch.endpoint(0));
    }
    assertThat(batch.packet(0)).isEqualTo(UdpLab.pattern(100, 100));
    assertThat(batch.packet(1)).isEqualTo(UdpLab.pattern(5000, 5000));
    assertThat(batch.packet(2)).isEqualTo(UdpLab.pattern(1452, 1452));
    assertThat(batch.packet(3)).isEqualTo(UdpLab.pattern(30, 30));
    assertThat(batch.offload(0)).isZero();
    assertThat(batch.offload(1)).isEqualTo(DatagramTrain.of(1452, 0));
    assertThat(batch.offload(2)).isZero();
    assertThat(batch.offload(3)).isEqualTo(DatagramTrain.of(0, DatagramTrain.CE));
    // Short ones were moved down: the room of 64 KiB in front of each is not lost.
    assertThat(batch.offset(3)).isLessThan(9000);
    assertThat(ledger.snapshot().receivedPackets()).isEqualTo(7);
    assertThat(ledger.snapshot().receivedBytes()).isEqualTo(6582);
    assertThat(counts.trains).hasValue(1);
    assertThat(counts.endpointsMade).hasValue(1);
  }

  @Test
  void a_source_without_an_interface_is_none() {
    byte[] info = new byte[12];
    info[3] = (byte) 0x80;
    info[0] = (byte) 0x80;
    arrive(100, 0, control(CMSGHDR_BYTES + info.length, SOL_IP, IP_PKTINFO, info));

    assertThat(receiver.receive(batch)).isEqualTo(1);

    assertThat(Objects.requireNonNull(batch.endpoint(0)).source()).isEmpty();
  }

  @Test
  void full_trains_stay_where_they_were_written() {
    for (int i = 0; i < 5; i++) {
      arrive(45 * 1452, 0, segment(1452));
    }
    assertThat(receiver.receive(batch)).isEqualTo(5);
    for (int i = 0; i < 5; i++) {
      assertThat(batch.packet(i)).isEqualTo(UdpLab.pattern(45 * 1452, 45 * 1452));
    }
  }

  @Test
  void what_cannot_be_a_packet_is_counted() {
    arrive(70_000, 0);
    arrive(0, 0);
    arrive(10, 0);
    // Cut before the segment size came, and behind it.
    arrive(1000, MSG_CTRUNC);
    arrive(1000, MSG_CTRUNC, segment(100));

    assertThat(receiver.receive(batch)).isEqualTo(2);
    assertThat(batch.offload(1)).isEqualTo(DatagramTrain.of(100, 0));
    assertThat(ledger.snapshot().drops())
        .containsEntry(DropReason.TOO_LONG, 1L)
        .containsEntry(DropReason.TOO_SHORT, 1L)
        .containsEntry(DropReason.MALFORMED, 1L)
        .hasSize(3);
  }

  @Test
  void a_control_message_that_is_cut_itself_is_left_out() {
    byte[] whole = segment(100);
    for (int length = 0; length < CMSGHDR_BYTES + 4; length++) {
      byte[] cut = whole.clone();
      ByteBuffer.wrap(cut).order(ByteOrder.nativeOrder()).putLong(0, length);
      arrive(1000, MSG_CTRUNC, cut);
    }
    assertThat(receiver.receive(batch)).isZero();
    assertThat(ledger.snapshot().dropped(DropReason.MALFORMED)).isEqualTo(CMSGHDR_BYTES + 4);
  }

  @Test
  void overflows_of_the_queue_are_added_up_also_when_their_number_begins_again() {
    for (int total : new int[] {3, 5, -1, 2}) {
      byte[] data = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(total).array();
      arrive(10, 0, control(CMSGHDR_BYTES + 4, LinuxConstants.SOL_SOCKET, SO_RXQ_OVFL, data));
    }
    assertThat(receiver.receive(batch)).isEqualTo(4);
    assertThat(counts.overflows).hasValue((1L << 32) + 2);
  }

  @Test
  void an_empty_socket_is_not_asked_again_before_it_signals() {
    assertThat(receiver.receive(batch)).isZero();
    assertThat(calls).isEqualTo(1);
    assertThat(receiver.receive(batch)).isZero();
    assertThat(calls).isEqualTo(1);
    arrive(10, 0);
    receiver.edge();
    assertThat(receiver.receive(batch)).isEqualTo(1);
    assertThat(receiver.receive(batch)).isZero();
    assertThat(calls).isEqualTo(3);
  }

  @Test
  void a_full_batch_leaves_the_rest_in_the_socket() {
    for (int i = 0; i < 100; i++) {
      arrive(1000 + i, 0);
    }
    List<Packet> packets = new ArrayList<>();
    while (receiver.receive(batch) > 0) {
      for (int i = 0; i < batch.count(); i++) {
        packets.add(batch.packet(i));
      }
      batch.clear();
    }
    assertThat(packets).hasSize(100);
    for (int i = 0; i < 100; i++) {
      assertThat(packets.get(i)).isEqualTo(UdpLab.pattern(1000 + i, 1000 + i));
    }
  }

  @Test
  void nothing_that_control_messages_say_does_harm() {
    long seed = Long.getLong("vnet.udp.seed", ThreadLocalRandom.current().nextLong());
    Random random = new Random(seed);
    int[] levels = {SOL_UDP, SOL_IP, SOL_IPV6, LinuxConstants.SOL_SOCKET, random.nextInt()};
    int[] types = {
      UDP_GRO, IP_PKTINFO, IPV6_PKTINFO, IP_TOS, IPV6_TCLASS, SO_RXQ_OVFL, random.nextInt()
    };
    long sent = 0;
    long datagramless = 0;
    while (sent < FUZZ_MESSAGES) {
      for (int i = 0; i < 20; i++) {
        byte[][] controls = new byte[random.nextInt(8)][];
        for (int c = 0; c < controls.length; c++) {
          byte[] data = new byte[random.nextInt(40)];
          random.nextBytes(data);
          long length =
              switch (random.nextInt(4)) {
                case 0 -> random.nextLong();
                case 1 -> random.nextInt(64);
                default -> CMSGHDR_BYTES + data.length;
              };
          controls[c] =
              control(
                  length,
                  levels[random.nextInt(levels.length)],
                  types[random.nextInt(types.length)],
                  data);
        }
        arrive(random.nextInt(3) == 0 ? random.nextInt(66_000) : random.nextInt(100), 0, controls);
        sent++;
      }
      int received;
      do {
        received = receiver.receive(batch);
        for (int i = 0; i < batch.count(); i++) {
          int length = batch.length(i);
          assertThat(batch.packet(i)).as("seed %d", seed).isEqualTo(UdpLab.pattern(length, length));
          datagramless += DatagramTrain.datagrams(batch.offload(i), length) - 1;
        }
        batch.clear();
      } while (received > 0);
      receiver.edge();
    }
    assertThat(ledger.snapshot().receivedPackets() - datagramless + ledger.snapshot().dropped())
        .as("seed %d", seed)
        .isEqualTo(sent);
  }
}
