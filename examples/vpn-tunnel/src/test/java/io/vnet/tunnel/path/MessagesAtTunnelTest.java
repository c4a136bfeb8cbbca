package io.vnet.tunnel.path;

import static io.vnet.tunnel.testkit.TunnelPair.V4;
import static io.vnet.tunnel.testkit.TunnelPair.V6;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.header.InternetChecksum;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.MemoryDatagrams;
import io.vnet.tunnel.Outside;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.core.Padding;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.testkit.IpFlow;
import io.vnet.tunnel.testkit.Mailbox;
import io.vnet.tunnel.testkit.Puppet;
import io.vnet.tunnel.testkit.TunnelPair;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a tunnel does with transport messages, good and bad, that a peer sends it: chapters 4, 7 and
 * 10.3 of the protocol as this project writes it down. Named after its test cases.
 */
class MessagesAtTunnelTest {
  private static final int QUEUE = 4096;
  private static final int SEED = 4711;

  private final VnetHost host = VnetHost.start();
  private final IslandLoop island = new IslandLoop();
  private final MemoryDatagrams network = MemoryDatagrams.patient();
  private final MemoryPort inside = MemoryPort.pair("left", Layer.L3, QUEUE);
  private final Mailbox user = new Mailbox(inside.peer());
  private final WireGuardTunnel tunnel =
      WireGuardTunnel.start(host, "left", inside, network.at(TunnelPair.outside(1)));
  private final Outside there = network.at(TunnelPair.outside(2), TunnelPair.outside(3));
  private final Puppet puppet =
      new Puppet(there.open(island, TunnelPair.PORT, 0).port(), 2, TunnelPair.peer(1));

  @BeforeEach
  void shakeHands() throws InterruptedException {
    TunnelPair.join(
        tunnel.change(
            TunnelPair.change(1)
                .withPeers(
                    List.of(
                        TunnelPair.peer(2)
                            .withEndpoint(Endpoint.of(TunnelPair.outside(2), TunnelPair.PORT))))));
    TunnelPair.join(tunnel.up());
    Packet first = V4.sized(100, 1);
    user.send(first);
    byte[] text = puppet.nextPacket().text();
    assertThat(text).startsWith(first.toByteArray()).hasSize(112);
    assertThat(Arrays.copyOfRange(text, 100, 112)).containsOnly(0);
  }

  @AfterEach
  void close() {
    tunnel.close();
    puppet.close();
    user.close();
    island.close();
    host.close();
  }

  private TunnelStatus status() {
    return TunnelPair.join(tunnel.status());
  }

  private long drops(TunnelDrop reason) {
    return status().drops().getOrDefault(reason, 0L);
  }

  /** All that was sent before has been looked at when this one arrives. */
  private void assertStillWorks(int seed) throws InterruptedException {
    Packet packet = V4.reversed().sized(200, seed);
    puppet.send(puppet.seal(packet.toByteArray()));
    assertThat(user.next()).isEqualTo(packet);
  }

  @Test
  void T4_X1_every_type_at_every_length_is_silence() throws InterruptedException {
    List<Integer> lengths = new ArrayList<>();
    for (int length = 1; length <= 260; length++) {
      lengths.add(length);
    }
    lengths.addAll(List.of(1024, 1500, 9000, 65507));
    for (int type = 0; type < 6; type++) {
      for (int length : lengths) {
        byte[] message = new byte[length];
        message[0] = (byte) type;
        puppet.send(message);
      }
    }
    assertStillWorks(1);
    // An initiation is looked at on the handshakes' thread.
    await()
        .untilAsserted(() ->
            assertThat(status().drops().values().stream().mapToLong(Long::longValue).sum())
                .isEqualTo(6L * lengths.size()));
    assertThat(status().drops().keySet())
        .isSubsetOf(
            TunnelDrop.MALFORMED,
            TunnelDrop.UNKNOWN_INDEX,
            TunnelDrop.BAD_MAC1,
            TunnelDrop.BAD_COOKIE);
  }

