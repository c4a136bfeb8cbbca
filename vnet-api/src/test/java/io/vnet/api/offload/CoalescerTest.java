package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which packets become one, what that one looks like, and that nothing of a flow overtakes. */
class CoalescerTest {
  private static final int PAYLOAD = 100;
  private static final JoinRules RULES = JoinRules.of(Layer.L3).withUdp(true);
  static final List<String> KINDS = Vectors.NAMES;

  private final Batches batches = new Batches(512 * 1024, 256);

  @AfterEach
  void every_batch_goes_home() {
    batches.close();
  }

  private PacketBatch coalesce(JoinRules rules, PacketBatch source) {
    List<byte[]> before = Batches.packets(source);
    Coalescer coalescer = new Coalescer(rules);
    PacketBatch target = batches.empty();

    int items = coalescer.begin(source);
    assertThat(coalescer.write(target)).isEqualTo(items).isEqualTo(target.count());

    assertThat(coalescer.isDone()).isTrue();
    assertThat(Batches.packets(source)).containsExactlyElementsOf(before);
    Batches.assertNothingElseWritten(source);
    Batches.assertNothingElseWritten(target);
    return target;
  }

  /** How many packets each item is made of, in order. */
  private List<Integer> shape(JoinRules rules, List<byte[]> packets) {
    PacketBatch source = batches.of(packets);
    JoinPlan plan = new JoinPlan(rules);
    int items = plan.plan(source);
    List<Integer> shape = new ArrayList<>();
    PacketBatch target = coalesce(rules, source);
    for (int item = 0; item < items; item++) {
      int counted = 0;
      for (int i = plan.first(item); i != JoinPlan.NO_PACKET; i = plan.next(i)) {
        counted++;
      }
      assertThat(plan.segments(item)).isEqualTo(counted);
      assertThat(target.length(item)).isEqualTo(plan.length(item));
      assertThat(target.offload(item)).isEqualTo(plan.offload(item));
      if (counted == 1) {
        assertThat(target.packet(item)).isEqualTo(source.packet(plan.first(item)));
        assertThat(target.offload(item)).isZero();
      }
      shape.add(counted);
    }
    return shape;
  }

  private List<Integer> shape(Craft... packets) {
    return shape(RULES, builds(packets));
  }

  private static List<byte[]> builds(Craft... packets) {
    List<byte[]> builds = new ArrayList<>();
    for (Craft packet : packets) {
      builds.add(packet.build());
    }
    return builds;
  }

