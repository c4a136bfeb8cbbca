package io.vnet.api.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** A packet is a value: a copy that nobody can change. */
class PacketTest {
  private static final byte[] BYTES = {0x45, 0, (byte) 0xff, 4};

  @Test
  void a_packet_copies_the_bytes_in_and_out() {
    byte[] given = BYTES.clone();
    Packet packet = Packet.of(given);

    given[0] = 0;
    packet.toByteArray()[1] = 9;

    assertThat(packet.toByteArray()).isEqualTo(BYTES);
    assertThat(packet.length()).isEqualTo(4);
    assertThat(packet.unsignedByte(2)).isEqualTo(255);
  }

  @Test
  void a_part_of_a_segment_is_copied() {
    Packet packet;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(10);
      MemorySegment.copy(BYTES, 0, segment, ValueLayout.JAVA_BYTE, 3, 4);
      packet = Packet.of(segment, 3, 4);
      segment.fill((byte) 0);
    }

    assertThat(packet).isEqualTo(Packet.of(BYTES));
  }

  @Test
  void a_part_outside_the_segment_is_refused() {
    MemorySegment segment = MemorySegment.ofArray(new byte[10]);

    assertThatThrownBy(() -> Packet.of(segment, 7, 4))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> Packet.of(segment, -1, 4))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void the_segment_is_read_only() {
    MemorySegment segment = Packet.of(BYTES).segment();

    assertThat(segment.isReadOnly()).isTrue();
    assertThat(segment.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(BYTES);
    assertThatThrownBy(() -> segment.set(ValueLayout.JAVA_BYTE, 0, (byte) 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void a_packet_without_bytes_is_refused() {
    assertThatIllegalArgumentException().isThrownBy(() -> Packet.of(new byte[0]));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Packet.of(MemorySegment.ofArray(BYTES), 0, 0));
  }

  @Test
  void equal_bytes_are_equal_packets() {
    assertThat(Packet.of(BYTES))
        .isEqualTo(Packet.of(BYTES))
        .hasSameHashCodeAs(Packet.of(BYTES))
        .isNotEqualTo(Packet.of(new byte[] {0x45, 0, (byte) 0xff, 5}))
        .isNotEqualTo(Packet.of(new byte[] {0x45, 0, (byte) 0xff}));
    assertThat(Packet.of(BYTES).equals((Object) "4500ff04")).isFalse();
  }

  @Test
  void the_text_shows_the_length_and_the_first_32_bytes() {
    assertThat(Packet.of(BYTES)).hasToString("4 bytes: 4500ff04");
    assertThat(Packet.of(new byte[32])).hasToString("32 bytes: " + "00".repeat(32));
    assertThat(Packet.of(new byte[33])).hasToString("33 bytes: " + "00".repeat(32) + "…");
  }
}
