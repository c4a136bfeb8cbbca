package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An interface of several queues: opened as one, ended as one, each queue for itself between. */
@ExtendWith(NetworkNamespaces.class)
class MultiQueueIT {
  private static final int FLOWS = 64;
  private static final int PORT = 9000;

  private static BackendRequest request(TunLab lab, HostBacking backing) {
    return new BackendRequest(
        DeviceName.match("tun3").orElseThrow(),
        TunLab.MTU,
        true,
        backing.inNetworkNamespace(lab.namespace.path()));
  }

  private static BackendRequest request(TunLab lab, int queues) {
    return request(
        lab,
        HostBacking.create()
            .withAddresses(io.vnet.api.address.IpPrefix.parse("10.9.0.1/24"))
            .withQueues(queues));
  }

  /** Keeps which queues became readable, and what was lost. */
  private static final class Heard implements BackendListener {
    final Set<Integer> readable = new ConcurrentSkipListSet<>();
    final List<VnetException> lost = new CopyOnWriteArrayList<>();

    @Override
    public void readable() {
      readable.add(0);
    }

    @Override
    public void writable() {
      throw new AssertionError("a tun never says that it is writable");
    }

    @Override
    public void lost(VnetException cause) {
      lost.add(cause);
    }

    @Override
    public BackendListener queue(int index) {
      return new BackendListener() {
        @Override
        public void readable() {
          readable.add(index);
        }

        @Override
        public void writable() {
          Heard.this.writable();
        }

        @Override
        public void lost(VnetException cause) {
          Heard.this.lost(cause);
        }
      };
    }
  }

  private static void refused(TunLab lab, HostBacking backing, Errno errno, String... words) {
    assertThatThrownBy(() -> lab.openQueues(request(lab, backing)))
        .isInstanceOfSatisfying(
            VnetException.class,
            e -> {
              assertThat(e.errno()).isEqualTo(errno);
              assertThat(e.remedy()).isNotEmpty();
            })
        .hasMessageContainingAll(words);
  }

