package io.vnet.io.udp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.Endpoint;
import io.vnet.api.backend.HostIo;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.SocketConstants;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.udp.UdpLab.Peer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Errors of the kernel, one after the other, at sockets that otherwise work. */
@ExtendWith(NetworkNamespaces.class)
class UdpFaultIT {
  private static final String HERE = "127.0.0.1";
  private static final int TRIES = 65;

  private static UdpLab lab() {
    return new UdpLab(HostIo.EPOLL);
  }

  /** Three datagrams that cannot share a message. */
  private static Packet[] three() {
    return new Packet[] {UdpLab.pattern(100, 1), UdpLab.pattern(101, 2), UdpLab.pattern(102, 3)};
  }

  @SuppressWarnings("restricted") // Addresses are what the C library gets.
  private static MemorySegment memory(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /** Whether the first message of a sendmmsg(2) is a train. */
  private static boolean isTrain(Object[] arguments) {
    MemorySegment header = memory((long) arguments[1], SocketConstants.MMSGHDR_BYTES);
    long control = header.get(ValueLayout.JAVA_LONG, SocketConstants.MSG_CONTROL);
    return control != 0
        && memory(control, SocketConstants.CMSGHDR_BYTES)
                .get(ValueLayout.JAVA_INT, SocketConstants.CMSG_LEVEL)
            == SocketConstants.SOL_UDP;
  }

  private static void failAll(UdpLab lab, String call, Predicate<Object[]> which, Errno errno) {
    lab.kernel.with((name, arguments, real) ->
        name.equals(call) && which.test(arguments) ? -errno.number() : real.getAsLong());
  }

  @ParameterizedTest
  @CsvSource({
    "EMSGSIZE, TOO_LONG",
    "ENETUNREACH, UNREACHABLE",
    "EHOSTUNREACH, UNREACHABLE",
    "ENETDOWN, UNREACHABLE",
    "EADDRNOTAVAIL, UNREACHABLE",
    "EPERM, FILTERED",
    "EACCES, FILTERED",
    "ENOBUFS, KERNEL_BUSY",
    "ENOMEM, KERNEL_BUSY",
    "EINVAL, KERNEL_REFUSED",
    "EIO, KERNEL_REFUSED",
    "EAFNOSUPPORT, WRONG_FAMILY"
  })
  void a_datagram_that_is_refused_is_counted_and_those_behind_it_go(
      Errno errno, DropReason reason, NetworkNamespace namespace) throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, UdpSettings.onPort(0));
      Peer receiver = lab.open(namespace, UdpSettings.onPort(0));
      lab.libc.failNext("sendmmsg", errno);
      sender.send(receiver.at(HERE), 0, three());
      assertThat(receiver.await(2).datagrams()).containsExactly(three()[1], three()[2]);
      assertThat(sender.port.counters().sentPackets()).isEqualTo(2);
      assertThat(sender.port.counters().drops()).isEqualTo(Map.of(reason, 1L));
      assertThat(sender.port.isOpen()).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({"EINTR, 0", "ECONNREFUSED, 1", "ETIMEDOUT, 1"})
  void an_error_that_is_not_the_datagrams_own_loses_none(
      Errno errno, int pending, NetworkNamespace namespace) throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, UdpSettings.onPort(0));
      Peer receiver = lab.open(namespace, UdpSettings.onPort(0));
      lab.libc.failNext("sendmmsg", errno);
      lab.libc.failNext("recvmmsg", errno);
      sender.send(receiver.at(HERE), 0, three());
      assertThat(receiver.await(3).datagrams()).containsExactly(three());
      assertThat(sender.port.counters().drops()).isEmpty();
      assertThat(sender.port.statistics().pendingErrors()).isEqualTo(pending);
      assertThat(receiver.port.statistics().pendingErrors()).isEqualTo(pending);
    }
  }

  @ParameterizedTest
  @CsvSource({"EINTR, KERNEL_BUSY", "ECONNREFUSED, KERNEL_REFUSED"})
  void an_error_that_stays_is_given_up_after_a_while(
      Errno errno, DropReason reason, NetworkNamespace namespace) {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, UdpSettings.onPort(0));
      failAll(lab, "sendmmsg", _ -> true, errno);
      sender.send(sender.at(HERE), 0, three());
      assertThat(sender.port.counters().drops()).isEqualTo(Map.of(reason, 3L));
      assertThat(lab.libc.counts()).containsEntry("sendmmsg", 3 * TRIES);
    }
  }

  @Test
  void no_room_takes_nothing_and_the_signal_follows(NetworkNamespace namespace) throws Exception {
    for (HostIo io : List.of(HostIo.EPOLL, HostIo.IO_URING)) {
      try (UdpLab lab = new UdpLab(io)) {
        Peer sender = lab.open(namespace, UdpSettings.onPort(0));
        for (int i = 0; i < 3; i++) {
          PacketBatch batch = lab.batches.acquire();
          UdpLab.add(batch, sender.at(HERE), UdpLab.pattern(10, i), 0);
          lab.libc.failNext("sendmmsg", Errno.EAGAIN);
          assertThat(sender.port.send(batch, 0)).isZero();
          assertThat(sender.writable.tryAcquire(UdpLab.GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
          assertThat(sender.port.send(batch, 0)).isEqualTo(1);
          batch.release();
          assertThat(sender.await(1).datagrams()).containsExactly(UdpLab.pattern(10, i));
        }
        assertThat(sender.port.counters().drops()).isEmpty();
      }
    }
  }

  @Test
  void an_interface_without_checksums_ends_trains_for_good_and_loses_nothing(
      NetworkNamespace namespace) throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, UdpSettings.onPort(0));
      Peer receiver = lab.open(namespace, UdpSettings.onPort(0));
      failAll(lab, "sendmmsg", UdpFaultIT::isTrain, Errno.EIO);
      Packet train = UdpLab.pattern(1000 * 20 + 1, 1);
      sender.send(receiver.at(HERE), DatagramTrain.of(1000, 0), train);
      assertThat(receiver.await(21).joined()).isEqualTo(train);
      sender.send(receiver.at(HERE), DatagramTrain.of(1000, 0), train);
      assertThat(receiver.await(21).joined()).isEqualTo(train);
      UdpStatistics statistics = sender.port.statistics();
      assertThat(statistics.trainsRefused()).isEqualTo(1);
      assertThat(statistics.trainsSent()).isZero();
      assertThat(sender.port.counters().sentPackets()).isEqualTo(42);
      assertThat(sender.port.counters().drops()).isEmpty();
      // The other family's socket has not said anything.
      sender.send(receiver.at(HERE), 0, three());
      assertThat(receiver.await(3).datagrams()).containsExactly(three());
      assertThat(statistics.segmentation()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EINVAL", "EMSGSIZE"})
  void a_train_that_the_route_does_not_take_goes_one_by_one(Errno errno, NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, UdpSettings.onPort(0));
      Peer receiver = lab.open(namespace, UdpSettings.onPort(0));
      failAll(lab, "sendmmsg", UdpFaultIT::isTrain, errno);
      Packet train = UdpLab.pattern(100 * 10, 1);
      sender.send(receiver.at(HERE), DatagramTrain.of(100, 0), train, train, train);
      assertThat(receiver.await(30).datagrams()).hasSize(30);
      assertThat(sender.port.counters().sentPackets()).isEqualTo(30);
      assertThat(sender.port.counters().drops()).isEmpty();
      assertThat(sender.port.statistics().trainsRefused()).isEqualTo(1);
      assertThat(sender.port.statistics().segmentation()).isTrue();
    }
  }

  @Test
  void a_kernel_that_takes_few_messages_a_call_gets_the_rest_in_order(NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, UdpSettings.onPort(0));
      Peer receiver = lab.open(namespace, UdpSettings.onPort(0));
      lab.kernel.with((name, arguments, real) -> {
        if (name.equals("sendmmsg")) {
          arguments[2] = 1;
        }
        return real.getAsLong();
      });
      Packet[] packets = new Packet[100];
      for (int i = 0; i < packets.length; i++) {
        packets[i] = UdpLab.pattern(1 + i, i);
      }
      sender.send(receiver.at(HERE), 0, packets);
      assertThat(receiver.await(100).datagrams()).containsExactly(packets);
    }
  }

  @Test
  void a_train_that_finds_no_room_halfway_goes_on_from_there(NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      Peer sender = lab.open(namespace, UdpSettings.onPort(0).withTrains(false, true));
      Peer receiver = lab.open(namespace, UdpSettings.onPort(0));
      AtomicInteger calls = new AtomicInteger();
      lab.kernel.with((name, arguments, real) -> {
        if (name.equals("sendmmsg") && calls.incrementAndGet() == 2) {
          return -Errno.EAGAIN.number();
        }
        if (name.equals("sendmmsg")) {
          arguments[2] = Math.min(10, (int) arguments[2]);
        }
        return real.getAsLong();
      });
      Packet train = UdpLab.pattern(100 * 25 + 1, 1);
      PacketBatch batch = lab.batches.acquire();
      UdpLab.add(batch, receiver.at(HERE), UdpLab.pattern(99, 2), 0);
      UdpLab.add(batch, receiver.at(HERE), train, DatagramTrain.of(100, 0));

      assertThat(sender.port.send(batch, 0)).isEqualTo(1);
      assertThat(batch.length(1)).isEqualTo(train.length() - 900);
      assertThat(sender.port.counters().sentPackets()).isEqualTo(10);
      assertThat(sender.port.send(batch, 1)).isEqualTo(1);
      batch.release();

      assertThat(sender.port.counters().sentPackets()).isEqualTo(27);
      assertThat(sender.port.counters().sentBytes()).isEqualTo(99 + train.length());
      List<Packet> datagrams = receiver.await(27).datagrams();
      assertThat(datagrams.getFirst()).isEqualTo(UdpLab.pattern(99, 2));
      UdpLab.Received rest =
          new UdpLab.Received(
              datagrams.stream()
                  .skip(1)
                  .map(packet -> new UdpLab.Piece(packet, 0, receiver.at(HERE)))
                  .toList());
      assertThat(rest.joined()).isEqualTo(train);
    }
  }

  @ParameterizedTest
  @CsvSource({"recvmmsg, EBADF, 1", "recvmmsg, ENOMEM, 65", "sendmmsg, EBADF, 1"})
  void a_socket_that_has_failed_ends_the_port_with_the_cause(
      String call, Errno errno, int calls, NetworkNamespace namespace) throws Exception {
    try (UdpLab lab = lab()) {
      Peer peer =
          lab.open(namespace, UdpSettings.onPort(0).withFamilies(UdpSettings.Families.IPV4));
      failAll(lab, call, _ -> true, errno);
      PacketBatch batch = lab.batches.acquire();
      UdpLab.add(batch, peer.at(HERE), UdpLab.pattern(10, 1), 0);
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(
                () -> {
                  if (call.equals("recvmmsg")) {
                    peer.port.receive(batch);
                  } else {
                    peer.port.send(batch, 0);
                  }
                })
            .isInstanceOfSatisfying(
                VnetException.class, e -> assertThat(e.errno()).isEqualTo(errno));
      }
      batch.release();
      assertThat(lab.libc.counts()).containsEntry(call, calls);
      assertThat(peer.closed.get(UdpLab.GUARD_SECONDS, TimeUnit.SECONDS).orElseThrow().errno())
          .isEqualTo(errno);
      assertThat(peer.port.isOpen()).isFalse();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"EPERM", "ENOMEM", "EMFILE"})
  void whichever_call_fails_while_it_is_opened_nothing_is_left(
      Errno errno, NetworkNamespace namespace) {
    UdpSettings settings = UdpSettings.onPort(0).withMark(3).withEcn(true);
    int opening;
    try (UdpLab lab = lab()) {
      lab.open(namespace, settings);
      opening = lab.libc.calls().size();
    }
    assertThat(opening).isGreaterThan(20);
    int refused = 0;
    for (int i = 0; i < opening; i++) {
      try (UdpLab lab = lab()) {
        lab.libc.fail("", i, errno);
        try {
          lab.open(namespace, settings);
        } catch (VnetException e) {
          assertThat(e.errno()).isEqualTo(errno);
          refused++;
        }
        assertThat(lab.libc.fired()).isEqualTo(1);
      }
    }
    // Buffers beyond the limit and trains, for both sockets, and a close are not insisted on.
    assertThat(refused).isBetween(opening - 9, opening - 8);
  }

  @Test
  void a_kernel_without_a_family_has_the_other_and_without_both_says_so(
      NetworkNamespace namespace) {
    try (UdpLab lab = lab()) {
      failAll(
          lab,
          "socket",
          arguments -> (int) arguments[0] == LinuxConstants.AF_INET6,
          Errno.EAFNOSUPPORT);
      Peer peer = lab.open(namespace, UdpSettings.onPort(0));
      assertThat(peer.port.locals()).containsExactly(peer.at("0.0.0.0"));
      assertThatThrownBy(() ->
              lab.open(namespace, UdpSettings.onPort(0).withFamilies(UdpSettings.Families.IPV6)))
          .hasMessageContaining("EAFNOSUPPORT");
      failAll(lab, "socket", _ -> true, Errno.EAFNOSUPPORT);
      assertThatThrownBy(() -> lab.open(namespace, UdpSettings.onPort(0)))
          .hasMessageContaining("EAFNOSUPPORT");
    }
  }

  @Test
  void a_free_port_is_looked_for_until_both_families_have_it(NetworkNamespace namespace) {
    try (UdpLab lab = lab()) {
      AtomicInteger refusals = new AtomicInteger();
      lab.kernel.with((name, arguments, real) ->
          name.equals("bind")
                  && (int) arguments[2] == SocketConstants.SOCKADDR_IN6_BYTES
                  && refusals.getAndIncrement() < 3
              ? -Errno.EADDRINUSE.number()
              : real.getAsLong());
      Peer peer = lab.open(namespace, UdpSettings.onPort(0));
      assertThat(refusals).hasValue(4);
      assertThat(peer.port.locals()).extracting(Endpoint::port).containsOnly(peer.port.port());
    }
  }

  @Test
  void rights_that_are_missing_are_said_with_a_remedy(NetworkNamespace namespace) {
    try (UdpLab lab = lab()) {
      lab.libc.failNext("setsockopt 1 " + SocketConstants.SO_MARK, Errno.EPERM);
      assertThatThrownBy(() -> lab.open(namespace, UdpSettings.onPort(0).withMark(9)))
          .hasMessageStartingWith("SO_MARK 0.0.0.0:0: EPERM")
          .hasMessageContaining("CAP_NET_ADMIN");
      lab.libc.failNext("bind", Errno.EACCES);
      assertThatThrownBy(() -> lab.open(namespace, UdpSettings.onPort(53)))
          .hasMessageStartingWith("bind 0.0.0.0:53: EACCES")
          .hasMessageContaining("CAP_NET_BIND_SERVICE");
    }
  }

  @Test
  void a_port_on_an_island_that_has_ended_is_refused_and_leaves_nothing(NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = lab()) {
      lab.island.close();
      assertThatThrownBy(() -> lab.open(namespace, UdpSettings.onPort(0)))
          .isInstanceOf(VnetException.class)
          .hasMessageContaining("ESHUTDOWN");
      assertThat(lab.epoch.readers()).isZero();
      assertThat(lab.libc.open()).isEmpty();
    }
  }
}
