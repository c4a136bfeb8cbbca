package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Indices: whatever is put, replaced and removed, lookups agree with a map. */
class IndexTableTest {
  @Test
  void random_operations_agree_with_a_map() {
    long seed = Long.getLong("vnet.seed", 5);
    SplittableRandom random = new SplittableRandom(seed);
    IndexTable table = new IndexTable(random::nextBytes);
    Map<Integer, Object> map = new HashMap<>();
    for (int i = 0; i < 500_000; i++) {
      // Few indices whose low bits are alike: long chains of probes, around the end, too.
      int index = (random.nextInt(40) - 20) | random.nextInt(30) << 27;
      switch (random.nextInt(4)) {
        case 0 -> {
          Object entry = new Object();
          table.put(index, entry);
          map.put(index, entry);
        }
        case 1 -> {
          Object entry = map.remove(index);
          table.remove(index, entry == null ? "never there" : entry);
        }
        case 2 -> table.remove(index, "another's");
        default -> assertThat(table.get(index)).as("seed %d", seed).isSameAs(map.get(index));
      }
      assertThat(table.size()).isEqualTo(map.size());
    }
    map.forEach((index, entry) -> assertThat(table.get(index)).isSameAs(entry));
  }

  @Test
  void an_index_that_is_taken_is_drawn_again() {
    int[] draws = {7, 7, 0, 0, 9};
    int[] next = {0};
    IndexTable table =
        new IndexTable(bytes -> {
          bytes[0] = (byte) draws[next[0]++];
          bytes[1] = 0;
          bytes[2] = 0;
          bytes[3] = 0;
        });

    for (int expected : new int[] {7, 0, 9}) {
      int index = table.draw();
      assertThat(index).isEqualTo(expected);
      table.put(index, "entry");
    }
  }
}