  @Test
  void T4_a_message_cut_at_any_length_is_no_message() throws InterruptedException {
    byte[] whole = puppet.seal(V4.reversed().sized(96, 1).toByteArray());
    for (int length = 1; length < whole.length; length++) {
      puppet.send(Arrays.copyOf(whole, length));
    }
    assertStillWorks(2);
    assertThat(drops(TunnelDrop.MALFORMED)).isEqualTo(31);
    assertThat(drops(TunnelDrop.BAD_TAG)).isEqualTo(whole.length - 32L);
  }

  @Test
  void T4_the_longest_message_is_delivered() throws InterruptedException {
    Packet packet = V4.reversed().sized(65507 - 32, 1);
    puppet.send(puppet.seal(packet.toByteArray()));
    assertThat(user.next()).isEqualTo(packet);
  }

  @Test
  void X2_reserved_bytes_make_a_message_unknown() throws InterruptedException {
    for (int i = 1; i < 4; i++) {
      byte[] message = puppet.seal(V4.reversed().sized(64, 1).toByteArray());
      message[i] = 1;
      puppet.send(message);
    }
    assertStillWorks(3);
    assertThat(status().drops()).isEqualTo(Map.of(TunnelDrop.MALFORMED, 3L));
  }

  @Test
  void T5_T6_any_padding_or_none_is_taken_off() throws InterruptedException {
    for (IpFlow flow : List.of(V4.reversed(), V6.reversed())) {
      for (int padding : new int[] {0, 1, 2, 7, 15, 16, 1000}) {
        Packet packet = flow.sized(101, padding);
        puppet.send(puppet.seal(Arrays.copyOf(packet.toByteArray(), 101 + padding)));
        assertThat(user.next()).as("padding %d", padding).isEqualTo(packet);
      }
    }
  }

  @Test
  void T7_a_bad_inner_packet_is_dropped_and_its_message_counts() throws InterruptedException {
    byte[] v4 = V4.reversed().sized(64, 1).toByteArray();
    byte[] v6 = V6.reversed().sized(64, 1).toByteArray();
    List<byte[]> bad = new ArrayList<>();
    for (int version : new int[] {0, 5, 15}) {
      byte[] text = v4.clone();
      text[0] = (byte) (version << 4 | 5);
      bad.add(text);
    }
    for (int length : new int[] {0, 19, 65, 65535}) {
      byte[] text = v4.clone();
      text[2] = (byte) (length >>> 8);
      text[3] = (byte) length;
      bad.add(text);
    }
    byte[] longer = v6.clone();
    longer[5]++;
    bad.add(longer);
    for (int length = 1; length < 20; length++) {
      bad.add(Arrays.copyOf(v4, length));
    }
    for (int length = 20; length < 40; length++) {
      bad.add(Arrays.copyOf(v6, length));
    }
    long before = status().peers().getFirst().receivedBytes();
    for (byte[] text : bad) {
      puppet.send(puppet.seal(text));
    }
    assertStillWorks(4);
    assertThat(status().drops()).isEqualTo(Map.of(TunnelDrop.BAD_INNER, (long) bad.size()));
    long bytes = bad.stream().mapToLong(text -> text.length + 32L).sum() + 232;
    assertThat(status().peers().getFirst().receivedBytes() - before).isEqualTo(bytes);
  }

  @Test
  void T8_a_wrong_index_or_key_is_silence() throws InterruptedException {
    byte[] wrongIndex = puppet.seal(V4.reversed().sized(64, 1).toByteArray());
    wrongIndex[4] ^= 1;
    byte[] wrongKey = puppet.seal(V4.reversed().sized(64, 1).toByteArray());
    wrongKey[20] ^= 1;
    puppet.send(wrongIndex);
    puppet.send(wrongKey);
    assertStillWorks(5);
    assertThat(status().drops())
        .isEqualTo(Map.of(TunnelDrop.UNKNOWN_INDEX, 1L, TunnelDrop.BAD_TAG, 1L));
  }

  @Test
  void T9_a_counter_beyond_the_last_is_refused() throws InterruptedException {
    byte[] text = V4.reversed().sized(64, 1).toByteArray();
    puppet.send(puppet.seal(text, Keypair.REJECT_AFTER_MESSAGES));
    puppet.send(puppet.seal(text, -1));
    assertStillWorks(6);
    assertThat(status().drops()).isEqualTo(Map.of(TunnelDrop.EXPIRED_KEY, 2L));
  }