  /** One datagram of each of many flows; returns how many. */
  private static int send(NetworkNamespace namespace, int bytes) throws Exception {
    for (int flow = 0; flow < FLOWS; flow++) {
      DatagramSocket socket = namespace.call(DatagramSocket::new);
      try (socket) {
        socket.send(
            new DatagramPacket(
                new byte[bytes], bytes, InetAddress.getByName("10.9.0.2"), PORT + flow));
      }
    }
    return FLOWS;
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4, 256})
  void it_has_as_many_descriptors_as_queues_and_none_afterwards(
      int queues, NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      DeviceBackend backend = lab.openQueues(request(lab, queues));
      assertThat(backend.queues()).hasSize(queues).startsWith(backend);
      assertThat(lab.tun("tun3").multiQueue()).isTrue();
      assertThat(lab.tun("tun3").queues()).isEqualTo(queues);
      assertThat(Collections.frequency(lab.libc.calls(), "ioctl TUNSETIFF")).isEqualTo(queues);
      backend.start(new Heard());
      backend.linkUp();
      backend.linkDown(new PortLedger());
      TunLab.end(backend, new PortLedger());
      assertThat(lab.links()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, 0, 257, Integer.MAX_VALUE})
  void a_number_of_queues_that_no_interface_has_is_refused_before_anything_changes(
      int queues, NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      refused(
          lab, HostBacking.create().withQueues(queues), Errno.EINVAL, queues + " queues", "1 to");
      assertThat(lab.libc.calls()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = HostIo.class,
      names = {"EPOLL", "IO_URING"})
  void every_queue_tells_its_own_readiness_and_gives_its_own_packets(
      HostIo io, NetworkNamespace namespace) throws Exception {
    try (TunLab lab = new TunLab(namespace, io);
        IslandLoop second = io == HostIo.EPOLL ? new IslandLoop() : IslandLoop.uring(lab.libc)) {
      List<IslandLoop> islands = new ArrayList<>(List.of(lab.island, second));
      DeviceBackend backend = lab.opener.open(request(lab, 2), _ -> islands.removeFirst());
      assertThat(backend.queues().get(0).island()).contains(lab.island);
      assertThat(backend.queues().get(1).island()).contains(second);
      Heard heard = new Heard();
      backend.start(heard);
      backend.linkUp();
      int sent = send(namespace, 100);
      await().atMost(TunLab.GUARD).until(() -> heard.readable.equals(Set.of(0, 1)));
      List<PortLedger> ledgers = List.of(new PortLedger(), new PortLedger());
      await()
          .atMost(TunLab.GUARD)
          .until(() -> {
            long datagrams = 0;
            for (int i = 0; i < 2; i++) {
              receive(lab, backend.queues().get(i), ledgers.get(i));
              datagrams += ledgers.get(i).snapshot().receivedPackets();
            }
            return datagrams >= sent;
          });
      assertThat(ledgers)
          .allSatisfy(ledger -> assertThat(ledger.snapshot().receivedPackets()).isPositive());
      TunLab.end(backend, new PortLedger());
    }
  }

  private static void receive(TunLab lab, DeviceBackend queue, PortLedger ledger) {
    PacketBatch batch = lab.batches.acquire();
    try {
      while (queue.receive(batch, ledger) > 0) {
        batch.clear();
      }
    } finally {
      batch.release();
    }
  }

  @Test
  void what_waits_in_any_queue_is_counted_at_the_close(NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = new TunLab(namespace)) {
      DeviceBackend backend = lab.openQueues(request(lab, 4));
      backend.start(new Heard());
      backend.linkUp();
      int sent = send(namespace, 100);
      PortLedger ledger = new PortLedger();
      backend.linkDown(ledger);
      assertThat(ledger.snapshot().dropped(DropReason.FLUSHED_AT_CLOSE))
          .isGreaterThanOrEqualTo(sent);
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void a_larger_mtu_makes_room_in_every_queue(NetworkNamespace namespace) throws Exception {
    try (TunLab lab = new TunLab(namespace)) {
      DeviceBackend backend = lab.openQueues(request(lab, 2));
      backend.start(new Heard());
      backend.linkUp();
      backend.change(new InterfaceChange.Mtu(9000));
      assertThat(backend.queues()).allSatisfy(queue -> assertThat(queue.mtu()).isEqualTo(9000));
      int sent = send(namespace, 8000);
      for (DeviceBackend queue : backend.queues()) {
        PortLedger ledger = new PortLedger();
        receive(lab, queue, ledger);
        assertThat(ledger.snapshot().drops()).isEmpty();
        assertThat(ledger.snapshot().receivedBytes()).isGreaterThan(8000);
        sent -= (int) ledger.snapshot().receivedPackets();
      }
      assertThat(sent).isLessThanOrEqualTo(0);
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void an_interface_that_is_removed_is_lost_once(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      DeviceBackend backend = lab.openQueues(request(lab, 4));
      Heard heard = new Heard();
      backend.start(heard);
      lab.ip("link", "delete", "dev", "tun3");
      await().atMost(TunLab.GUARD).until(() -> !heard.lost.isEmpty());
      TunLab.end(backend, new PortLedger());
      assertThat(heard.lost)
          .singleElement()
          .extracting(VnetException::errno)
          .isEqualTo(Errno.ENODEV);
    }
  }

  @Test
  void a_close_that_fails_at_one_queue_closes_the_others(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      DeviceBackend backend = lab.openQueues(request(lab, 3));
      lab.libc.failNext("close", Errno.EIO);
      assertThatThrownBy(() -> TunLab.end(backend, new PortLedger()))
          .hasMessageContaining("close tun3: EIO");
      assertThat(lab.libc.open()).isEmpty();
      assertThat(lab.links()).isEmpty();
    }
  }

  @Test
  void an_interface_of_one_queue_is_not_taken_for_several_nor_a_taken_one_shared(
      NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      HostBacking attach = HostBacking.create().withMode(Mode.ATTACH);
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
      refused(lab, attach.withQueues(2), Errno.EINVAL, "has one queue, not 2", "multi_queue");
      lab.ip("link", "delete", "dev", "tun3");

      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun", "multi_queue");
      DeviceBackend one = lab.openQueues(request(lab, attach));
      assertThat(one.queues()).hasSize(1);
      refused(lab, attach.withQueues(2), Errno.EBUSY, "another process is attached");
      assertThat(lab.tun("tun3").queues()).isEqualTo(1);
      TunLab.end(one, new PortLedger());

      DeviceBackend three = lab.openQueues(request(lab, attach.withQueues(3)));
      assertThat(lab.tun("tun3").queues()).isEqualTo(3);
      TunLab.end(three, new PortLedger());
      assertThat(lab.tun("tun3").queues()).isZero();
      assertThat(lab.tun("tun3").persistent()).isTrue();
    }
  }

  @Test
  void a_name_that_goes_to_another_interface_meanwhile_makes_no_stranger_a_queue(
      NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      DeviceBackend other = lab.openQueues(request(lab, 2));
      TunInterface first =
          new TunInterface(lab.libc, lab.given("tun4", LinuxConstants.IFF_TUN), "tun3");
      assertThatThrownBy(() -> first.checkCalled("tun3"))
          .hasMessageContaining("attach tun3: EAGAIN, it was renamed meanwhile");
      lab.libc.close(first.fd());
      TunLab.end(other, new PortLedger());
    }
  }
}
