package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.backend.BackendListener;
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
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.testkit.FaultyLibc;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What each errno of read(2) and write(2) means for the packets and for the device, over epoll;
 * over io_uring: {@link UringErrnoIT}.
 */
@ParameterizedClass(name = "offload {0}")
@ValueSource(booleans = {false, true})
class TunBackendTest {
  private static final int PACKETS = 3;
  private static final byte[] ARRIVING = {0x45, 0, 0, 9};

  private final boolean offload;

  private final ScriptedLibc libc = new ScriptedLibc();
  private final FaultyLibc faulty = new FaultyLibc(libc);
  private final PortLedger ledger = new PortLedger();
  private final IslandLoop island = new IslandLoop();
  private final SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 1);
  private final BatchPool batches = new BatchPool(slabs);
  private final PacketBatch batch = batches.acquire();
  private final TunBackend backend;

  TunBackendTest(boolean offload) {
    this.offload = offload;
    this.backend = backend(7);
  }

  @BeforeEach
  void fill() {
    for (int i = 0; i < PACKETS; i++) {
      batch.append(Packet.of(new byte[] {0x45, 0, 0, (byte) i}));
    }
  }

  private TunBackend backend(int fd) {
    return new TunBackend(
        faulty,
        new TunInterface(faulty, fd, "tun3"),
        Layer.L3,
        1500,
        island,
        offload ? EnumSet.allOf(OffloadFeature.class) : Set.of());
  }

  /** A packet waits in the kernel, behind its header if the descriptor has one. */
  private void arrive() {
    byte[] packet = new byte[(offload ? Offload.HEADER_BYTES : 0) + ARRIVING.length];
    System.arraycopy(ARRIVING, 0, packet, packet.length - ARRIVING.length, ARRIVING.length);
    libc.arrives(packet);
  }

  @AfterEach
  void close() {
    batch.release();
    batches.close();
    slabs.close();
    island.close();
  }

  @Test
  void packets_that_were_written_are_counted_from_where_the_sender_says() {
    assertThat(backend.send(batch, 1, ledger)).isEqualTo(2);
    assertThat(ledger.snapshot().sentPackets()).isEqualTo(2);
    assertThat(ledger.snapshot().sentBytes()).isEqualTo(8);
    assertThat(ledger.snapshot().drops()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "EIO, INTERFACE_DOWN",
    "EAGAIN, KERNEL_BUSY",
    "ENOBUFS, KERNEL_BUSY",
    "ENOMEM, KERNEL_BUSY",
    "EINTR, KERNEL_BUSY",
    "EINVAL, KERNEL_REFUSED",
    "EFAULT, KERNEL_REFUSED",
    "EPERM, KERNEL_REFUSED"
  })
  void packets_that_could_not_be_written_are_taken_and_counted(Errno errno, DropReason reason) {
    libc.failing("write", errno);
    assertThat(backend.send(batch, 0, ledger)).isEqualTo(PACKETS);
    assertThat(ledger.snapshot().drops()).isEqualTo(Map.of(reason, (long) PACKETS));
    assertThat(ledger.snapshot().sentPackets()).isZero();
  }

  @ParameterizedTest
  @EnumSource(names = {"EINTR", "EAGAIN", "ENOBUFS", "ENOMEM"})
  void a_write_that_fails_for_the_moment_is_tried_again(Errno errno) {
    faulty.failNext("write", errno);
    assertThat(backend.send(batch, 0, ledger)).isEqualTo(PACKETS);
    assertThat(faulty.fired()).isEqualTo(1);
    assertThat(libc.written()).hasSize(PACKETS);
    assertThat(ledger.snapshot().sentPackets()).isEqualTo(PACKETS);
    assertThat(ledger.snapshot().drops()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(names = {"EINTR", "ENOBUFS", "ENOMEM"})
  void a_read_that_fails_for_the_moment_is_tried_again(Errno errno) {
    arrive();
    faulty.failNext("read", errno);
    assertThat(backend.receive(batch, ledger)).isEqualTo(1);
    assertThat(faulty.fired()).isEqualTo(1);
    assertThat(ledger.snapshot().drops()).isEmpty();
  }

  @Test
  void a_packet_that_the_kernel_loses_in_a_read_is_counted() {
    arrive();
    faulty.failNext("read", Errno.EINVAL);
    assertThat(backend.receive(batch, ledger)).isEqualTo(1);
    assertThat(ledger.snapshot().drops()).isEqualTo(Map.of(DropReason.KERNEL_REFUSED, 1L));
  }

  @ParameterizedTest
  @EnumSource(names = {"EINTR", "ENOBUFS", "ENOMEM", "EINVAL"})
  void a_read_that_goes_on_failing_ends_the_call_and_not_the_device(Errno errno) {
    libc.failing("read", errno);
    assertThatThrownBy(() -> backend.receive(batch, ledger))
        .isInstanceOf(VnetException.class)
        .hasMessageContaining("read tun3: " + errno);
    assertThat(faulty.counts().get("read")).isEqualTo(64);
    assertThat(backend.send(batch, 0, ledger)).isEqualTo(PACKETS);
  }

  @ParameterizedTest
  @EnumSource(names = {"EBADFD", "EFAULT"})
  void what_was_read_before_a_failure_is_delivered_before_it_is_told(Errno errno) {
    arrive();
    faulty.fail("read", 1, errno);
    assertThat(backend.receive(batch, ledger)).isEqualTo(1);
    assertThat(ledger.snapshot().receivedPackets()).isEqualTo(1);
    assertThatThrownBy(() -> backend.receive(batch, ledger)).isInstanceOf(VnetException.class);
  }

  @Test
  void what_was_written_before_the_device_was_lost_is_taken_and_the_rest_is_not() {
    faulty.fail("write", 2, Errno.EBADFD);
    assertThat(backend.send(batch, 0, ledger)).isEqualTo(2);
    assertThat(ledger.snapshot().sentPackets()).isEqualTo(2);
    assertThatThrownBy(() -> backend.send(batch, 2, ledger)).satisfies(TunBackendTest::isLost);
    assertThat(ledger.snapshot().drops()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(names = {"EBADFD", "ENODEV", "EBADF"})
  void a_device_that_is_gone_fails_for_good_at_write(Errno errno) {
    libc.failing("write", errno);
    assertThatThrownBy(() -> backend.send(batch, 0, ledger)).satisfies(TunBackendTest::isLost);
    assertThatThrownBy(() -> backend.send(batch, 0, ledger)).satisfies(TunBackendTest::isLost);
    assertThatThrownBy(() -> backend.receive(batch, ledger)).satisfies(TunBackendTest::isLost);
  }

  @ParameterizedTest
  @EnumSource(names = {"EBADFD", "ENODEV", "EBADF", "EIO"})
  void a_device_that_is_gone_fails_for_good_at_read(Errno errno) {
    libc.failing("read", errno);
    assertThatThrownBy(() -> backend.receive(batch, ledger)).satisfies(TunBackendTest::isLost);
    assertThatThrownBy(() -> backend.send(batch, 0, ledger)).satisfies(TunBackendTest::isLost);
  }

  private static void isLost(Throwable thrown) {
    assertThat(thrown)
        .isInstanceOfSatisfying(
            VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV))
        .hasMessageContaining("removed by somebody else");
  }

  @Test
  void a_descriptor_that_the_poller_refuses_is_told_and_the_device_is_lost() throws Exception {
    // No process has that many descriptors.
    TunBackend deaf = backend(Integer.MAX_VALUE);
    CompletableFuture<VnetException> told = new CompletableFuture<>();
    deaf.start(
        new BackendListener() {
          @Override
          public void readable() {
            told.completeExceptionally(new AssertionError("readable"));
          }

          @Override
          public void writable() {
            told.completeExceptionally(new AssertionError("writable"));
          }

          @Override
          public void lost(VnetException cause) {
            told.complete(cause);
          }
        });
    assertThat(told.get(60, TimeUnit.SECONDS)).hasMessageContaining("watch tun3: EBADF");
    assertThatThrownBy(() -> deaf.send(batch, 0, ledger)).hasMessageContaining("watch tun3");
  }

  @Test
  void an_empty_queue_is_no_packet() {
    libc.failing("read", Errno.EAGAIN);
    assertThat(backend.receive(batch, ledger)).isZero();
    assertThat(batch.count()).isEqualTo(PACKETS);
    assertThat(ledger.snapshot().receivedPackets()).isZero();
  }

  @Test
  void a_read_of_no_more_than_a_header_is_counted_and_holds_nothing_up() {
    libc.arrives(new byte[1]);
    libc.arrives(new byte[Offload.HEADER_BYTES]);
    arrive();
    int lost = offload ? 2 : 0;
    assertThat(backend.receive(batch, ledger)).isEqualTo(3 - lost);
    assertThat(batch.packet(PACKETS + 2 - lost).toByteArray()).isEqualTo(ARRIVING);
    assertThat(ledger.snapshot().receivedPackets()).isEqualTo(3 - lost);
    assertThat(ledger.snapshot().drops())
        .isEqualTo(offload ? Map.of(DropReason.KERNEL_REFUSED, 2L) : Map.of());
  }

  @Test
  void an_errno_that_nobody_expects_is_told_with_its_number() {
    libc.failing("read", 133);
    assertThatThrownBy(() -> backend.receive(batch, ledger))
        .isInstanceOf(VnetException.class)
        .hasMessageContaining("133");
  }

  @Test
  void a_failed_close_is_told_and_nothing_is_left_open() {
    libc.failing("read", Errno.EBADFD).failing("close", Errno.EIO);
    assertThat(libc.open("/dev/net/tun", 0)).isPositive();
    assertThatThrownBy(() -> backend.release(ledger))
        .isInstanceOf(VnetException.class)
        .hasMessageContaining("close tun3: EIO");
    assertThat(libc.openDescriptors()).isZero();
  }
}
