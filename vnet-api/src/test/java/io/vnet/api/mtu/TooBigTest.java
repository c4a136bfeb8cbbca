package io.vnet.api.mtu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.IpAddress;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets longer than the path takes: fragmented, or dropped and their senders told. */
class TooBigTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_900_000L);
  private static final int ROUNDS = 5_000;
  private static final int MTU = 1400;

  private final SlabPool slabs = new SlabPool(512 * 1024, 64);
  private final BatchPool pool = new BatchPool(slabs);
  private final List<PacketBatch> lent = new ArrayList<>();
  private final Map<DropReason, Long> drops = new EnumMap<>(DropReason.class);
  private final List<byte[]> messages = new ArrayList<>();
  private long now;

  @AfterEach
  void every_batch_goes_home() {
    returnAll();
    pool.close();
    assertThat(slabs.lent()).isZero();
    slabs.close();
  }

  private void returnAll() {
    lent.forEach(PacketBatch::release);
    lent.clear();
  }

  private PacketBatch empty() {
    PacketBatch batch = pool.acquire();
    lent.add(batch);
    batch.segment().fill((byte) 0xa5);
    return batch;
  }

  private PacketBatch batch(byte[]... packets) {
    PacketBatch batch = empty();
    for (byte[] packet : packets) {
      assertThat(batch.append(Packet.of(packet))).isTrue();
    }
    return batch;
  }

  private TooBig tooBig(TooBigRules rules) {
    return new TooBig(
        rules, () -> now, (reason, packets) -> drops.merge(reason, packets, Long::sum));
  }

  private TooBig tooBig() {
    return tooBig(TooBigRules.of(Layer.L3, MTU));
  }

  private static List<byte[]> packets(PacketBatch batch) {
    List<byte[]> packets = new ArrayList<>();
    for (int i = 0; i < batch.count(); i++) {
      packets.add(batch.packet(i).toByteArray());
    }
    return packets;
  }

  /** What goes on of a batch; messages are added to the list. */
  private List<byte[]> passed(TooBig tooBig, PacketBatch batch) {
    PacketBatch told = empty();
    try {
      if (tooBig.fits(batch) || tooBig.begin(batch, told)) {
        assertThat(tooBig.isDone()).isTrue();
        return packets(batch);
      }
      List<byte[]> out = new ArrayList<>();
      while (!tooBig.isDone()) {
        PacketBatch target = empty();
        assertThat(tooBig.write(target)).isEqualTo(target.count()).isPositive();
        out.addAll(packets(target));
      }
      return out;
    } finally {
      messages.addAll(packets(told));
    }
  }

  private static byte[] part(byte[] bytes, int from, int length) {
    return Arrays.copyOfRange(bytes, from, from + length);
  }

  @Test
  void what_fits_is_left_as_it_is() {
    byte[] exact4 = Made.ip(true).udp(MTU - 28).build();
    byte[] exact6 = Made.ip(false).udp(MTU - 48).build();
    PacketBatch batch = batch(exact4, exact6);

    assertThat(tooBig().fits(batch)).isTrue();

    assertThat(passed(tooBig(), batch)).containsExactly(exact4, exact6);
    assertThat(drops).isEmpty();
    assertThat(messages).isEmpty();
  }

  @Test
  void the_sender_of_an_ipv4_packet_that_must_not_be_fragmented_is_told_the_mtu() {
    byte[] small = Made.ip(true).udp(10).build();
    byte[] big = Made.ip(true).udp(MTU - 27).build();
    TooBig tooBig = tooBig();

    assertThat(passed(tooBig, batch(small, big, small))).containsExactly(small, small);

    assertThat(drops).isEqualTo(Map.of(DropReason.TOO_LONG, 1L));
    assertThat(tooBig.messages()).isEqualTo(1);
    assertThat(tooBig.untold()).isZero();
    byte[] message = messages.getFirst();
    assertThat(message).hasSize(576);
    // Version, precedence 6, 576 bytes, DF, 64 hops, ICMP; from the receiver to the sender.
    assertThat(part(message, 0, 10)).isEqualTo(Made.hex("45c00240 00004000 4001"));
    assertThat(part(message, 12, 8)).isEqualTo(Made.hex("c0000202 0a000001"));
    assertThat(Made.sum(part(message, 0, 20), 0, 0)).isEqualTo(0xFFFF);
    assertThat(part(message, 20, 2)).isEqualTo(Made.hex("0304"));
    assertThat(part(message, 24, 4)).isEqualTo(Made.hex("00000578"));
    assertThat(Made.sum(message, 20, 0)).isEqualTo(0xFFFF);
    assertThat(part(message, 28, 548)).isEqualTo(part(big, 0, 548));
  }

  @Test
  void the_sender_of_an_ipv6_packet_is_told_the_mtu() {
    byte[] big = Made.ip(false).tcp(Made.ACK, "", 1341).build();

    assertThat(passed(tooBig(), batch(big))).isEmpty();

    byte[] message = messages.getFirst();
    assertThat(message).hasSize(1280);
    assertThat(part(message, 0, 8)).isEqualTo(Made.hex("60000000 04d8 3a40"));
    assertThat(part(message, 8, 16)).isEqualTo(part(big, 24, 16));
    assertThat(part(message, 24, 16)).isEqualTo(part(big, 8, 16));
    assertThat(part(message, 40, 2)).isEqualTo(Made.hex("0200"));
    assertThat(part(message, 44, 4)).isEqualTo(Made.hex("00000578"));
    // Pseudo header: both addresses, length, next header 58.
    int pseudo = Made.sum(part(message, 8, 32), 0, 1240 + 58);
    assertThat(Made.sum(message, 40, pseudo)).isEqualTo(0xFFFF);
    assertThat(part(message, 48, 1232)).isEqualTo(part(big, 0, 1232));
  }

  @Test
  void a_router_speaks_in_its_own_name_and_in_that_of_groups_not_at_all() {
    TooBigRules rules =
        TooBigRules.of(Layer.L3, MTU)
            .withSource(IpAddress.parse("198.51.100.1"))
            .withSource(IpAddress.parse("2001:db8:1::1"));
    Made group = Made.ip(false).udp(2000);
    group.destination[0] = (byte) 0xFF;

    passed(tooBig(rules), batch(Made.ip(true).udp(2000).build(), group.build()));
    assertThat(part(messages.get(0), 12, 4)).isEqualTo(Made.hex("c6336401"));
    assertThat(part(messages.get(1), 8, 16))
        .isEqualTo(Made.hex("20010db8000100000000000000000001"));

    passed(tooBig(), batch(group.build()));
    assertThat(messages).hasSize(2);
  }

  @Test
  void a_frame_goes_back_to_where_it_came_from_with_its_tags() {
    Made made = Made.ip(false).udp(2000);
    made.frame = Made.VLAN6;
    Made four = Made.ip(true).udp(2000);
    four.frame = Made.ETHERNET4;

    assertThat(passed(tooBig(TooBigRules.of(Layer.L2, MTU)), batch(made.build(), four.build())))
        .isEmpty();

    assertThat(part(messages.get(0), 0, 22))
        .isEqualTo(Made.hex("020000000001 020000000002 88a80064 810000c8 86dd"));
    assertThat(part(messages.get(0), 22, 8)).isEqualTo(Made.hex("60000000 04d8 3a40"));
    assertThat(messages.get(0)).hasSize(1302);
    assertThat(part(messages.get(1), 0, 14)).isEqualTo(Made.hex("020000000001 020000000002 0800"));
    assertThat(messages.get(1)).hasSize(590);
  }

  @Test
  void a_frame_as_long_as_the_mtu_and_its_header_fits_and_padding_does_not_count() {
    Made exact = Made.ip(true).udp(MTU - 28);
    exact.frame = Made.ETHERNET4;
    byte[] padded = Arrays.copyOf(exact.build(), 3000);
    TooBig tooBig = tooBig(TooBigRules.of(Layer.L2, MTU));
    assertThat(tooBig.fits(batch(exact.build(), padded))).isTrue();
  }

  private void assertUntold(Made made, Consumer<byte[]> change) {
    byte[] packet = made.build();
    change.accept(packet);
    Layer layer = made.frame.length == 0 ? Layer.L3 : Layer.L2;
    TooBig tooBig = tooBig(TooBigRules.of(layer, MTU));
    drops.clear();
    assertThat(passed(tooBig, batch(packet))).isEmpty();
    assertThat(messages).isEmpty();
    assertThat(tooBig.untold()).isEqualTo(1);
    assertThat(drops).isEqualTo(Map.of(DropReason.TOO_LONG, 1L));
  }

  @ParameterizedTest
  @ValueSource(strings = {"7f000001", "e0000001", "ffffffff", "00000000", "00000001", "f0000001"})
  void nobody_is_told_about_addresses_that_are_no_host_s(String address) {
    Made from = Made.ip(true).udp(2000);
    from.source = Made.hex(address);
    assertUntold(from, _ -> {});
    Made to = Made.ip(true).udp(2000);
    to.destination = Made.hex(address);
    assertUntold(to, _ -> {});
  }

  @Test
  void nobody_is_told_in_ipv6_about_no_one_a_group_or_loopback_as_the_sender() {
    for (String source :
        List.of("00".repeat(16), "00".repeat(15) + "01", "ff02" + "00".repeat(13) + "01")) {
      Made made = Made.ip(false).udp(2000);
      made.source = Made.hex(source);
      assertUntold(made, _ -> {});
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 4, 5, 11, 12})
  void nobody_is_told_about_an_icmp_error(int type) {
    assertUntold(Made.ip(true).icmp(type, 2000), _ -> {});
  }

  @Test
  void an_echo_is_told_about() {
    passed(
        tooBig(),
        batch(Made.ip(true).icmp(8, 2000).build(), Made.ip(false).icmp(128, 2000).build()));
    assertThat(messages).hasSize(2);
  }

  @Test
  void nobody_is_told_about_an_icmpv6_error_or_redirect_also_behind_extensions() {
    for (int type : new int[] {1, 2, 3, 4, 127, 137}) {
      assertUntold(Made.ip(false).icmp(type, 2000), _ -> {});
      Made extended = Made.ip(false).icmp(type, 2000);
      extended.firstExtension = 0;
      extended.extensions =
          Made.hex(
              "3c00010400000000"
                  + "3301010c000000000000000000000000"
                  + "3a01000000000001"
                  + "00000000");
      assertUntold(extended, _ -> {});
    }
    Made echo = Made.ip(false).icmp(128, 2000);
    echo.firstExtension = 60;
    echo.extensions = Made.hex("3a00010400000000");
    passed(tooBig(), batch(echo.build()));
    assertThat(messages).hasSize(1);
  }

  @Test
  void of_fragments_the_first_alone_is_told_about_in_ipv4() {
    Made later = Made.ip(true).udp(2000);
    later.fragment = 0x4001;
    assertUntold(later, _ -> {});
    Made first = Made.ip(true).udp(2000);
    first.fragment = 0x6000;
    passed(tooBig(), batch(first.build()));
    assertThat(messages).hasSize(1);
  }

  @Test
  void nobody_is_told_about_a_frame_to_a_group() {
    Made made = Made.ip(true).udp(2000);
    made.frame = Made.ETHERNET4;
    assertUntold(made, packet -> packet[0] |= 1);
    assertUntold(made, packet -> packet[6] |= 1);
  }

  @Test
  void messages_are_limited_and_the_limit_recovers_with_time() {
    TooBig tooBig = tooBig(TooBigRules.of(Layer.L3, MTU).withLimit(10, 3));
    byte[] big = Made.ip(true).udp(2000).build();
    now = Long.MAX_VALUE - 5;
    passed(tooBig, batch(big, big, big, big, big));
    assertThat(messages).hasSize(3);
    now += 99_999_999;
    passed(tooBig, batch(big, big));
    assertThat(messages).hasSize(3);
    now += 1;
    passed(tooBig, batch(big, big));
    assertThat(messages).hasSize(4);
    now += 10_000_000_000L;
    passed(tooBig, batch(big, big, big, big, big));
    assertThat(messages).hasSize(7);
    assertThat(tooBig.messages()).isEqualTo(7);
    assertThat(tooBig.untold()).isEqualTo(7);
    assertThat(drops).isEqualTo(Map.of(DropReason.TOO_LONG, 14L));
  }

  @Test
  void messages_without_room_are_not_written() {
    PacketBatch told = empty();
    while (told.append(Packet.of(new byte[100]))) {
      assertThat(told.count()).isLessThanOrEqualTo(told.capacity());
    }
    TooBig tooBig = tooBig();
    assertThat(tooBig.begin(batch(Made.ip(true).udp(2000).build()), told)).isTrue();
    assertThat(tooBig.untold()).isEqualTo(1);
  }

  private PacketBatch superPacket(Made made, int gsoSize) {
    PacketBatch batch = batch(made.partial());
    int tcp = made.v4 ? Offload.TCPV4 : Offload.TCPV6;
    batch.setOffload(
        0,
        Offload.of(
            Offload.NEEDS_CSUM,
            made.protocol == Made.UDP ? Offload.UDP_L4 : tcp,
            gsoSize,
            made.transportStart(),
            made.checksumOffset()));
    return batch;
  }

  @Test
  void a_super_packet_is_judged_by_its_segments() {
    Made made = Made.ip(true).tcp(Made.ACK, "", 20_000);
    assertThat(tooBig().fits(superPacket(made, MTU - 40))).isTrue();
    PacketBatch tooLong = superPacket(made, MTU - 39);
    assertThat(tooBig().fits(tooLong)).isFalse();

    assertThat(passed(tooBig(), tooLong)).isEmpty();

    assertThat(drops).isEqualTo(Map.of(DropReason.TOO_LONG, 1L));
    assertThat(messages).hasSize(1);
    // Sender, receiver and sequence number, by which the sender finds its connection.
    assertThat(part(messages.getFirst(), 28 + 12, 16)).isEqualTo(part(made.build(), 12, 16));
    Made six = Made.ip(false).udp(20_000);
    assertThat(tooBig().fits(superPacket(six, MTU - 48))).isTrue();
    assertThat(tooBig().fits(superPacket(six, MTU - 47))).isFalse();
  }

  @Test
  void a_super_packet_whose_word_does_not_fit_is_left_to_others() {
    PacketBatch batch = batch(Made.ip(true).tcp(Made.ACK, "", 20_000).partial());
    batch.setOffload(0, Offload.of(Offload.NEEDS_CSUM, Offload.TCPV6, 9000, 20, 16));
    assertThat(tooBig().fits(batch)).isTrue();
  }

  @Test
  void ipv6_is_never_asked_for_less_than_its_least_mtu() {
    byte[] least = Made.ip(false).udp(1280 - 48).build();
    byte[] more = Made.ip(false).udp(1281 - 48).build();
    assertThat(passed(tooBig(TooBigRules.of(Layer.L3, 600)), batch(least, more)))
        .containsExactly(least);
    assertThat(part(messages.getFirst(), 44, 4)).isEqualTo(Made.hex("00000500"));
  }

  /** The payload that fragments make, in order; each fits and has a right header. */
  private static byte[] reassembled(List<byte[]> fragments, int headerBytes, int mtu) {
    byte[] all = new byte[0];
    for (int i = 0; i < fragments.size(); i++) {
      byte[] each = fragments.get(i);
      assertThat(each.length).isLessThanOrEqualTo(mtu);
      assertThat(Made.get16(each, 2)).isEqualTo(each.length);
      assertThat(Made.sum(part(each, 0, headerBytes), 0, 0)).isEqualTo(0xFFFF);
      int field = Made.get16(each, 6);
      assertThat((field & 0x1FFF) * 8).isEqualTo(all.length);
      assertThat((field & 0x2000) != 0).isEqualTo(i < fragments.size() - 1);
      int before = all.length;
      all = Arrays.copyOf(all, before + each.length - headerBytes);
      System.arraycopy(each, headerBytes, all, before, each.length - headerBytes);
    }
    return all;
  }

  @Test
  void ipv4_that_may_be_fragmented_is() {
    for (int payload : new int[] {1373, 2000, 2744 - 8, 2744 - 7, 65_507}) {
      Made made = Made.ip(true).udp(payload);
      made.fragment = 0;
      byte[] packet = made.build();
      byte[] small = Made.ip(true).udp(1).build();

      List<byte[]> out = passed(tooBig(), batch(small, packet, small));

      assertThat(out.getFirst()).isEqualTo(small);
      assertThat(out.getLast()).isEqualTo(small);
      List<byte[]> fragments = out.subList(1, out.size() - 1);
      assertThat(fragments).hasSize((payload + 8 - 1380 + 1375) / 1376 + 1);
      assertThat(reassembled(fragments, 20, MTU)).isEqualTo(part(packet, 20, packet.length - 20));
      assertThat(fragments).allMatch(each -> Made.get16(each, 4) == 0x1234);
      returnAll();
    }
    assertThat(drops).isEmpty();
    assertThat(messages).isEmpty();
  }

  @Test
  void a_fragment_is_cut_again_and_keeps_its_place() {
    Made made = Made.ip(true).udp(2000);
    made.fragment = 0x2000 | 100;
    List<byte[]> out = passed(tooBig(), batch(made.build()));
    assertThat(out).hasSize(2);
    assertThat(Made.get16(out.get(0), 6)).isEqualTo(0x2000 | 100);
    assertThat(Made.get16(out.get(1), 6)).isEqualTo(0x2000 | (100 + 1376 / 8));
  }

  @Test
  void options_that_are_not_copied_are_in_the_first_fragment_alone() {
    Made made = Made.ip(true).udp(2000);
    made.fragment = 0;
    // Record route (not copied), no-operation, router alert (copied), end.
    made.ipOptions = Made.hex("0707040000000001" + "94040000" + "00000000");
    List<byte[]> out = passed(tooBig(), batch(made.build()));
    assertThat(reassembled(out, 36, MTU)).isEqualTo(made.transport(made.build()));
    assertThat(part(out.get(0), 20, 16)).isEqualTo(made.ipOptions);
    assertThat(part(out.get(1), 20, 16))
        .isEqualTo(Made.hex("0101010101010101" + "94040000" + "00000000"));
  }

  @Test
  void options_that_cannot_be_read_are_copied_as_they_are() {
    for (String options : List.of("07000000", "07ff0000", "01010107")) {
      Made made = Made.ip(true).udp(2000);
      made.fragment = 0;
      made.ipOptions = Made.hex(options);
      List<byte[]> out = passed(tooBig(), batch(made.build()));
      assertThat(part(out.get(1), 20, 4)).isEqualTo(made.ipOptions);
    }
  }

  @Test
  void a_checksum_that_is_left_to_do_is_computed_before_the_packet_is_cut() {
    Made made = Made.ip(true).udp(2000);
    made.fragment = 0;
    PacketBatch batch = batch(made.partial());
    batch.setOffload(0, Offload.of(Offload.NEEDS_CSUM, Offload.NONE, 0, 20, 6));
    assertThat(reassembled(passed(tooBig(), batch), 20, MTU))
        .isEqualTo(made.transport(made.build()));

    PacketBatch beyond = batch(made.partial());
    beyond.setOffload(0, Offload.of(Offload.NEEDS_CSUM, Offload.NONE, 0, 9000, 6));
    assertThat(passed(tooBig(), beyond)).isEmpty();
    assertThat(drops).isEqualTo(Map.of(DropReason.MALFORMED, 1L));
  }

  @Test
  void a_super_packet_that_may_be_fragmented_is_split_and_then_cut() {
    Made made = Made.ip(true).udp(7000);
    made.fragment = 0;
    PacketBatch batch = superPacket(made, 3000);
    List<byte[]> out = passed(tooBig(), batch);
    // Twice 3008 bytes in three parts, and 1008 in one.
    assertThat(out).hasSize(7);
    byte[] joined = new byte[0];
    for (int[] range : new int[][] {{0, 3}, {3, 6}, {6, 7}}) {
      byte[] datagram = reassembled(out.subList(range[0], range[1]), 20, MTU);
      assertThat(Made.get16(datagram, 4)).isEqualTo(datagram.length);
      Made one = Made.ip(true).udp(datagram.length - 8);
      one.transport = datagram;
      byte[] whole = one.build();
      Made.put16(whole, 26, Made.get16(datagram, 6));
      assertThat(one.isRight(whole)).isTrue();
      joined = Arrays.copyOf(joined, joined.length + datagram.length - 8);
      System.arraycopy(
          datagram, 8, joined, joined.length - datagram.length + 8, datagram.length - 8);
    }
    assertThat(joined).isEqualTo(part(made.build(), 28, 7000));
  }

  @Test
  void writing_goes_on_where_it_stood_and_what_is_skipped_is_counted_in_fragments() {
    try (BatchPool small = new BatchPool(slabs, 2, 0, 0)) {
      Made datagram = Made.ip(true).udp(4000);
      datagram.fragment = 0;
      Made train = Made.ip(true).udp(7000);
      train.fragment = 0;
      byte[] single = Made.ip(true).udp(1).build();
      // 3 fragments, 1 packet, 7 fragments.
      for (int writes = 0; writes <= 6; writes++) {
        PacketBatch batch = batch(datagram.build(), single);
        assertThat(batch.append(superPacket(train, 3000), 0)).isTrue();
        TooBig tooBig = tooBig();
        assertThat(tooBig.begin(batch, empty())).isFalse();
        int written = 0;
        for (int i = 0; i < writes; i++) {
          PacketBatch target = small.acquire();
          written += tooBig.write(target);
          target.release();
        }
        int left = 0;
        while (!tooBig.isDone()) {
          left += tooBig.skip();
        }
        assertThat(written).isEqualTo(Math.min(11, 2 * writes));
        assertThat(left).as("after " + writes).isEqualTo(11 - written);
        assertThat(tooBig.skip()).isZero();
        returnAll();
      }
    }
  }

  @Test
  void a_packet_may_end_anywhere() {
    for (boolean l2 : new boolean[] {false, true}) {
      for (boolean v4 : new boolean[] {true, false}) {
        Made made = Made.ip(v4).tcp(Made.ACK, "", 1500);
        if (l2) {
          made.frame = v4 ? Made.ETHERNET4 : Made.VLAN6;
        }
        byte[] whole = made.build();
        TooBig tooBig = tooBig(TooBigRules.of(l2 ? Layer.L2 : Layer.L3, 68));
        for (int length = 1; length < whole.length; length++) {
          byte[] cut = Arrays.copyOf(whole, length);
          assertThat(passed(tooBig, batch(cut))).containsExactly(cut);
          returnAll();
        }
        assertThat(passed(tooBig, batch(whole))).isEmpty();
      }
    }
    assertThat(messages).hasSize(4);
  }

  /** Flipped bits, lying words: answers, and each packet is passed on, cut or counted. */
  @Test
  void damaged_packets_are_answered_and_accounted_for() {
    int told = 0;
    int cut = 0;
    for (long seed = SEED; seed < SEED + ROUNDS; seed++) {
      Random random = new Random(seed);
      String replay = "replay with -Dvnet.fuzz.seed=" + seed;
      boolean l2 = random.nextBoolean();
      int mtu = 68 + random.nextInt(1500);
      TooBig tooBig = tooBig(TooBigRules.of(l2 ? Layer.L2 : Layer.L3, mtu));
      PacketBatch batch = empty();
      for (int i = random.nextInt(6); i >= 0; i--) {
        boolean v4 = random.nextBoolean();
        Made made = Made.ip(v4);
        int payload = random.nextInt(3000);
        made =
            switch (random.nextInt(3)) {
              case 0 -> made.tcp(random.nextInt(64), "0101", payload);
              case 1 -> made.udp(payload);
              default -> made.icmp(random.nextInt(256), payload);
            };
        made.fragment = random.nextInt(3) == 0 ? 0x4000 : 0;
        made.frame = l2 ? (v4 ? Made.ETHERNET4 : Made.VLAN6) : new byte[0];
        byte[] packet = made.build();
        for (int flips = random.nextInt(4); flips > 0; flips--) {
          packet[random.nextInt(Math.min(80, packet.length))] ^= (byte) (1 << random.nextInt(8));
        }
        assertThat(batch.append(Packet.of(packet))).isTrue();
        if (random.nextInt(3) == 0) {
          batch.setOffload(
              batch.count() - 1,
              Offload.of(
                  random.nextInt(2),
                  random.nextInt(6),
                  random.nextInt(2000),
                  random.nextInt(100),
                  random.nextBoolean() ? 6 : 16));
        }
      }
      int before = batch.count();
      drops.clear();
      PacketBatch answers = empty();
      boolean asItIs = tooBig.fits(batch) || tooBig.begin(batch, answers);
      long dropped = drops.values().stream().mapToLong(Long::longValue).sum();
      assertThat(batch.count() + dropped).as(replay).isEqualTo(before);
      assertThat(tooBig.messages()).as(replay).isEqualTo(answers.count());
      assertThat(tooBig.messages() + tooBig.untold())
          .as(replay)
          .isEqualTo(drops.getOrDefault(DropReason.TOO_LONG, 0L));
      told += answers.count();
      if (!asItIs) {
        PacketBatch target = empty();
        int written = 0;
        while (!tooBig.isDone()) {
          target.clear();
          int now = tooBig.write(target);
          assertThat(now).as(replay).isEqualTo(target.count()).isPositive();
          assertThat(tooBig(TooBigRules.of(l2 ? Layer.L2 : Layer.L3, mtu)).fits(target))
              .as(replay)
              .isTrue();
          written += now;
        }
        assertThat(written).as(replay).isGreaterThan(batch.count());
        cut += written - batch.count();
      }
      returnAll();
    }
    assertThat(told).isGreaterThan(ROUNDS / 10);
    assertThat(cut).isGreaterThan(ROUNDS / 4);
  }

  @Test
  void impossible_rules_are_refused() {
    List<Runnable> wrong =
        List.of(
            () -> TooBigRules.of(Layer.L3, 67),
            () -> TooBigRules.of(Layer.L3, 65_536),
            () -> TooBigRules.of(Layer.L3, MTU).withLimit(0, 1),
            () -> TooBigRules.of(Layer.L3, MTU).withLimit(1, 0));
    assertThat(wrong)
        .allSatisfy(
            each -> assertThatThrownBy(each::run).isInstanceOf(IllegalArgumentException.class));
  }
}
