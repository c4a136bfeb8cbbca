package io.vnet.io.tun;

import static io.vnet.io.tun.Datagrams.v4;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.backend.HostIo;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.UringConstants;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.FaultyRing;
import io.vnet.io.testkit.InjectingLibc;
import io.vnet.io.testkit.NetworkNamespaces;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What each errno of a read or write means over io_uring, row by row of the table in
 * docs/host-devices.md; over epoll: {@link TunBackendTest}.
 */
@ExtendWith(NetworkNamespaces.class)
class UringErrnoIT {
  private static final String ADDRESS = "10.9.0.1/24";
  private static final int PACKETS = 3;
  private static final int READS_IN_A_ROW = 64;

  private final FaultyRing ring = new FaultyRing();
  private final InjectingLibc kernel = new InjectingLibc(NativeLibc.load()).with(ring);

  private TunLab lab(NetworkNamespace namespace) {
    return new TunLab(namespace, HostIo.IO_URING, false, kernel.libc());
  }

  private static void exchange(TunLab.Attached tun) throws InterruptedException {
    byte[] request = Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 56);
    tun.send(request);
    assertThat(tun.await(packet -> Datagrams.isEcho4(packet, 0))).hasSameSizeAs(request);
  }

  /** As many echo requests as a batch, sent on the island: one io_uring_enter(2) for all. */
  private static int sendOnIsland(TunLab lab, TunLab.Attached tun, int from) throws Exception {
    PacketBatch batch = lab.batches.acquire();
    try {
      for (int i = 0; i < PACKETS; i++) {
        assertThat(
                batch.append(Packet.of(Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 56 + i))))
            .isTrue();
      }
      return CompletableFuture.supplyAsync(
              () -> tun.backend.send(batch, from, tun.ledger), lab.island)
          .get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS);
    } finally {
      batch.release();
    }
  }

  /** Fails each write(2) to the device, which is what follows a write of the ring's. */
  private void failWriteCalls(int fd, Errno errno) {
    kernel.with((call, arguments, real) ->
        call.equals("write") && arguments[0].equals(fd) ? -errno.number() : real.getAsLong());
  }

  @ParameterizedTest
  @EnumSource(names = {"EINTR", "EAGAIN", "ENOBUFS", "ENOMEM"})
  void a_read_that_fails_for_the_moment_begins_again(Errno errno, NetworkNamespace namespace)
      throws Exception {
    ring.fail(UringConstants.OP_READ_MULTISHOT, errno, READS_IN_A_ROW);
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", ADDRESS)) {
      exchange(tun);
      assertThat(ring.fired()).isEqualTo(READS_IN_A_ROW);
      assertThat(tun.lost).isNotDone();
      assertThat(tun.ledger.snapshot().drops()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EINTR", "EAGAIN", "ENOBUFS", "ENOMEM"})
  void a_read_that_goes_on_failing_is_given_up(Errno errno, NetworkNamespace namespace)
      throws Exception {
    ring.fail(UringConstants.OP_READ_MULTISHOT, errno, 10 * READS_IN_A_ROW);
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", ADDRESS)) {
      assertLost(tun);
      assertThat(ring.fired()).isEqualTo(READS_IN_A_ROW + 1);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EIO", "EBADFD", "ENODEV", "EBADF", "EINVAL", "EFAULT"})
  void any_other_errno_of_a_read_is_the_loss_of_the_device(Errno errno, NetworkNamespace namespace)
      throws Exception {
    ring.fail(UringConstants.OP_READ_MULTISHOT, errno, 2);
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", ADDRESS)) {
      assertLost(tun);
      assertThat(ring.fired()).isEqualTo(1);
    }
  }

  private static void assertLost(TunLab.Attached tun) throws Exception {
    assertThat(tun.lost.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS).errno())
        .isEqualTo(Errno.ENODEV);
    assertThatThrownBy(() -> tun.receive(_ -> true))
        .isInstanceOfSatisfying(
            VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENODEV));
  }

  @ParameterizedTest
  @EnumSource(names = {"EINTR", "EAGAIN", "ENOBUFS", "ENOMEM"})
  void a_write_that_fails_for_the_moment_is_tried_again(Errno errno, NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", ADDRESS)) {
      ring.fail(UringConstants.OP_WRITE, errno, PACKETS);
      assertThat(sendOnIsland(lab, tun, 0)).isEqualTo(PACKETS);
      assertThat(ring.fired()).isEqualTo(PACKETS);
      assertThat(tun.ledger.snapshot().sentPackets()).isEqualTo(PACKETS);
      assertThat(tun.ledger.snapshot().drops()).isEmpty();
      Set<Integer> answered = new TreeSet<>();
      tun.await(packet -> {
        if (Datagrams.isEcho4(packet, 0)) {
          answered.add(packet.length);
        }
        return answered.size() == PACKETS;
      });
    }
  }

  @ParameterizedTest
  @CsvSource({
    "EINTR, KERNEL_BUSY",
    "EAGAIN, KERNEL_BUSY",
    "ENOBUFS, KERNEL_BUSY",
    "ENOMEM, KERNEL_BUSY",
    "EIO, INTERFACE_DOWN",
    "EINVAL, KERNEL_REFUSED",
    "EFAULT, KERNEL_REFUSED",
    "EPERM, KERNEL_REFUSED"
  })
  void packets_that_could_not_be_written_are_taken_and_counted(
      Errno errno, DropReason reason, NetworkNamespace namespace) throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", ADDRESS)) {
      ring.fail(UringConstants.OP_WRITE, errno, PACKETS);
      failWriteCalls(lab.tunDescriptor(), errno);
      assertThat(sendOnIsland(lab, tun, 0)).isEqualTo(PACKETS);
      assertThat(tun.ledger.snapshot().drops()).isEqualTo(Map.of(reason, (long) PACKETS));
      assertThat(tun.ledger.snapshot().sentPackets()).isZero();
      assertThat(tun.lost).isNotDone();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EBADFD", "ENODEV", "EBADF"})
  void a_write_that_meets_no_device_takes_nothing_and_tells(Errno errno, NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", ADDRESS)) {
      ring.fail(UringConstants.OP_WRITE, errno, PACKETS);
      assertThatThrownBy(() -> sendOnIsland(lab, tun, 0)).hasStackTraceContaining("ENODEV");
      assertThat(tun.lost.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS).errno())
          .isEqualTo(Errno.ENODEV);
      assertThat(tun.ledger.snapshot().sentPackets()).isZero();
      assertThat(tun.ledger.snapshot().drops()).isEmpty();
    }
  }
}