  @Test
  void W3_each_message_is_delivered_once() throws InterruptedException {
    List<byte[]> messages = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      messages.add(puppet.seal(V4.reversed().sized(80, i).toByteArray()));
    }
    for (int round = 0; round < 3; round++) {
      for (byte[] message : messages) {
        puppet.send(message);
      }
    }
    for (int i = 0; i < 20; i++) {
      assertThat(user.next()).isEqualTo(V4.reversed().sized(80, i));
    }
    assertStillWorks(7);
    assertThat(status().drops()).isEqualTo(Map.of(TunnelDrop.REPLAY, 40L));
  }

  @Test
  void A2_a_packet_from_an_address_that_is_not_the_peers_is_dropped() throws InterruptedException {
    puppet.send(puppet.seal(IpFlow.of("10.9.0.3", "10.9.0.1").sized(64, 1).toByteArray()));
    puppet.send(puppet.seal(IpFlow.of("fd09::3", "fd09::1").sized(64, 1).toByteArray()));
    puppet.send(puppet.seal(IpFlow.of("10.9.0.1", "10.9.0.1").sized(64, 1).toByteArray()));
    assertStillWorks(8);
    assertThat(status().drops()).isEqualTo(Map.of(TunnelDrop.DISALLOWED_SOURCE, 3L));
  }

  @Test
  void E1_answers_go_where_the_last_authentic_message_came_from() throws InterruptedException {
    Outside.Bound other = network.at(TunnelPair.outside(9)).open(island, 7777, 0);
    try (Mailbox moved = new Mailbox(other.port())) {
      puppet.sendBy(moved, puppet.seal(V4.reversed().sized(64, 1).toByteArray()));
      user.next();
      user.send(V4.sized(77, 2));
      assertThat(moved.next().length()).isEqualTo(80 + 32);
      assertThat(status().peers().getFirst().endpoint().orElseThrow())
          .hasToString("192.0.2.9:7777");
    } finally {
      other.port().close();
    }
  }

  @Test
  void E2_what_is_not_authentic_or_came_before_moves_nobody() throws InterruptedException {
    byte[] replayed = puppet.seal(V4.reversed().sized(64, 1).toByteArray());
    puppet.send(replayed);
    user.next();
    byte[] forged = puppet.seal(V4.reversed().sized(64, 1).toByteArray());
    forged[30] ^= 1;
    byte[] cookie = new byte[64];
    cookie[0] = 3;
    Outside.Bound other = network.at(TunnelPair.outside(9)).open(island, 7777, 0);
    try (Mailbox moved = new Mailbox(other.port())) {
      puppet.sendBy(moved, replayed);
      puppet.sendBy(moved, forged);
      puppet.sendBy(moved, cookie);
      await().until(() -> drops(TunnelDrop.UNKNOWN_INDEX) + drops(TunnelDrop.BAD_COOKIE) == 1);
      assertThat(drops(TunnelDrop.REPLAY)).isEqualTo(1);
      assertThat(drops(TunnelDrop.BAD_TAG)).isEqualTo(1);
      assertThat(status().peers().getFirst().endpoint().orElseThrow())
          .hasToString("192.0.2.2:51820");
    } finally {
      other.port().close();
    }
  }

  @Test
  void E4_answers_leave_from_the_address_that_was_spoken_to() throws InterruptedException {
    Outside twoAddresses = network.at(TunnelPair.outside(11), TunnelPair.outside(12));
    MemoryPort ownInside = MemoryPort.pair("two", Layer.L3, QUEUE);
    try (WireGuardTunnel two = WireGuardTunnel.start(host, "two", ownInside, twoAddresses);
        Puppet client =
            new Puppet(
                network.at(TunnelPair.outside(20)).open(island, 0, 0).port(),
                2,
                TunnelPair.peer(1)
                    .withEndpoint(Endpoint.of(TunnelPair.outside(12), TunnelPair.PORT))
                    .withPersistentKeepalive(25))) {
      TunnelPair.join(two.change(TunnelPair.change(1).withPeers(List.of(TunnelPair.peer(2)))));
      TunnelPair.join(two.up());
      client.begin();
      // The responder's first message follows the first of the initiator's.
      client.send(client.seal(V4.reversed().sized(64, 1).toByteArray()));
      try (Mailbox at = new Mailbox(ownInside.peer())) {
        at.next();
        at.send(V4.sized(64, 2));
      }
      assertThat(client.nextPacket().from().address()).isEqualTo(TunnelPair.outside(12));
    }
  }

  @Test
  void X4_odd_packets_in_bursts_are_all_delivered() throws InterruptedException {
    Random random = new Random(SEED);
    List<Packet> sent = new ArrayList<>();
    for (int burst = 0; burst < 50; burst++) {
      List<byte[]> train = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        IpFlow flow = random.nextBoolean() ? V4.reversed() : V6.reversed();
        byte[] behind = new byte[128 - flow.headerBytes()];
        random.nextBytes(behind);
        behind[12] = (byte) (random.nextInt(16) << 4);
        Packet packet = flow.ip(random.nextBoolean() ? IpFlow.TCP : IpFlow.UDP, i, behind);
        sent.add(packet);
        train.add(puppet.seal(packet.toByteArray()));
      }
      puppet.sendTrain(160, train);
    }
    for (Packet packet : sent) {
      assertThat(user.next()).isEqualTo(packet);
    }
    assertThat(status().drops()).isEmpty();
  }

  @Test
  void a_message_is_as_long_as_its_padded_packet_and_32_bytes() throws InterruptedException {
    for (int length = 20; length <= 1500; length++) {
      Packet packet = V4.sized(length, length);
      user.send(packet);
      Puppet.Message message = puppet.nextPacket();
      assertThat(message.message()).hasSize(length + Padding.bytes(length, 1500) + 32);
      assertThat(message.text())
          .isEqualTo(Arrays.copyOf(packet.toByteArray(), message.text().length));
    }
  }

  /** A copy with these two bits, and a right checksum. */
  private static Packet withEcn(Packet packet, int ecn) {
    byte[] bytes = packet.toByteArray();
    if (bytes[0] >> 4 == 6) {
      bytes[1] = (byte) (ecn << 4);
    } else {
      bytes[1] = (byte) ecn;
      bytes[10] = 0;
      bytes[11] = 0;
      MemorySegment header = MemorySegment.ofArray(bytes);
      int checksum = InternetChecksum.checksum(InternetChecksum.sum(header, 0, 20));
      bytes[10] = (byte) (checksum >>> 8);
      bytes[11] = (byte) checksum;
    }
    return Packet.of(bytes);
  }

  @Test
  void congestion_outside_is_told_inside_and_not_the_other_way() throws InterruptedException {
    int[] outer = {0, 1, 2, 2};
    for (IpFlow flow : List.of(V4, V6)) {
      for (int ecn = 0; ecn < 4; ecn++) {
        user.send(withEcn(flow.sized(96, ecn), ecn));
        assertThat(puppet.nextPacket().ecn()).as("outer of %d", ecn).isEqualTo(outer[ecn]);
        for (int met = 0; met < 4; met++) {
          Packet sent = withEcn(flow.reversed().sized(96, ecn), ecn);
          puppet.send(puppet.seal(sent.toByteArray()), met);
          Packet expected = met == 3 && ecn != 0 ? withEcn(sent, 3) : sent;
          assertThat(user.next()).as("inner %d, outer %d", ecn, met).isEqualTo(expected);
        }
      }
    }
  }

  @Test
  void packets_from_inside_that_go_nowhere_are_counted() throws InterruptedException {
    user.send(IpFlow.of("10.9.0.1", "10.8.0.1").sized(64, 1));
    user.send(IpFlow.of("fd09::1", "fd08::1").sized(64, 1));
    for (int length = 1; length < 20; length++) {
      user.send(Packet.of(new byte[length]));
    }
    byte[] version5 = V4.sized(64, 1).toByteArray();
    version5[0] = 0x55;
    user.send(Packet.of(version5));
    user.send(V4.sized(64, 1));
    puppet.nextPacket();
    assertThat(status().drops())
        .isEqualTo(Map.of(TunnelDrop.NO_PEER, 2L, TunnelDrop.BAD_OUTGOING, 20L));
  }
}
