package io.vnet.api.packet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.Endpoint;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where packets lie in a batch, what it refuses, and that its slab goes home. */
class PacketBatchTest {
  private static final int SLAB_BYTES = 1024;
  private static final int CAPACITY = 4;
  private static final int HEAD_ROOM = 64;
  private static final int TAIL_ROOM = 32;
  private static final byte DIRT = (byte) 0xa5;
  private static final long SEED = 0x626174;

  private final SlabPool slabs = new SlabPool(SLAB_BYTES, 8);
  private final List<BatchPool> pools = new ArrayList<>();
  private final PacketBatch batch = batch(CAPACITY, HEAD_ROOM, TAIL_ROOM);
  private boolean released;

  @AfterEach
  void every_slab_has_gone_home() {
    if (!released) {
      batch.release();
    }
    pools.forEach(BatchPool::close);
    assertThat(pools).allSatisfy(pool -> assertThat(pool.lent()).isZero());
    assertThat(slabs.lent()).isZero();
    slabs.close();
    assertThat(slabs.mappedBytes()).isZero();
  }

  /** A batch over a dirty slab. */
  private PacketBatch batch(int capacity, int headRoom, int tailRoom) {
    BatchPool pool = new BatchPool(slabs, capacity, headRoom, tailRoom);
    pools.add(pool);
    PacketBatch fresh = pool.acquire();
    fresh.segment().fill(DIRT);
    return fresh;
  }

  private static Packet packet(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return Packet.of(bytes);
  }

  private List<Packet> packets() {
    List<Packet> packets = new ArrayList<>();
    for (int i = 0; i < batch.count(); i++) {
      packets.add(batch.packet(i));
    }
    return packets;
  }

