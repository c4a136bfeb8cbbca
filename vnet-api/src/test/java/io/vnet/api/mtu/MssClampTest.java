package io.vnet.api.mtu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.offload.ChecksumCompletion;
import io.vnet.api.offload.Offload;
import io.vnet.api.offload.OffloadStatus;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The MSS of connections that begin: lowered where it has to be, all else as it was. */
class MssClampTest {
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_800_000L);
  private static final int ROUNDS = 20_000;
  private static final int MTU = 1420;
  private static final String MSS_1460 = "020405b4";

  private final MssClamp clamp = new MssClamp(Layer.L3, MTU);
  private final MssClamp frames = new MssClamp(Layer.L2, MTU);

  /** Clamps in a segment of just the packet's size: a byte beyond it is an exception. */
  private static byte[] clamped(MssClamp with, byte[] packet, long word, boolean changed) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(packet.length + 1L).asSlice(1);
      MemorySegment.copy(packet, 0, memory, ValueLayout.JAVA_BYTE, 0, packet.length);
      assertThat(with.clamp(memory, 0, packet.length, word)).isEqualTo(changed);
      return memory.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private void assertLowered(MssClamp with, Made made, int optionAt, int expected) {
    byte[] before = made.build();
    assertThat(made.isRight(before)).isTrue();
    byte[] after = clamped(with, before, 0, true);
    int field = made.transportStart() + optionAt + 2;
    assertThat(Made.get16(after, field)).isEqualTo(expected);
    assertThat(made.isRight(after)).isTrue();
    Made.put16(after, field, Made.get16(before, field));
    Made.put16(after, made.checksumField(), Made.get16(before, made.checksumField()));
    assertThat(after).as("all else").isEqualTo(before);
  }

  private void assertLeftAlone(Made made) {
    byte[] before = made.build();
    assertThat(clamped(clamp, before, 0, false)).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({"true, 2, 1380", "true, 18, 1380", "false, 2, 1360", "false, 18, 1360"})
  void a_syn_and_a_syn_ack_are_lowered_to_what_fits(boolean v4, int flags, int expected) {
    assertLowered(
        clamp, Made.ip(v4).tcp(flags, MSS_1460 + "0402080a0000000100000000", 0), 20, expected);
  }

  @Test
  void known_bytes_become_known_bytes() {
    byte[] syn =
        Made.hex(
            "45000030000040004006"
                + "6ec5"
                + "0a000001c0000202"
                + "9c4001bb0102030400000000"
                + "7002faf0"
                + "1a2a"
                + "0000"
                + "020405b40101"
                + "0402");
    byte[] expected =
        Made.hex(
            "45000030000040004006"
                + "6ec5"
                + "0a000001c0000202"
                + "9c4001bb0102030400000000"
                + "7002faf0"
                + "1a7a"
                + "0000"
                + "020405640101"
                + "0402");
    assertThat(clamped(clamp, syn, 0, true)).isEqualTo(expected);
  }

  @Test
  void an_option_at_an_odd_offset_is_summed_the_other_way_round() {
    for (boolean v4 : new boolean[] {true, false}) {
      assertLowered(
          clamp, Made.ip(v4).tcp(Made.SYN, "01" + MSS_1460 + "010101", 3), 21, v4 ? 1380 : 1360);
    }
  }

  @Test
  void every_value_beyond_the_limit_at_either_parity_keeps_the_checksum_right() {
    for (int mss = 1381; mss <= 65_535; mss += 61) {
      String option = "0204%04x".formatted(mss);
      assertLowered(clamp, Made.ip(true).tcp(Made.SYN, option, 0), 20, 1380);
      assertLowered(clamp, Made.ip(true).tcp(Made.SYN, "01" + option + "010101", 0), 21, 1380);
    }
  }

  @Test
  void all_of_several_options_are_lowered() {
    Made made = Made.ip(true).tcp(Made.SYN, MSS_1460 + "02041000", 0);
    byte[] after = clamped(clamp, made.build(), 0, true);
    assertThat(Made.get16(after, 42)).isEqualTo(1380);
    assertThat(Made.get16(after, 46)).isEqualTo(1380);
    assertThat(made.isRight(after)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "02040564", // 1380 itself
        "02040218", // lower
        "", // none
        "0402", // length beyond the header (padded below)
        "0203050000000000", // another length
        "00000000020405b4", // behind the end
        "0400020405b40101", // behind an option without a length
        "0828020405b40101" // within an option that is longer than the header
      })
  void what_needs_no_lowering_or_cannot_be_read_is_left(String options) {
    String padded = options + "00".repeat((8 - options.length() % 8) % 8 / 2);
    assertLeftAlone(Made.ip(true).tcp(Made.SYN, padded, 0));
    if (!options.startsWith("0204")) {
      assertLeftAlone(Made.ip(false).tcp(Made.SYN, padded, 0));
    }
  }

  @Test
  void what_is_no_beginning_of_a_connection_is_left() {
    assertLeftAlone(Made.ip(true).tcp(Made.ACK, MSS_1460, 0));
    assertLeftAlone(Made.ip(true).tcp(Made.SYN | 4, MSS_1460, 0));
    assertLeftAlone(Made.ip(true).udp(100));
    assertLeftAlone(Made.ip(false).icmp(128, 100));
  }

  @Test
  void extension_headers_are_followed() {
    Made made = Made.ip(false).tcp(Made.SYN, MSS_1460, 0);
    made.firstExtension = 0;
    made.extensions = Made.hex("3c00010400000000" + "0601010c000000000000000000000000");
    assertLowered(clamp, made, 20, 1360);
  }

  @Test
  void what_an_authentication_header_covers_is_left() {
    Made made = Made.ip(false).tcp(Made.SYN, MSS_1460, 0);
    made.firstExtension = 51;
    made.extensions = Made.hex("060400000000000100000001" + "00".repeat(12));
    assertLeftAlone(made);
  }

  @Test
  void the_first_fragment_is_clamped_and_no_other() {
    Made first = Made.ip(true).tcp(Made.SYN, MSS_1460, 100);
    first.fragment = 0x2000;
    assertLowered(clamp, first, 20, 1380);
    first.fragment = 0x2001;
    assertLeftAlone(first);
    Made six = Made.ip(false).tcp(Made.SYN, MSS_1460, 100);
    six.firstExtension = 44;
    six.extensions = Made.hex("0600000100000007");
    assertLowered(clamp, six, 20, 1360);
    six.extensions = Made.hex("0600000900000007");
    assertLeftAlone(six);
  }

  @Test
  void frames_are_clamped_behind_their_tags() {
    Made plain = Made.ip(true).tcp(Made.SYN, MSS_1460, 0);
    plain.frame = Made.ETHERNET4;
    assertLowered(frames, plain, 20, 1380);
    Made tagged = Made.ip(false).tcp(Made.SYN, MSS_1460, 0);
    tagged.frame = Made.VLAN6;
    assertLowered(frames, tagged, 20, 1360);
    byte[] arp = new byte[60];
    arp[12] = 8;
    arp[13] = 6;
    assertThat(clamped(frames, arp, 0, false)).isEqualTo(arp);
  }

  @Test
  void a_checksum_that_is_left_to_do_is_not_touched_and_comes_out_right() {
    for (boolean v4 : new boolean[] {true, false}) {
      Made made = Made.ip(v4).tcp(Made.SYN, MSS_1460, 0);
      long word =
          Offload.of(
              Offload.NEEDS_CSUM, Offload.NONE, 0, made.transportStart(), made.checksumOffset());
      byte[] after = clamped(clamp, made.partial(), word, true);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, after);
        assertThat(ChecksumCompletion.complete(memory, 0, after.length, word))
            .isEqualTo(OffloadStatus.OK);
        assertThat(made.isRight(memory.toArray(ValueLayout.JAVA_BYTE))).isTrue();
      }
    }
  }

  @Test
  void a_wrong_checksum_stays_wrong() {
    Made made = Made.ip(true).tcp(Made.SYN, MSS_1460, 0);
    byte[] wrong = made.build();
    wrong[made.checksumField()] ^= 1;
    byte[] after = clamped(clamp, wrong, 0, true);
    assertThat(made.isRight(after)).isFalse();
    after[made.checksumField()] ^= 1;
    assertThat(made.isRight(after)).isTrue();
  }

  @Test
  void a_batch_says_how_many_were_changed() {
    try (SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 1);
        BatchPool pool = new BatchPool(slabs)) {
      PacketBatch batch = pool.acquire();
      for (String options : List.of(MSS_1460, "02040200", MSS_1460)) {
        assertThat(batch.append(Packet.of(Made.ip(true).tcp(Made.SYN, options, 0).build())))
            .isTrue();
      }
      assertThat(clamp.clamp(batch)).isEqualTo(2);
      assertThat(clamp.clamp(batch)).isZero();
      batch.release();
    }
  }

  @Test
  void a_packet_may_end_anywhere() {
    for (Made made : subjects()) {
      byte[] whole = made.build();
      for (int length = 1; length <= whole.length; length++) {
        byte[] cut = Arrays.copyOf(whole, length);
        assertThat(clamped(made.frame.length == 0 ? clamp : frames, cut, 0, length == whole.length))
            .hasSize(length);
      }
    }
  }

  private static List<Made> subjects() {
    List<Made> subjects = new ArrayList<>();
    for (boolean v4 : new boolean[] {true, false}) {
      Made plain = Made.ip(v4).tcp(Made.SYN, "0101" + MSS_1460 + "0402", 0);
      subjects.add(plain);
      Made framed = Made.ip(v4).tcp(Made.SYN, MSS_1460, 0);
      framed.frame = v4 ? Made.ETHERNET4 : Made.VLAN6;
      subjects.add(framed);
    }
    Made extended = Made.ip(false).tcp(Made.SYN, MSS_1460, 0);
    extended.extensions = Made.hex("0600010400000000");
    subjects.add(extended);
    return subjects;
  }

  /** Flipped bits: an answer, bytes changed only in MSS fields and checksum, the sum as it was. */
  @Test
  void damaged_packets_are_answered_and_the_sum_never_changes() {
    int changed = 0;
    for (long seed = SEED; seed < SEED + ROUNDS; seed++) {
      String replay = "replay with -Dvnet.fuzz.seed=" + seed;
      Random random = new Random(seed);
      Made made = subjects().get(random.nextInt(5));
      byte[] before = made.build();
      for (int flips = random.nextInt(6); flips > 0; flips--) {
        before[random.nextInt(before.length)] ^= (byte) (1 << random.nextInt(8));
      }
      MssClamp with = made.frame.length == 0 ? clamp : frames;
      byte[] after = new byte[before.length];
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_BYTE, before);
        boolean lowered = with.clamp(memory, 0, before.length, 0);
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, after, 0, after.length);
        assertThat(lowered).as(replay).isEqualTo(!Arrays.equals(before, after));
        changed += lowered ? 1 : 0;
      }
      // The same sum over everything, whatever the headers say now: 0 and 0xFFFF are both zero.
      assertThat(Made.sum(after, 0, 0) % 0xFFFF)
          .as(replay)
          .isEqualTo(Made.sum(before, 0, 0) % 0xFFFF);
    }
    assertThat(changed).isGreaterThan(ROUNDS / 4);
  }

  @Test
  void impossible_mtus_are_refused() {
    for (int mtu : new int[] {67, 65_536}) {
      assertThatThrownBy(() -> new MssClamp(Layer.L3, mtu))
          .isInstanceOf(IllegalArgumentException.class);
    }
    Made made = Made.ip(false).tcp(Made.SYN, MSS_1460, 0);
    assertThat(Made.get16(clamped(new MssClamp(Layer.L3, 68), made.build(), 0, true), 62))
        .isEqualTo(8);
  }
}
