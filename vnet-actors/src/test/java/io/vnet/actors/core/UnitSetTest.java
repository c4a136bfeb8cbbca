package io.vnet.actors.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.device.DeviceName;
import java.util.BitSet;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The set of units does what a bit set does. */
class UnitSetTest {
  private static final int OPERATIONS = 20_000;

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void it_does_what_a_bit_set_does(long seed) {
    Random random = new Random(seed);
    int range = seed % 2 == 0 ? DeviceName.MAX_UNIT + 1 : 200;
    UnitSet set = UnitSet.empty();
    BitSet twin = new BitSet();
    for (int i = 0; i < OPERATIONS; i++) {
      String at = "seed " + seed + ", operation " + i;
      int unit = random.nextInt(3) == 0 ? twin.nextClearBit(0) : random.nextInt(range);
      assertThat(set.contains(unit)).as(at).isEqualTo(twin.get(unit));
      assertThat(set.isFree(unit)).as(at).isEqualTo(!twin.get(unit));
      if (twin.get(unit)) {
        set = set.without(unit);
        twin.clear(unit);
      } else {
        set = set.with(unit);
        twin.set(unit);
      }
      assertThat(set.lowestFree()).as(at).hasValue(twin.nextClearBit(0));
      int from = random.nextInt(range);
      OptionalInt later = set.lowestFree(from);
      int expected = twin.nextClearBit(from);
      assertThat(later).as("%s, from %d", at, from).isEqualTo(inRange(expected));
      assertThat(set.size()).as(at).isEqualTo(twin.cardinality());
    }
    UnitSet rebuilt =
        twin.stream().boxed().reduce(UnitSet.empty(), UnitSet::with, (left, _) -> left);
    assertThat(rebuilt).as("seed " + seed).isEqualTo(set).hasSameHashCodeAs(set);
  }

  private static OptionalInt inRange(int unit) {
    return unit <= DeviceName.MAX_UNIT ? OptionalInt.of(unit) : OptionalInt.empty();
  }

  @Test
  void the_lowest_free_unit_from_one_on_is_found_across_full_words_and_blocks() {
    UnitSet set = UnitSet.empty();
    for (int unit = 60; unit < 8200; unit++) {
      set = set.with(unit);
    }
    assertThat(set.lowestFree(59)).hasValue(59);
    for (int from : new int[] {60, 63, 64, 4095, 4096, 8191, 8192, 8199}) {
      assertThat(set.lowestFree(from)).as("from %d", from).hasValue(8200);
      assertThat(set.without(8130).lowestFree(from))
          .as("from %d, with a hole", from)
          .hasValue(from <= 8130 ? 8130 : 8200);
    }
    assertThat(set.with(DeviceName.MAX_UNIT).lowestFree(DeviceName.MAX_UNIT)).isEmpty();
    assertThat(set.lowestFree(DeviceName.MAX_UNIT + 1)).isEmpty();
  }

  @Test
  void a_full_set_has_no_free_unit_and_takes_one_back() {
    UnitSet set = UnitSet.empty();
    for (int unit = 0; unit <= DeviceName.MAX_UNIT; unit++) {
      assertThat(set.lowestFree()).hasValue(unit);
      set = set.with(unit);
    }
    assertThat(set.lowestFree()).isEmpty();
    assertThat(set.size()).isEqualTo(DeviceName.MAX_UNIT + 1);
    assertThat(set.without(12_345).lowestFree()).hasValue(12_345);
    assertThat(set).hasToString("32768 units in use");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, DeviceName.MAX_UNIT + 1, 40_000, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void a_unit_out_of_range_is_neither_free_nor_in_use(int unit) {
    UnitSet set = UnitSet.empty().with(0);
    assertThat(set.isFree(unit)).isFalse();
    assertThat(set.contains(unit)).isFalse();
    assertThatThrownBy(() -> set.with(unit)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> set.without(unit)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void a_set_never_changes() {
    UnitSet one = UnitSet.empty().with(3);
    UnitSet two = one.with(64);
    assertThat(two.without(64)).isEqualTo(one);
    assertThat(one.contains(64)).isFalse();
    assertThat(one.without(3)).isEqualTo(UnitSet.empty());
    assertThatThrownBy(() -> one.with(3)).isInstanceOf(IllegalArgumentException.class);
  }
}
