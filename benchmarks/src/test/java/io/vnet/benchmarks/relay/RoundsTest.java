package io.vnet.benchmarks.relay;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Whose turn it is and what is repeated, with measurements that are only numbers. */
class RoundsTest {
  private static final List<Variant> VARIANTS =
      List.of(variant("a"), variant("b"), variant("c"), variant("d"));

  private final List<String> begun = new ArrayList<>();

  private static Variant variant(String name) {
    return new Variant(name, name, "a", false, List.of(), "ready", RelayRoad::open);
  }

  private List<Sample> run(int count, boolean warmUp, int repeatsMax, long seed, double... others)
      throws IOException, InterruptedException {
    int[] taken = {0};
    return new Rounds(VARIANTS, count, warmUp, repeatsMax, new Random(seed))
        .run(
            (_, _) -> {
              int index = taken[0]++;
              double other = index < others.length ? others[index] : 0;
              return new Reading(Map.of(Quantity.TCP_1, (double) index), other);
            },
            (round, variant, measure, attempt) ->
                begun.add(round + " " + measure + " " + variant.name() + " " + attempt));
  }

  @Test
  void a_round_takes_each_measure_of_all_variants_before_the_next()
      throws IOException, InterruptedException {
    List<Sample> samples = run(2, false, 0, 1);

    assertThat(samples)
        .extracting(Sample::measure)
        .containsExactlyElementsOf(
            List.of(
                    Measure.TCP_1,
                    Measure.TCP_8,
                    Measure.UDP_64,
                    Measure.PING,
                    Measure.PING_LOADED, //
                    Measure.TCP_1,
                    Measure.TCP_8,
                    Measure.UDP_64,
                    Measure.PING,
                    Measure.PING_LOADED)
                .stream()
                .flatMap(measure -> VARIANTS.stream().map(_ -> measure))
                .toList());
    for (int start = 0; start < samples.size(); start += VARIANTS.size()) {
      assertThat(samples.subList(start, start + VARIANTS.size()))
          .extracting(Sample::variant)
          .containsExactlyInAnyOrder("a", "b", "c", "d");
    }
  }

  @Test
  void the_seed_decides_the_order() throws IOException, InterruptedException {
    run(3, true, 0, 7);
    List<String> first = List.copyOf(begun);
    begun.clear();
    run(3, true, 0, 7);
    assertThat(begun).isEqualTo(first);

    begun.clear();
    run(3, true, 0, 8);
    assertThat(begun).isNotEqualTo(first).hasSameSizeAs(first);
  }

  @Test
  void the_warm_up_is_taken_once_and_does_not_count() throws IOException, InterruptedException {
    List<Sample> samples = run(1, true, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1);

    assertThat(samples).extracting(Sample::round).containsOnly(1).hasSize(20);
    assertThat(begun).filteredOn(line -> line.startsWith("0 ")).hasSize(20);
    assertThat(samples).noneMatch(sample -> sample.reading().disturbed());
  }

  @Test
  void what_was_disturbed_is_repeated_and_the_calmest_attempt_counts()
      throws IOException, InterruptedException {
    // First: all three attempts disturbed, the second least. Second: the repeat is calm.
    List<Sample> samples = run(1, false, 2, 1, 0.9, 0.2, 0.5, 0.16, 0.15);

    Sample first = samples.get(0);
    assertThat(first.attempts()).isEqualTo(3);
    assertThat(first.reading()).isEqualTo(new Reading(Map.of(Quantity.TCP_1, 1.0), 0.2));
    assertThat(first.reading().disturbed()).isTrue();
    Sample second = samples.get(1);
    assertThat(second.attempts()).isEqualTo(2);
    assertThat(second.reading()).isEqualTo(new Reading(Map.of(Quantity.TCP_1, 4.0), 0.15));
    assertThat(second.reading().disturbed()).isFalse();
    assertThat(samples.subList(2, samples.size()))
        .extracting(Sample::attempts)
        .containsOnly(1)
        .hasSize(18);
  }
}
