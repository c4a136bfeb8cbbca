package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The replay window of transport messages (cases W1 and W4). */
class ReplayWindowTest {
  private static final int WINDOW = 8128;

  private final ReplayWindow window = new ReplayWindow();

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "in order, 0+ 1+ 1- 9+ 8+ 7+ 7-",
    "edge of the window, 8128+ 0+ 8129+ 0- 1+ 1-",
    "beyond the window, 8129+ 0- 1+",
    "far jump clears the ring, 0+ 63+ J+ 0- J-8128+ J-8129- J-1+ J-1-",
    "jump of one ring, 5+ 8197+ 5- 69+ 70+",
    "limit, R-1+ R- M- R-1- R-2+"
  })
  void W1_counters_are_taken_once_within_the_window(String name, String steps) {
    assertThat(name).isNotEmpty();
    for (String step : steps.split(" ", -1)) {
      boolean taken = step.endsWith("+");
      assertThat(window.accept(counter(step.substring(0, step.length() - 1))))
          .as(step)
          .isEqualTo(taken);
    }
  }

  private static long counter(String text) {
    int minus = text.indexOf('-');
    String base = minus < 0 ? text : text.substring(0, minus);
    long value =
        switch (base) {
          case "J" -> 1L << 20;
          case "R" -> Keypair.REJECT_AFTER_MESSAGES;
          case "M" -> -1L;
          default -> Long.parseLong(base);
        };
    return minus < 0 ? value : value - Long.parseLong(text.substring(minus + 1));
  }

  @Test
  void W1_all_of_the_window_in_reverse() {
    for (long counter = WINDOW; counter >= 0; counter--) {
      assertThat(window.accept(counter)).as("%d", counter).isTrue();
    }
    assertThat(window.accept(0)).isFalse();
    assertThat(window.accept(WINDOW)).isFalse();
  }

  @Test
  void W4_random_counters_agree_with_a_set() {
    long seed = Long.getLong("vnet.seed", 4);
    SplittableRandom random = new SplittableRandom(seed);
    for (long start : new long[] {0, Integer.MAX_VALUE - 5000L, Long.MAX_VALUE - 20_000}) {
      ReplayWindow fresh = new ReplayWindow();
      Set<Long> taken = new HashSet<>();
      long greatest = 0;
      long around = start;
      for (int i = 0; i < 400_000; i++) {
        around += random.nextInt(100) == 0 ? random.nextInt(20_000) : random.nextInt(3);
        long counter = Math.max(0, around - random.nextInt(9000));
        boolean expected =
            (counter > greatest || greatest - counter <= WINDOW) && taken.add(counter);
        if (expected) {
          greatest = Math.max(greatest, counter);
        }
        assertThat(fresh.accept(counter)).as("seed %d, step %d", seed, i).isEqualTo(expected);
        if (around < 0) {
          break; // The set's numbers are signed.
        }
      }
    }
  }
}
