package io.vnet.io.tun;

import static io.vnet.io.tun.Datagrams.v4;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.backend.HostIo;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.packet.PacketBatch;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Packets that the kernel reads before they are asked for. */
@ExtendWith(NetworkNamespaces.class)
class ReadAheadIT {
  private static final int PORT = 9;
  private static final int IP_AND_UDP_BYTES = 28;

  /** Numbered datagrams from the kernel to the device. */
  private static void send(NetworkNamespace namespace, int from, int to) {
    namespace.call(() -> {
      try (DatagramSocket socket = new DatagramSocket()) {
        InetAddress peer = InetAddress.getByAddress(new byte[] {10, 9, 0, 2});
        for (int i = from; i < to; i++) {
          byte[] number = ByteBuffer.allocate(Integer.BYTES).putInt(i).array();
          socket.send(new DatagramPacket(number, number.length, peer, PORT));
        }
        return to;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    });
  }

  /** Takes what is there until a number has come. */
  private static List<Integer> receiveTo(TunLab lab, TunLab.Attached tun, int last)
      throws InterruptedException {
    List<Integer> numbers = new ArrayList<>();
    PacketBatch batch = lab.batches.acquire();
    try {
      while (numbers.isEmpty() || numbers.getLast() < last) {
        if (tun.backend.receive(batch, tun.ledger) == 0) {
          assertThat(tun.readable.tryAcquire(TunLab.GUARD_SECONDS, TimeUnit.SECONDS))
              .as("signal")
              .isTrue();
        }
        for (int i = 0; i < batch.count(); i++) {
          long at = batch.offset(i);
          if (batch.length(i) == IP_AND_UDP_BYTES + Integer.BYTES
              && batch.segment().get(ValueLayout.JAVA_BYTE, at) == 0x45) {
            numbers.add(
                Integer.reverseBytes(
                    batch.segment().get(ValueLayout.JAVA_INT_UNALIGNED, at + IP_AND_UDP_BYTES)));
          }
        }
        batch.clear();
      }
      return numbers;
    } finally {
      batch.release();
    }
  }

  @Test
  void a_receiver_that_waits_leaves_packets_to_the_kernel_and_gets_them_in_order(
      NetworkNamespace namespace) throws Exception {
    int sent = 700;
    try (TunLab lab = new TunLab(namespace, HostIo.IO_URING);
        TunLab.Attached tun = lab.attached("tun3", "10.9.0.1/24")) {
      lab.ip("link", "set", "dev", "tun3", "txqueuelen", "1000");
      send(namespace, 0, sent);
      // More than the buffers hold: the read has ended, and begins again as they come back.
      assertThat(receiveTo(lab, tun, sent - 1)).hasSize(sent).isSorted().doesNotHaveDuplicates();
      send(namespace, sent, sent + 10);
      assertThat(receiveTo(lab, tun, sent + 9)).hasSize(10).isSorted();
      assertThat(tun.ledger.snapshot().dropped()).isZero();
    }
  }

  @Test
  void a_raised_mtu_ends_the_reading_ahead_and_loses_nothing(NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = new TunLab(namespace, HostIo.IO_URING);
        TunLab.Attached tun = lab.attached("tun3", "10.9.0.1/24")) {
      send(namespace, 0, 10);
      tun.backend.change(new InterfaceChange.Mtu(9000));
      send(namespace, 10, 20);
      assertThat(receiveTo(lab, tun, 19)).hasSize(20).isSorted();
      byte[] request = Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), 8000);
      tun.send(request);
      assertThat(tun.await(packet -> Datagrams.isEcho4(packet, 0))).hasSameSizeAs(request);
      assertThat(tun.ledger.snapshot().dropped()).isZero();
    }
  }

  @Test
  void packets_nobody_took_are_counted_at_the_end(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace, HostIo.IO_URING)) {
      TunLab.Attached tun = lab.attached("tun3", "10.9.0.1/24");
      send(namespace, 0, 20);
      tun.backend.linkDown(tun.ledger);
      assertThat(tun.ledger.snapshot().dropped()).isGreaterThanOrEqualTo(20);
      tun.close();
    }
  }
}