  @Test
  void the_offload_word_of_one_packet_is_changed() {
    batch.append(packet(10, 1));
    batch.append(packet(20, 2));

    batch.setOffload(1, 0x0006_0014_0000_0001L);

    assertThat(batch.offload(0)).isZero();
    assertThat(batch.offload(1)).isEqualTo(0x0006_0014_0000_0001L);
    assertThatThrownBy(() -> batch.setOffload(2, 1)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void an_endpoint_stays_with_its_packet_and_with_the_packet_alone() {
    Endpoint here = Endpoint.parse("192.0.2.1:1");
    Endpoint there = Endpoint.parse("[2001:db8::1]:2");
    for (int i = 0; i < 3; i++) {
      batch.append(packet(10, i));
    }
    assertThat(batch.endpoint(0)).isNull();
    batch.setEndpoint(0, here);
    batch.setEndpoint(2, there);

    batch.keepIf(i -> i != 0);
    assertThat(batch.endpoint(0)).isNull();
    assertThat(batch.endpoint(1)).isSameAs(there);

    // The place that the last packet had is empty again.
    batch.append(packet(10, 3));
    assertThat(batch.endpoint(2)).isNull();
    PacketBatch other = batch(CAPACITY, 0, 0);
    assertThat(other.append(batch, 1)).isTrue();
    assertThat(other.append(batch, 2)).isTrue();
    assertThat(other.endpoint(0)).isSameAs(there);
    assertThat(other.endpoint(1)).isNull();
    other.release();

    batch.setEndpoint(1, null);
    assertThat(batch.endpoint(1)).isNull();
    assertThatThrownBy(() -> batch.setEndpoint(3, here))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void no_endpoint_outlives_its_packets() {
    Endpoint here = Endpoint.parse("192.0.2.1:1");
    for (int i = 0; i < CAPACITY; i++) {
      batch.append(packet(10, i));
      batch.setEndpoint(i, here);
    }
    batch.clear();
    for (int i = 0; i < CAPACITY; i++) {
      batch.append(packet(10, i));
      assertThat(batch.endpoint(i)).isNull();
    }
  }

  @Test
  void several_rooms_lie_apart_as_packets_do_and_are_taken_in_order() {
    assertThat(batch.room(100, 0)).isEqualTo(batch.room(100));
    int first = batch.room(100, 0);
    int second = batch.room(100, 1);
    int third = batch.room(100, 2);
    assertThat(second - first)
        .isEqualTo(third - second)
        .isGreaterThanOrEqualTo(100 + TAIL_ROOM + HEAD_ROOM);
    // The slab ends before the place does, and the place before the slab.
    assertThat(batch.room(400, 1)).isNotNegative();
    assertThat(batch.room(400, 2)).isNegative();
    assertThat(batch.room(1, CAPACITY - 1)).isNotNegative();
    assertThat(batch.room(1, CAPACITY)).isNegative();

    batch.commitAt(second, 100, 7);
    assertThat(batch.offset(0)).isEqualTo(second);
    assertThat(batch.offload(0)).isEqualTo(7);
    assertThat(batch.room(100)).isEqualTo(third);
    assertThatIllegalStateException().isThrownBy(() -> batch.commitAt(first, 10, 0));
    batch.commitAt(third, 50, 0);
    assertThat(batch.count()).isEqualTo(2);
    assertThatIllegalStateException()
        .isThrownBy(() -> batch.commitAt(SLAB_BYTES - TAIL_ROOM, 1, 0));
  }

  @Test
  void a_new_batch_is_empty() {
    assertThat(batch.isEmpty()).isTrue();
    assertThat(batch.count()).isZero();
    assertThat(batch.bytes()).isZero();
    assertThat(batch.capacity()).isEqualTo(CAPACITY);
    assertThat(batch.segment().byteSize()).isEqualTo(SLAB_BYTES);
    assertThat(batch).hasToString("0 packets, 0 bytes");
    assertThatThrownBy(() -> batch.packet(0)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void what_is_written_at_room_and_committed_is_a_packet() {
    int at = batch.room(100);
    MemorySegment.copy(
        packet(60, 7).segment(), 0, batch.segment(), at, 60); // Shorter than asked for.
    batch.commit(60, 0x1234L);

    assertThat(batch.count()).isEqualTo(1);
    assertThat(batch.offset(0)).isEqualTo(at);
    assertThat(batch.length(0)).isEqualTo(60);
    assertThat(batch.offload(0)).isEqualTo(0x1234L);
    assertThat(batch.packet(0)).isEqualTo(packet(60, 7));
    assertThat(batch).hasToString("1 packets, 60 bytes");
  }

  @Test
  void asking_for_room_takes_nothing() {
    assertThat(batch.room(10)).isEqualTo(batch.room(500)).isEqualTo(batch.room(10));
    assertThat(batch.isEmpty()).isTrue();
  }

  @Test
  void packets_are_aligned_with_free_room_before_and_behind_each() {
    int end = 0;
    for (int length : new int[] {1, 63, 64, 65}) {
      assertThat(batch.append(packet(length, length))).isTrue();
      int at = batch.offset(batch.count() - 1);
      assertThat(at % 64).isZero();
      assertThat(at - HEAD_ROOM).isGreaterThanOrEqualTo(end);
      end = at + length + TAIL_ROOM;
      assertThat(end).isLessThanOrEqualTo(SLAB_BYTES);
    }
    assertThat(batch.bytes()).isEqualTo(1 + 63 + 64 + 65);
  }

  @Test
  void appending_writes_the_packets_bytes_and_nothing_beside_them() {
    batch.append(packet(33, 1));
    batch.append(packet(70, 2));

    byte[] expected = new byte[SLAB_BYTES];
    Arrays.fill(expected, DIRT);
    Arrays.fill(expected, batch.offset(0), batch.offset(0) + 33, (byte) 1);
    Arrays.fill(expected, batch.offset(1), batch.offset(1) + 70, (byte) 2);
    assertThat(batch.segment().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(expected);
  }

  @Test
  void a_batch_with_all_its_packets_has_no_room() {
    for (int i = 0; i < CAPACITY; i++) {
      assertThat(batch.append(packet(1, i))).isTrue();
    }

    assertThat(batch.room(1)).isEqualTo(-1);
    assertThat(batch.append(packet(1, 9))).isFalse();
    assertThatIllegalStateException().isThrownBy(() -> batch.commit(1));
    assertThat(packets()).containsExactly(packet(1, 0), packet(1, 1), packet(1, 2), packet(1, 3));
  }

  @Test
  void the_last_byte_of_the_slab_can_be_used_and_no_byte_more() {
    int most = SLAB_BYTES - HEAD_ROOM - TAIL_ROOM;

    assertThat(batch.room(most + 1)).isEqualTo(-1);
    assertThat(batch.append(packet(most + 1, 3))).isFalse();
    assertThatIllegalStateException().isThrownBy(() -> batch.commit(most + 1));
    assertThat(batch.isEmpty()).isTrue();

    assertThat(batch.room(most)).isEqualTo(HEAD_ROOM);
    assertThat(batch.append(packet(most, 3))).isTrue();
    assertThat(batch.room(1)).isEqualTo(-1);
    assertThat(batch.packet(0)).isEqualTo(packet(most, 3));
  }

  @ParameterizedTest
  @ValueSource(ints = {SLAB_BYTES, 1 << 20, Integer.MAX_VALUE - 64, Integer.MAX_VALUE})
  void no_length_is_so_large_that_it_fits(int bytes) {
    assertThat(batch.room(bytes)).isEqualTo(-1);
    assertThatIllegalStateException().isThrownBy(() -> batch.commit(bytes));
    assertThat(batch.isEmpty()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(ints = {SLAB_BYTES, Integer.MAX_VALUE - 63, Integer.MAX_VALUE})
  void no_head_room_is_so_large_that_a_packet_lies_before_the_slab(int headRoom) {
    PacketBatch deep = batch(CAPACITY, headRoom, 0);

    assertThat(deep.room(1)).isEqualTo(-1);
    assertThat(deep.append(packet(1, 1))).isFalse();
    assertThatIllegalStateException().isThrownBy(() -> deep.commit(1));
    assertThat(deep.isEmpty()).isTrue();
    deep.release();
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MAX_VALUE - 1024, Integer.MAX_VALUE})
  void no_tail_room_is_so_large_that_a_packet_fits(int tailRoom) {
    PacketBatch deep = batch(CAPACITY, 0, tailRoom);

    assertThat(deep.room(1)).isEqualTo(-1);
    assertThat(deep.append(packet(1, 1))).isFalse();
    assertThatIllegalStateException().isThrownBy(() -> deep.commit(1));
    deep.release();
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0})
  void a_packet_without_bytes_is_not_taken(int length) {
    assertThatIllegalStateException().isThrownBy(() -> batch.commit(length));
    assertThat(batch.append(packet(8, 1).segment(), 0, length)).isFalse();
    assertThat(batch.isEmpty()).isTrue();
  }

  @Test
  void a_source_that_is_too_short_leaves_the_batch_as_it_was() {
    assertThatThrownBy(() -> batch.append(packet(8, 1).segment(), 4, 5))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(batch.isEmpty()).isTrue();
  }

  @Test
  void a_packet_of_another_batch_comes_with_its_offload_word() {
    PacketBatch other = batch(CAPACITY, 0, 0);
    other.append(packet(5, 1));
    other.room(6);
    other.segment().asSlice(other.room(6), 6).fill((byte) 2);
    other.commit(6, 77);

    assertThat(batch.append(other, 1)).isTrue();
    assertThat(batch.append(other, 0)).isTrue();
    other.release();

    assertThat(packets()).containsExactly(packet(6, 2), packet(5, 1));
    assertThat(batch.offload(0)).isEqualTo(77);
    assertThat(batch.offload(1)).isZero();
  }

  @Test
  void an_offload_word_does_not_stay_for_the_next_packet_in_its_place() {
    batch.room(1);
    batch.commit(1, 77);
    batch.clear();

    batch.append(packet(1, 1));

    assertThat(batch.offload(0)).isZero();
  }

  @Test
  void a_slice_strips_a_header_or_takes_in_room() {
    batch.append(packet(20, 3));
    int at = batch.offset(0);

    batch.slice(0, at + 14, 6);
    assertThat(batch.packet(0)).isEqualTo(packet(6, 3));

    batch.slice(0, at - HEAD_ROOM, HEAD_ROOM + 20 + TAIL_ROOM);
    assertThat(batch.offset(0)).isEqualTo(at - HEAD_ROOM);
    assertThat(batch.length(0)).isEqualTo(HEAD_ROOM + 20 + TAIL_ROOM);
    assertThat(batch.packet(0).unsignedByte(HEAD_ROOM - 1)).isEqualTo(0xa5);
    assertThat(batch.packet(0).unsignedByte(HEAD_ROOM)).isEqualTo(3);
  }

  @Test
  void a_slice_up_to_the_slabs_edges_is_taken_and_one_beyond_is_not() {
    batch.append(packet(20, 3));

    batch.slice(0, 0, SLAB_BYTES);
    assertThat(batch.length(0)).isEqualTo(SLAB_BYTES);

    int[][] beyond = {
      {-1, 1},
      {0, SLAB_BYTES + 1},
      {1, SLAB_BYTES},
      {SLAB_BYTES, 1},
      {0, -1},
      {Integer.MAX_VALUE, Integer.MAX_VALUE},
      {Integer.MIN_VALUE, 1}
    };
    for (int[] range : beyond) {
      assertThatThrownBy(() -> batch.slice(0, range[0], range[1]))
          .as("slice to %d, %d", range[0], range[1])
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThatThrownBy(() -> batch.slice(1, 0, 1)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(batch.offset(0)).isZero();
    assertThat(batch.length(0)).isEqualTo(SLAB_BYTES);
  }

  @Test
  void a_slice_without_bytes_is_refused_as_no_packet_is_empty() {
    batch.append(packet(20, 3));

    assertThatIllegalArgumentException().isThrownBy(() -> batch.slice(0, batch.offset(0) + 20, 0));

    assertThat(packets()).containsExactly(packet(20, 3));
  }

  @Test
  void keep_if_keeps_order_bytes_and_offload_words() {
    for (int i = 0; i < CAPACITY; i++) {
      batch.segment().asSlice(batch.room(10 + i), 10 + i).fill((byte) i);
      batch.commit(10 + i, i);
    }

    assertThat(batch.keepIf(i -> i % 2 == 1)).isEqualTo(2);
    assertThat(packets()).containsExactly(packet(11, 1), packet(13, 3));
    assertThat(batch.offload(0)).isEqualTo(1);
    assertThat(batch.offload(1)).isEqualTo(3);

    assertThat(batch.keepIf(_ -> true)).isZero();
    assertThat(packets()).containsExactly(packet(11, 1), packet(13, 3));

    assertThat(batch.keepIf(_ -> false)).isEqualTo(2);
    assertThat(batch.isEmpty()).isTrue();
    assertThat(batch.keepIf(_ -> false)).isZero();
  }

  @Test
  void keep_if_judges_each_packet_by_the_index_that_it_had() {
    for (int i = 0; i < CAPACITY; i++) {
      batch.append(packet(10, i));
    }

    batch.keepIf(i -> i > 1 && batch.packet(i).equals(packet(10, i)));

    assertThat(packets()).containsExactly(packet(10, 2), packet(10, 3));
  }

  @Test
  void a_judge_that_throws_loses_no_packet_that_it_has_not_refused() {
    for (int i = 0; i < CAPACITY; i++) {
      batch.append(packet(10, i));
    }

    assertThatThrownBy(() ->
            batch.keepIf(i -> {
              if (i == 2) {
                throw new IllegalStateException("judge");
              }
              return i > 0;
            }))
        .hasMessage("judge");

    assertThat(packets()).containsExactly(packet(10, 1), packet(10, 2), packet(10, 3));
  }

  @Test
  void a_packet_appended_after_a_removal_overwrites_none_that_was_kept() {
    batch.append(packet(10, 1));
    batch.append(packet(10, 2));
    batch.keepIf(i -> i == 1);

    batch.append(packet(10, 3));

    assertThat(packets()).containsExactly(packet(10, 2), packet(10, 3));
  }

  @Test
  void clear_makes_room_for_all_again() {
    batch.append(packet(SLAB_BYTES - HEAD_ROOM - TAIL_ROOM, 1));

    batch.clear();

    assertThat(batch.isEmpty()).isTrue();
    assertThat(batch.append(packet(SLAB_BYTES - HEAD_ROOM - TAIL_ROOM, 2))).isTrue();
  }

  @Test
  void an_index_beyond_the_count_is_refused_even_if_a_packet_was_there() {
    batch.append(packet(10, 1));
    batch.clear();

    assertThatThrownBy(() -> batch.offset(0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> batch.length(0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> batch.offload(0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> batch.packet(0)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> batch.offset(-1)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void a_batch_is_released_once() {
    batch.release();
    released = true;

    assertThatIllegalStateException().isThrownBy(batch::release).withMessageContaining("twice");
    assertThat(pools.getFirst().lent()).isZero();
  }

  @Test
  void random_use_agrees_with_a_list_of_packets() {
    for (int run = 0; run < 300; run++) {
      long seed = SEED + run;
      Random random = new Random(seed);
      PacketBatch tested = batch(1 + random.nextInt(8), random.nextInt(130), random.nextInt(70));
      List<Packet> model = new ArrayList<>();
      for (int step = 0; step < 40; step++) {
        switch (random.nextInt(5)) {
          case 0, 1, 2 -> {
            Packet next = packet(1 + random.nextInt(300), random.nextInt());
            if (tested.append(next)) {
              model.add(next);
            }
          }
          case 3 -> {
            int mask = random.nextInt();
            List<Packet> kept = new ArrayList<>();
            for (int i = 0; i < model.size(); i++) {
              if ((mask >> i & 1) != 0) {
                kept.add(model.get(i));
              }
            }
            tested.keepIf(i -> (mask >> i & 1) != 0);
            model = kept;
          }
          default -> {
            if (random.nextInt(4) == 0) {
              tested.clear();
              model.clear();
            }
          }
        }
        List<Packet> actual = new ArrayList<>();
        for (int i = 0; i < tested.count(); i++) {
          actual.add(tested.packet(i));
        }
        assertThat(actual).as("seed %d, step %d", seed, step).isEqualTo(model);
      }
      tested.release();
      pools.removeLast().close();
    }
  }
}