  /** A flow's packets, each behind the one before. */
  private static Craft[] flow(String kind, int count) {
    Craft[] flow = new Craft[count];
    Random random = new Random(count);
    for (int i = 0; i < count; i++) {
      byte[] payload = new byte[PAYLOAD];
      random.nextBytes(payload);
      flow[i] = i == 0 ? Craft.packet(kind) : flow[i - 1].following(payload);
      flow[i].payload = payload;
    }
    return flow;
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void known_segments_become_the_known_super_packet(String name) {
    PacketBatch target = coalesce(RULES, batches.of(Vectors.segments(name)));

    assertThat(Batches.packets(target)).containsExactly(Vectors.bytes(name + "_super"));
    byte[] header = Vectors.bytes(name + "_vnet");
    assertThat(target.offload(0)).isEqualTo(Offload.read(MemorySegment.ofArray(header), 0));
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void a_header_written_in_place_gathers_to_the_same_super_packet(String name) {
    PacketBatch source = batches.of(Vectors.segments(name));
    JoinPlan plan = new JoinPlan(RULES);
    assertThat(plan.plan(source)).isEqualTo(1);
    int header = plan.headerBytes(0);
    byte[] gathered = new byte[plan.length(0)];

    plan.writeHeader(0, source.segment(), source.offset(0));

    MemorySegment.copy(
        source.segment(), ValueLayout.JAVA_BYTE, source.offset(0), gathered, 0, header);
    int end = header;
    for (int i = plan.first(0); i != JoinPlan.NO_PACKET; i = plan.next(i)) {
      int bytes = source.length(i) - header;
      MemorySegment.copy(
          source.segment(), ValueLayout.JAVA_BYTE, source.offset(i) + header, gathered, end, bytes);
      end += bytes;
    }
    assertThat(gathered).isEqualTo(Vectors.bytes(name + "_super"));
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void a_flow_becomes_one_and_its_shorter_last_packet_closes_it(String kind) {
    Craft[] flow = flow(kind, 4);
    flow[2].payload = new byte[PAYLOAD - 1];
    flow[3] = flow[2].following(new byte[PAYLOAD]);

    assertThat(shape(flow)).containsExactly(3, 1);
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void a_packet_longer_than_the_first_begins_anew(String kind) {
    Craft[] flow = flow(kind, 3);
    flow[1].payload = new byte[PAYLOAD + 1];
    flow[2] = flow[1].following(new byte[PAYLOAD + 1]);

    assertThat(shape(flow)).containsExactly(1, 2);
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void flows_that_alternate_are_joined_each_in_its_order(String kind) {
    Craft[] flow = flow(kind, 3);
    List<Craft> mixed = new ArrayList<>();
    for (Craft each : flow) {
      Craft other = each.copy();
      other.sourcePort++;
      Craft back = each.copy();
      back.source = each.destination;
      back.destination = each.source;
      mixed.addAll(List.of(each, other, back));
    }

    assertThat(shape(mixed.toArray(new Craft[0]))).containsExactly(3, 3, 3);
  }

  @Test
  void push_closes_and_is_in_the_super_packet() {
    Craft[] flow = flow("tcp4", 5);
    flow[1].flags |= Craft.PSH;
    flow[4].flags |= Craft.PSH;
    PacketBatch target = coalesce(RULES, batches.of(builds(flow)));

    assertThat(shape(flow)).containsExactly(2, 3);
    assertThat(target.packet(0).unsignedByte(33)).isEqualTo(Craft.ACK | Craft.PSH);
    assertThat(target.packet(1).unsignedByte(33)).isEqualTo(Craft.ACK | Craft.PSH);
  }

  @Test
  void a_first_packet_with_push_takes_nobody() {
    Craft[] flow = flow("tcp6", 3);
    flow[0].flags |= Craft.PSH;

    assertThat(shape(flow)).containsExactly(1, 2);
  }

  /**
   * What is changed in the third packet of four; all behind it have the change, too, if it lasts.
   */
  record Change(String name, String kind, boolean lasts, Consumer<Craft> what) {
    @Override
    public String toString() {
      return kind + " " + name;
    }
  }

  /** Changed for good: the packets behind are joined with one another. */
  private static Change lasting(String kind, String name, Consumer<Craft> what) {
    return new Change(name, kind, true, what);
  }

  /** One odd packet, that stays alone and closes what is before it. */
  private static Change odd(String kind, String name, Consumer<Craft> what) {
    return new Change(name, kind, false, what);
  }

  static final List<Change> CHANGES =
      List.of(
          lasting("tcp4", "acknowledgment", each -> each.acknowledgment++),
          lasting("tcp4", "window", each -> each.window++),
          lasting("tcp4", "urgent pointer", each -> each.urgent++),
          lasting("tcp4", "options", each -> each.options = new byte[] {1, 1, 1, 1}),
          lasting("tcp4", "sequence gap", each -> each.sequence += 1),
          lasting("tcp4", "sequence again", each -> each.sequence -= PAYLOAD),
          lasting("tcp4", "TTL", each -> each.ttl--),
          lasting("tcp4", "TOS", each -> each.tos = 4),
          lasting("tcp4", "CE", each -> each.tos = 3),
          lasting("tcp4", "DF", each -> each.fragment = 0),
          lasting("tcp4", "reserved IP flag", each -> each.fragment |= 0x8000),
          lasting("tcp6", "acknowledgment", each -> each.acknowledgment--),
          lasting("tcp6", "hop limit", each -> each.ttl--),
          lasting("tcp6", "traffic class", each -> each.tos = 4),
          lasting("tcp6", "flow label", each -> each.flowLabel = 5),
          lasting("udp4", "TTL", each -> each.ttl--),
          lasting("udp4", "TOS", each -> each.tos = 1),
          lasting("udp4", "DF", each -> each.fragment = 0),
          lasting("udp6", "hop limit", each -> each.ttl++),
          lasting("udp6", "flow label", each -> each.flowLabel = 0xF_FFFF),
          odd("tcp4", "FIN", each -> each.flags |= Craft.FIN),
          odd("tcp4", "SYN", each -> each.flags |= Craft.SYN),
          odd("tcp4", "RST", each -> each.flags |= Craft.RST),
          odd("tcp4", "URG", each -> each.flags |= Craft.URG),
          odd("tcp4", "ECE", each -> each.flags |= Craft.ECE),
          odd("tcp4", "CWR", each -> each.flags |= Craft.CWR),
          odd("tcp4", "no ACK", each -> each.flags = 0),
          odd("tcp4", "reserved TCP bit", each -> each.reserved = 1),
          odd("tcp4", "IP options", each -> each.ipOptions = new byte[] {1, 1, 1, 1}),
          odd("tcp4", "first fragment", each -> each.fragment = 0x2000),
          odd("tcp4", "last fragment", each -> each.fragment = 9),
          odd("tcp6", "FIN", each -> each.flags |= Craft.FIN),
          odd("udp4", "IP options", each -> each.ipOptions = new byte[] {1, 1, 1, 1}),
          odd("udp4", "fragment", each -> each.fragment = 0x2001),
          odd("tcp6", "extension header", CoalescerTest::extend),
          odd("udp6", "extension header", CoalescerTest::extend));

  private static void extend(Craft packet) {
    packet.extension = new byte[8];
    packet.extension[0] = (byte) packet.protocol();
    packet.extensionType = 60;
  }

  @ParameterizedTest
  @FieldSource("CHANGES")
  void nothing_is_joined_beyond_a_change(Change change) {
    Craft[] flow = flow(change.kind(), 5);
    if (change.lasts()) {
      change.what().accept(flow[2]);
      flow[3] = flow[2].following(flow[3].payload);
      flow[4] = flow[3].following(flow[4].payload);
      assertThat(shape(flow)).containsExactly(2, 3);
    } else {
      change.what().accept(flow[2]);
      assertThat(shape(flow)).containsExactly(2, 1, 2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tcp4", "tcp6"})
  void options_of_the_same_length_have_to_be_the_same(String kind) {
    for (int bytes = 4; bytes <= 40; bytes += 4) {
      for (int changed = 0; changed < bytes; changed++) {
        Craft[] flow = flow(kind, 5);
        for (int i = 0; i < 5; i++) {
          flow[i].options = new byte[bytes];
          flow[i].options[changed] = (byte) (i < 2 ? 1 : 2);
        }
        assertThat(shape(flow)).as("byte %d of %d", changed, bytes).containsExactly(2, 3);
      }
      batches.returnAll();
    }
  }

  @Test
  void an_acknowledgment_alone_closes_its_flow_and_no_other() {
    Craft[] flow = flow("tcp4", 3);
    Craft[] other = flow("tcp4", 3);
    for (Craft each : other) {
      each.destinationPort++;
    }
    Craft pure = flow[0].following(new byte[0]);

    assertThat(shape(flow[0], other[0], pure, flow[1], flow[2], other[1], other[2]))
        .containsExactly(1, 3, 1, 2);
  }

  @Test
  void a_fragment_closes_all_flows_between_its_addresses_and_no_others() {
    Craft[] flow = flow("tcp4", 2);
    Craft[] other = flow("tcp4", 2);
    for (Craft each : other) {
      each.source[2] = 9;
    }
    Craft fragment = flow[0].copy();
    fragment.fragment = 5;
    fragment.sourcePort = 4711;

    assertThat(shape(flow[0], other[0], fragment, flow[1], other[1])).containsExactly(1, 2, 1, 1);
  }

  @Test
  void an_ipv6_packet_closes_no_ipv4_flow_whose_bytes_look_like_its_addresses() {
    Craft[] flow = flow("tcp4", 2);
    byte[] first = flow[0].build();
    Craft other = Craft.packet("tcp6");
    extend(other);
    other.source = Arrays.copyOfRange(first, 8, 24);
    other.destination = Arrays.copyOfRange(first, 24, 40);

    assertThat(shape(flow[0], other, flow[1])).containsExactly(2, 1);
  }

  @Test
  void a_packet_cut_or_padded_stays_alone_and_closes() {
    for (String kind : KINDS) {
      for (int change : new int[] {-1, 1}) {
        List<byte[]> packets = builds(flow(kind, 5));
        byte[] third = packets.get(2);
        packets.set(2, Arrays.copyOf(third, third.length + change));

        assertThat(shape(RULES, packets)).as(kind + change).containsExactly(2, 1, 2);
      }
    }
  }

  @ParameterizedTest
  @FieldSource("KINDS")
  void a_packet_with_one_wrong_bit_in_its_checksum_stays_alone_unchanged(String kind) {
    Craft[] flow = flow(kind, 5);
    for (int wrong = 0; wrong < 5; wrong++) {
      for (int bit = 0; bit < 16; bit++) {
        List<byte[]> packets = builds(flow);
        packets.get(wrong)[flow[0].checksumField() + bit / 8] ^= (byte) (1 << bit % 8);

        List<Integer> expected = new ArrayList<>(List.of(wrong, 1, 4 - wrong));
        expected.removeIf(count -> count == 0);
        assertThat(shape(RULES, packets)).as("bit " + bit).isEqualTo(expected);
      }
    }
  }

  @Test
  void a_packet_with_a_wrong_ipv4_header_checksum_stays_alone() {
    List<byte[]> packets = builds(flow("tcp4", 5));
    packets.get(2)[10] ^= 1;

    assertThat(shape(RULES, packets)).containsExactly(2, 1, 2);
  }

  @Test
  void a_damaged_payload_stays_alone() {
    for (String kind : KINDS) {
      List<byte[]> packets = builds(flow(kind, 5));
      packets.get(2)[packets.get(2).length - 1] ^= 1;

      assertThat(shape(RULES, packets)).as(kind).containsExactly(2, 1, 2);
    }
  }

  @Test
  void datagrams_without_a_checksum_stay_alone() {
    List<byte[]> packets = new ArrayList<>();
    for (Craft each : flow("udp4", 3)) {
      byte[] packet = each.build();
      Craft.put16(packet, each.checksumField(), 0);
      packets.add(packet);
    }

    assertThat(shape(RULES, packets)).containsExactly(1, 1, 1);
  }

  @Test
  void a_datagram_without_a_checksum_stays_alone_even_if_zero_is_right() {
    Craft[] flow = flow("udp4", 3);
    List<byte[]> packets = new ArrayList<>();
    for (Craft each : flow) {
      each.payload = new byte[2];
      Craft.put16(each.payload, 0, Craft.get16(each.build(), each.checksumField()));
      packets.add(each.build());
      assertThat(Craft.get16(packets.getLast(), each.checksumField())).isEqualTo(0xFFFF);
    }
    assertThat(shape(RULES, packets)).containsExactly(3);

    packets.forEach(packet -> Craft.put16(packet, flow[0].checksumField(), 0));
    assertThat(shape(RULES, packets)).containsExactly(1, 1, 1);
  }

  @Test
  void a_length_field_that_is_not_the_packet_s_keeps_it_alone() {
    for (String kind : KINDS) {
      for (int error : new int[] {-1, 1}) {
        Craft[] flow = flow(kind, 5);
        flow[2].ipLengthError = error;
        assertThat(shape(flow)).as("%s, %d", kind, error).containsExactly(2, 1, 2);

        flow[2].ipLengthError = 0;
        flow[2].udpLengthError = error;
        assertThat(shape(flow))
            .containsExactlyElementsOf(flow[2].udp ? List.of(2, 1, 2) : List.of(5));
      }
    }
  }

  @Test
  void udp_is_left_alone_unless_asked_for_and_closes_nothing_then() {
    JoinRules tcpOnly = JoinRules.of(Layer.L3);
    for (String version : List.of("4", "6")) {
      Craft[] udp = flow("udp" + version, 2);
      Craft[] tcp = flow("tcp" + version, 2);

      assertThat(shape(tcpOnly, builds(tcp[0], udp[0], tcp[1], udp[1]))).containsExactly(2, 1, 1);
    }
  }

  @Test
  void what_has_an_offload_word_is_passed_on_as_it_is_and_closes() {
    Craft[] flow = flow("tcp4", 3);
    PacketBatch source = batches.of(builds(flow));
    source.setOffload(1, Offload.of(1, Offload.TCPV4, 50, 20, 16));
    PacketBatch target = coalesce(RULES, source);

    assertThat(target.count()).isEqualTo(3);
    assertThat(target.offload(1)).isEqualTo(source.offload(1));
    assertThat(target.packet(1)).isEqualTo(source.packet(1));
  }

  @Test
  void sequence_numbers_and_ids_go_on_over_their_ends() {
    Craft first = Craft.packet("tcp4");
    first.payload = new byte[PAYLOAD];
    first.sequence = 0xFFFF_FFFFL - PAYLOAD;
    first.id = 0xFFFE;
    first.fragment = 0;
    Craft second = first.following(new byte[PAYLOAD]);
    Craft third = second.following(new byte[PAYLOAD]);
    assertThat(third.sequence).isEqualTo(PAYLOAD - 1);
    assertThat(third.id).isZero();

    assertThat(shape(first, second, third)).containsExactly(3);
  }

  @Test
  void ids_have_to_go_on_only_where_packets_may_be_fragmented() {
    Craft[] flow = flow("udp4", 3);
    flow[1].id = 5;
    flow[2].id = 5;
    assertThat(shape(flow)).containsExactly(3);
    for (Craft each : flow) {
      each.fragment = 0;
    }
    assertThat(shape(flow)).containsExactly(1, 1, 1);
  }

  @Test
  void a_super_packet_is_at_most_as_long_as_ip_allows() {
    Craft first = Craft.packet("tcp4");
    first.payload = new byte[21_831];
    Craft second = first.following(new byte[21_831]);
    Craft third = second.following(new byte[21_833]);
    assertThat(shape(first, second, third)).as("the third is too long").containsExactly(2, 1);

    third.payload = new byte[21_831];
    assertThat(shape(first, second, third)).containsExactly(3);

    Craft fourth = third.following(new byte[2]);
    assertThat(40 + 3 * 21_831 + 2).isEqualTo(65_535);
    PacketBatch longest = coalesce(RULES, batches.of(builds(first, second, third, fourth)));
    assertThat(longest.count()).isEqualTo(1);
    assertThat(longest.length(0)).isEqualTo(65_535);

    fourth.payload = new byte[3];
    assertThat(shape(first, second, third, fourth)).containsExactly(3, 1);
  }

  @Test
  void a_frame_is_as_long_as_its_ip_packet_allows() {
    Craft first = Craft.packet("tcp4");
    first.frame = TestWords.VLAN4;
    first.payload = new byte[32_748];
    Craft second = first.following(new byte[32_747]);
    PacketBatch longest = coalesce(JoinRules.of(Layer.L2), batches.of(builds(first, second)));

    assertThat(longest.count()).isEqualTo(1);
    assertThat(longest.length(0)).isEqualTo(18 + 65_535);

    second.payload = new byte[32_748];
    assertThat(shape(JoinRules.of(Layer.L2), builds(first, second))).containsExactly(1, 1);
  }

  @Test
  void the_rules_limit_bytes_and_segments() {
    Craft[] flow = flow("udp6", 7);

    assertThat(shape(new JoinRules(Layer.L3, true, 65_535, 3), builds(flow)))
        .containsExactly(3, 3, 1);
    assertThat(shape(new JoinRules(Layer.L3, true, 48 + 2 * PAYLOAD, 64), builds(flow)))
        .containsExactly(2, 2, 2, 1);
    assertThatIllegalArgumentException().isThrownBy(() -> new JoinRules(Layer.L3, true, 0, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> new JoinRules(Layer.L3, true, 65_536, 1));
    assertThatIllegalArgumentException().isThrownBy(() -> new JoinRules(Layer.L3, true, 1, 0));
  }

  @Test
  void payloads_of_one_byte_and_of_odd_length_are_joined() {
    for (String kind : KINDS) {
      for (int bytes : new int[] {1, 7}) {
        Craft first = Craft.packet(kind);
        first.payload = new byte[bytes];
        Craft second = first.following(new byte[bytes]);
        Craft third = second.following(new byte[bytes]);

        assertThat(shape(first, second, third)).as(kind + " " + bytes).containsExactly(3);
      }
    }
  }

  @Test
  void frames_join_only_with_the_same_ethernet_header() {
    JoinRules rules = JoinRules.of(Layer.L2).withUdp(true);
    for (String kind : KINDS) {
      for (boolean vlan : new boolean[] {false, true}) {
        Craft[] flow = flow(kind, 5);
        for (Craft each : flow) {
          each.frame = TestWords.frame(each.v4, vlan).clone();
        }
        assertThat(shape(rules, builds(flow))).containsExactly(5);
        PacketBatch target = coalesce(rules, batches.of(builds(flow)));
        assertThat(Offload.csumStart(target.offload(0))).isEqualTo(flow[0].transportStart());

        flow[2].frame = flow[2].frame.clone();
        flow[2].frame[vlan ? 15 : 11] ^= 1;
        assertThat(shape(rules, builds(flow))).as("%s, %s", kind, vlan).containsExactly(2, 1, 2);
      }
    }
  }

  @Test
  void other_packets_are_passed_on_and_close_nothing() {
    Craft[] flow = flow("tcp4", 2);
    byte[] icmp = flow[0].build();
    icmp[9] = 1;

    assertThat(shape(RULES, List.of(flow[0].build(), icmp, new byte[] {1}, flow[1].build())))
        .containsExactly(2, 1, 1);
  }

  @Test
  void writing_goes_on_in_the_next_target_when_one_is_full() {
    Batches small = new Batches(1024, 1);
    Craft[] flow = flow("tcp4", 6);
    flow[2].flags |= Craft.PSH;
    flow[3].flags |= Craft.FIN;
    PacketBatch source = batches.of(builds(flow));
    List<byte[]> expected = Batches.packets(coalesce(RULES, source));
    Coalescer coalescer = new Coalescer(RULES);
    List<byte[]> made = new ArrayList<>();

    assertThat(coalescer.begin(source)).isEqualTo(3);
    while (!coalescer.isDone()) {
      PacketBatch target = small.empty();
      assertThat(coalescer.write(target)).isEqualTo(1);
      assertThat(coalescer.write(target)).as("into a full batch").isZero();
      Batches.assertNothingElseWritten(target);
      made.addAll(Batches.packets(target));
    }

    assertThat(made).containsExactlyElementsOf(expected);
    small.close();
  }

  @Test
  void what_is_longer_than_a_slab_is_skipped_and_counted() {
    Batches small = new Batches(256, 4);
    Craft[] flow = flow("tcp4", 4);
    Craft lone = Craft.packet("udp4");
    PacketBatch source = batches.of(builds(flow[0], flow[1], flow[2], flow[3], lone));
    PacketBatch target = small.empty();
    Coalescer coalescer = new Coalescer(RULES);

    assertThat(coalescer.begin(source)).isEqualTo(2);
    assertThat(coalescer.write(target)).isZero();
    assertThat(coalescer.skip()).isEqualTo(4);
    assertThat(coalescer.write(target)).isEqualTo(1);

    assertThat(target.packet(0).toByteArray()).isEqualTo(lone.build());
    assertThat(coalescer.isDone()).isTrue();
    assertThat(coalescer.skip()).isZero();
    small.close();
  }

  @Test
  void a_plan_takes_batches_of_any_capacity_one_after_the_other() {
    Batches large = new Batches(1024 * 1024, 1000);
    Coalescer coalescer = new Coalescer(RULES);
    Craft[] flow = flow("tcp4", 64);

    assertThat(coalescer.begin(batches.of(builds(flow[0], flow[1])))).isEqualTo(1);
    assertThat(coalescer.begin(large.of(builds(flow)))).isEqualTo(1);
    assertThat(coalescer.begin(batches.empty())).isZero();
    assertThat(coalescer.isDone()).isTrue();
    assertThat(coalescer.begin(batches.of(builds(flow[5])))).isEqualTo(1);
    large.close();
  }

  @Test
  void a_plan_forgets_the_batch_before() {
    JoinPlan plan = new JoinPlan(RULES);
    Craft[] tcp = flow("tcp4", 3);
    tcp[2].flags |= Craft.PSH;
    Craft[] udp = flow("udp4", 3);

    assertThat(plan.plan(batches.of(builds(tcp)))).isEqualTo(1);
    assertThat(plan.plan(batches.of(builds(udp)))).isEqualTo(1);
    List<byte[]> damaged = builds(tcp);
    damaged.get(0)[50] ^= 1;
    assertThat(plan.plan(batches.of(damaged))).as("a wrong checksum first").isEqualTo(2);
    assertThat(plan.segments(0)).isEqualTo(1);
  }

  @Test
  void many_flows_are_told_apart() {
    List<Craft> packets = new ArrayList<>();
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < 100; i++) {
        Craft[] flow = flow(KINDS.get(i % 4), 2);
        flow[round].sourcePort = 1024 + i / 8;
        flow[round].source[1] = (byte) (i / 4 % 2);
        packets.add(flow[round]);
      }
    }

    assertThat(shape(packets.toArray(new Craft[0]))).hasSize(100).containsOnly(2);
  }

  @Test
  void flows_made_to_collide_are_passed_on_alone() {
    List<Craft> packets = new ArrayList<>();
    for (int ports = 1; packets.size() < 24; ports++) {
      Craft craft = Craft.packet("tcp4");
      long spread = 0x9E37_79B9_7F4A_7C15L;
      long addresses = 0x0A00_0001_0A00_0002L;
      if (((((ports * spread + addresses) * spread) >>> 40) & 1023) == 7) {
        craft.sourcePort = ports >>> 16;
        craft.destinationPort = ports & 0xFFFF;
        craft.payload = new byte[PAYLOAD];
        packets.add(craft);
      }
    }
    for (int i = 0; i < 24; i++) {
      packets.add(packets.get(i).following(new byte[PAYLOAD]));
    }

    List<Integer> shape = shape(packets.toArray(new Craft[0]));

    assertThat(shape.subList(0, 24))
        .containsExactlyElementsOf(IntStream.range(0, 24).mapToObj(i -> i < 8 ? 2 : 1).toList());
    assertThat(shape).hasSize(40);
  }

  @Test
  void a_tcp_header_that_says_it_is_too_short_or_too_long_stays_alone() {
    for (int words : new int[] {4, 15}) {
      Craft[] flow = flow("tcp4", 3);
      for (int i = 0; i < 3; i++) {
        flow[i].dataOffset = words;
        flow[i].payload = new byte[30];
        flow[i].sequence = 1000L + i * (50L - 4L * words);
      }
      assertThat(shape(flow)).containsExactly(1, 1, 1);
    }
  }

  @Test
  void a_lone_packet_has_no_header_to_write() {
    PacketBatch source = batches.of(List.of(Craft.packet("tcp4").build()));
    JoinPlan plan = new JoinPlan(RULES);

    assertThat(plan.plan(source)).isEqualTo(1);

    assertThatIllegalArgumentException()
        .isThrownBy(() -> plan.writeHeader(0, source.segment(), source.offset(0)))
        .withMessageContaining("item 0");
  }
}
