package io.vnet.io.tun;

import static io.vnet.io.tun.Datagrams.v4;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.error.Errno;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortLedger;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.SocketException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Descriptors with a virtio-net header: what the kernel grants, leaves undone and takes. */
@ExtendWith(NetworkNamespaces.class)
class OffloadIT {
  private static final int SEGMENT_BYTES = 1000;
  private static final int LAST_BYTES = 50;
  private static final int SUPER_BYTES = 4000;

  TunLab lab(NetworkNamespace namespace) {
    return new TunLab(namespace, HostIo.EPOLL);
  }

  private static BackendRequest offloaded(BackendRequest request) {
    return new BackendRequest(
        request.name(), request.mtu(), request.up(), request.host().withOffload(true));
  }

  private static byte[] echo(int dataBytes) {
    return Datagrams.echo4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), dataBytes);
  }

  @Test
  void the_kernel_hands_over_super_packets_and_says_so(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace)) {
      TunBackend backend = lab.open(offloaded(lab.request("tun3", Mode.CREATE, true)));
      assertThat(backend.offloads())
          .contains(OffloadFeature.CHECKSUM, OffloadFeature.TSO4, OffloadFeature.TSO6);
      assertThat(lab.link("tun3")).contains("vnet_hdr on");
      assertThat(lab.segmentsTcp("tun3")).isTrue();
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void a_persistent_device_is_left_without_offloads(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
      TunLab.end(lab.open(offloaded(lab.request("tun3", Mode.ATTACH, true))), new PortLedger());
      assertThat(lab.segmentsTcp("tun3")).isFalse();
      TunBackend plain = lab.open(lab.request("tun3", Mode.ATTACH, true));
      assertThat(plain.offloads()).isEmpty();
      assertThat(lab.link("tun3")).contains("vnet_hdr off");
      TunLab.end(plain, new PortLedger());
    }
  }

  @Test
  void a_packet_goes_in_and_out_with_and_without_room_for_the_header(NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = lab(namespace);
        SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 2);
        BatchPool tight = new BatchPool(slabs, 4, 0, 0)) {
      try (TunLab.Attached tun =
          lab.attached(offloaded(lab.request("tun3", Mode.CREATE, true, "10.9.0.1/24")))) {
        PacketBatch batch = tight.acquire();
        // The first begins where the slab does; the second has the gap that alignment leaves.
        assertThat(batch.append(Packet.of(echo(31)))).isTrue();
        assertThat(batch.append(Packet.of(echo(32)))).isTrue();
        for (int from = 1; from >= 0; from--) {
          int length = batch.length(from);
          assertThat(tun.backend.send(batch, from, tun.ledger)).isEqualTo(2 - from);
          tun.await(packet -> Datagrams.isEcho4(packet, 0) && packet.length == length);
        }
        batch.release();
        assertThat(tun.ledger.snapshot().dropped()).isZero();
      }
    }
  }

  @Test
  void a_word_that_does_not_fit_its_packet_is_refused_and_counted(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun =
            lab.attached(offloaded(lab.request("tun3", Mode.CREATE, true, "10.9.0.1/24")))) {
      PacketBatch batch = lab.batches.acquire();
      try {
        byte[] packet = echo(1);
        MemorySegment.copy(
            packet,
            0,
            batch.segment(),
            ValueLayout.JAVA_BYTE,
            batch.room(packet.length),
            packet.length);
        // NEEDS_CSUM, TCPV4, size 100, checksum far behind the end.
        batch.commit(packet.length, 1L | 1L << 8 | 100L << 16 | 9000L << 32 | 16L << 48);
        assertThat(tun.backend.send(batch, 0, tun.ledger)).isEqualTo(1);
      } finally {
        batch.release();
      }
      assertThat(tun.ledger.snapshot().drops()).containsEntry(DropReason.KERNEL_REFUSED, 1L);
    }
  }

  @Test
  void a_device_without_offloads_takes_no_super_packet(NetworkNamespace namespace) {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun = lab.attached("tun3", "10.9.0.1/24")) {
      PacketBatch batch = lab.batches.acquire();
      try {
        assertThat(batch.room(100)).isNotNegative();
        batch.commit(100, 1L);
        assertThat(tun.backend.send(batch, 0, tun.ledger)).isEqualTo(1);
      } finally {
        batch.release();
      }
      assertThat(tun.ledger.snapshot().drops()).containsEntry(DropReason.NOT_OFFLOADED, 1L);
    }
  }

  private static DatagramSocket socket() throws SocketException {
    DatagramSocket socket = new DatagramSocket(0);
    socket.setSoTimeout(TunLab.GUARD_SECONDS * 1000);
    return socket;
  }

  private static int bytes(DatagramSocket socket) throws IOException {
    DatagramPacket packet = new DatagramPacket(new byte[SUPER_BYTES], SUPER_BYTES);
    socket.receive(packet);
    return packet.getLength();
  }

  private static void sendSuper(TunLab lab, TunLab.Attached tun, int port) {
    byte[] packet =
        Datagrams.superUdp4(v4(10, 9, 0, 2), v4(10, 9, 0, 1), port, 2 * SEGMENT_BYTES + LAST_BYTES);
    PacketBatch batch = lab.batches.acquire();
    try {
      assertThat(batch.append(Packet.of(packet))).isTrue();
      batch.setOffload(0, Offload.of(Offload.NEEDS_CSUM, Offload.UDP_L4, SEGMENT_BYTES, 20, 6));
      assertThat(tun.backend.send(batch, 0, tun.ledger)).isEqualTo(1);
    } finally {
      batch.release();
    }
  }

  @Test
  void a_super_packet_reaches_its_socket_whether_the_kernel_splits_it_or_not(
      NetworkNamespace namespace) throws Exception {
    try (TunLab lab = lab(namespace);
        TunLab.Attached tun =
            lab.attached(offloaded(lab.request("tun3", Mode.CREATE, true, "10.9.0.1/24")));
        DatagramSocket socket = namespace.call(OffloadIT::socket)) {
      assertThat(tun.backend.offloads()).contains(OffloadFeature.USO4);
      // The second is refused by the library under the device, the third then is not even tried.
      for (int round = 0; round < 3; round++) {
        if (round == 1) {
          lab.libc.failExactly("write", 0, Errno.EINVAL);
        }
        sendSuper(lab, tun, socket.getLocalPort());
        assertThat(List.of(bytes(socket), bytes(socket), bytes(socket)))
            .containsExactly(SEGMENT_BYTES, SEGMENT_BYTES, LAST_BYTES);
      }
      assertThat(lab.libc.fired()).isEqualTo(1);
      assertThat(tun.backend.offloads()).doesNotContain(OffloadFeature.USO4);
      assertThat(tun.backend.offloads()).contains(OffloadFeature.TSO4, OffloadFeature.USO6);
      assertThat(tun.ledger.snapshot().sentPackets()).isEqualTo(3);
      assertThat(tun.ledger.snapshot().splitPackets()).isEqualTo(2);
      assertThat(tun.ledger.snapshot().drops()).isEmpty();
    }
  }
}
