package io.vnet.io.tun;

import static io.vnet.io.tun.Datagrams.v4;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortLedger;
import io.vnet.io.loop.BatchWriter;
import io.vnet.io.testkit.FaultyLibc;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/** In which order and shape batches are written, one write(2) a packet and many in one call. */
class TunWriterTest {
  private static final int FD = 7;
  private static final int PORT = 4001;
  private static final int SEGMENT_BYTES = 100;
  private static final int HEADERS_BYTES = 28;
  private static final long WORD =
      Offload.of(Offload.NEEDS_CSUM, Offload.UDP_L4, SEGMENT_BYTES, 20, 6);

  private final ScriptedLibc scripted = new ScriptedLibc();
  private final FaultyLibc libc = new FaultyLibc(scripted);
  private final PortLedger ledger = new PortLedger();
  private final SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 1);
  private final BatchPool batches = new BatchPool(slabs, 8, 0, 0);
  private final PacketBatch batch = batches.acquire();
  private final TunInterface tun = new TunInterface(libc, FD, "tun3");
  private final TunLoss loss = new TunLoss(tun);

  /** How many packets go into one system call. */
  enum Way {
    ONE,
    MANY
  }

  @AfterEach
  void close() {
    batch.release();
    batches.close();
    slabs.close();
  }

  private TunWriter writer(Set<OffloadFeature> offloads) {
    return new TunWriter(libc, tun, Layer.L3, offloads, loss);
  }

  /** Gathers writes and makes them at once, as a ring does, through the library under test. */
  private final class Gathered implements BatchWriter {
    private final List<Runnable> writes = new ArrayList<>();
    private final int[] results;

    Gathered(int places) {
      results = new int[places];
    }

    @Override
    public int places() {
      return results.length;
    }

    @Override
    public void add(int place, int fd, long address, int length) {
      writes.add(() -> results[place] = (int) libc.write(fd, address, length));
    }

    @Override
    public void refuse(int place, int result) {
      results[place] = result;
    }

    @Override
    public void run() {
      writes.forEach(Runnable::run);
      writes.clear();
    }

    @Override
    public int result(int place) {
      return results[place];
    }
  }

  private @Nullable BatchWriter gathering(Way way) {
    return way == Way.ONE ? null : new Gathered(3);
  }

  private void append(int mark, int length) {
    byte[] packet = new byte[length];
    packet[0] = 0x45;
    packet[1] = (byte) mark;
    assertThat(batch.append(Packet.of(packet))).isTrue();
  }

  private void appendSuper(int payloadBytes) {
    byte[] packet = Datagrams.superUdp4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), PORT, payloadBytes);
    assertThat(batch.append(Packet.of(packet))).isTrue();
    batch.setOffload(batch.count() - 1, WORD);
  }

  private static List<Integer> marks(List<byte[]> written, int headerBytes) {
    return written.stream().map(packet -> (int) packet[headerBytes + 1]).toList();
  }

  @ParameterizedTest
  @EnumSource
  void a_batch_of_more_packets_than_one_call_takes_is_taken_whole(Way way) {
    for (int i = 0; i < 8; i++) {
      append(i, 40);
    }
    assertThat(writer(Set.of()).send(gathering(way), batch, 1, ledger)).isEqualTo(7);
    assertThat(marks(scripted.written(), 0)).containsExactly(1, 2, 3, 4, 5, 6, 7);
  }

  @ParameterizedTest
  @EnumSource
  void a_packet_without_room_in_front_is_not_overtaken(Way way) {
    append(0, 64);
    append(1, 64);
    // No gap between the first and the second, as both are as long as the alignment.
    append(2, 40);
    append(3, 40);
    assertThat(writer(EnumSet.allOf(OffloadFeature.class)).send(gathering(way), batch, 0, ledger))
        .isEqualTo(4);
    assertThat(marks(scripted.written(), Offload.HEADER_BYTES)).containsExactly(0, 1, 2, 3);
    assertThat(libc.counts()).containsEntry("writev", 3);
  }

  @ParameterizedTest
  @EnumSource
  void a_kind_that_the_kernel_refuses_once_is_split_from_then_on(Way way) {
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    Logger logger = (Logger) LoggerFactory.getLogger(TunWriter.class);
    logger.addAppender(log);
    try (var _ = (AutoCloseable) () -> logger.detachAppender(log)) {
      append(0, 40);
      appendSuper(250);
      TunWriter writer = writer(EnumSet.allOf(OffloadFeature.class));
      // writev(2) takes the first, which has no room in front of it.
      libc.failExactly("write", 0, Errno.EINVAL);
      assertThat(writer.send(gathering(way), batch, 0, ledger)).isEqualTo(2);
      append(1, 40);
      appendSuper(250);
      assertThat(writer.send(gathering(way), batch, 2, ledger)).isEqualTo(2);

      assertThat(writer.offloads())
          .isEqualTo(EnumSet.complementOf(EnumSet.of(OffloadFeature.USO4)));
      assertThat(libc.fired()).isEqualTo(1);
      assertThat(scripted.written())
          .extracting(packet -> packet.length - Offload.HEADER_BYTES)
          .containsExactly(40, 128, 128, 78, 40, 128, 128, 78);
      List<byte[]> segments = scripted.written().subList(1, 4);
      assertThat(segments)
          .allSatisfy(segment -> assertThat(segment).startsWith(new byte[Offload.HEADER_BYTES]));
      for (int i = 0; i < segments.size(); i++) {
        assertThat(segments.get(i)[Offload.HEADER_BYTES + HEADERS_BYTES])
            .isEqualTo((byte) (i * SEGMENT_BYTES));
      }
      assertThat(ledger.snapshot().sentPackets()).isEqualTo(4);
      assertThat(ledger.snapshot().splitPackets()).isEqualTo(2);
      assertThat(ledger.snapshot().drops()).isEmpty();
      assertThat(log.list)
          .singleElement()
          .satisfies(
              event -> assertThat(event.getFormattedMessage()).contains("tun3").contains("USO4"));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_kind_that_was_not_granted_is_split_without_asking(Way way) {
    appendSuper(250);
    TunWriter writer =
        writer(EnumSet.of(OffloadFeature.CHECKSUM, OffloadFeature.TSO4, OffloadFeature.TSO6));
    assertThat(writer.send(gathering(way), batch, 0, ledger)).isEqualTo(1);
    assertThat(scripted.written()).hasSize(3);
    assertThat(ledger.snapshot().splitPackets()).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource
  void a_single_packet_that_the_kernel_refuses_turns_nothing_off(Way way) {
    append(0, 40);
    append(1, 40);
    TunWriter writer = writer(EnumSet.allOf(OffloadFeature.class));
    libc.failNext("write", Errno.EINVAL);
    assertThat(writer.send(gathering(way), batch, 0, ledger)).isEqualTo(2);
    assertThat(writer.offloads()).isEqualTo(EnumSet.allOf(OffloadFeature.class));
    assertThat(ledger.snapshot().drops()).isEqualTo(Map.of(DropReason.KERNEL_REFUSED, 1L));
  }

  @ParameterizedTest
  @EnumSource
  void a_segment_that_finds_the_interface_down_drops_its_packet(Way way) {
    appendSuper(250);
    TunWriter writer = writer(EnumSet.of(OffloadFeature.CHECKSUM));
    libc.fail("write", 1, Errno.EIO);
    assertThat(writer.send(gathering(way), batch, 0, ledger)).isEqualTo(1);
    assertThat(scripted.written()).hasSize(1);
    assertThat(ledger.snapshot().drops()).isEqualTo(Map.of(DropReason.INTERFACE_DOWN, 1L));
  }

  @ParameterizedTest
  @EnumSource
  void nothing_is_taken_of_a_lost_device_and_its_listener_is_told_once(Way way) {
    List<VnetException> told = new ArrayList<>();
    loss.listener(
        new io.vnet.api.backend.BackendListener() {
          @Override
          public void readable() {
            throw new AssertionError("readable");
          }

          @Override
          public void writable() {
            throw new AssertionError("writable");
          }

          @Override
          public void lost(VnetException cause) {
            told.add(cause);
          }
        });
    for (int i = 0; i < 4; i++) {
      append(i, 40);
    }
    TunWriter writer = writer(Set.of());
    libc.fail("write", 1, Errno.EBADFD);
    assertThat(writer.send(gathering(way), batch, 0, ledger)).isEqualTo(1);
    assertThatThrownBy(() -> writer.send(gathering(way), batch, 1, ledger))
        .hasMessageContaining("write tun3: ENODEV");
    assertThat(told).hasSize(1);
    assertThat(ledger.snapshot().sentPackets()).isEqualTo(1);
    assertThat(ledger.snapshot().drops()).isEmpty();
  }
}
