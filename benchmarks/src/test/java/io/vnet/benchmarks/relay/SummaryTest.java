package io.vnet.benchmarks.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Medians and percentiles of numbers in any order. */
class SummaryTest {
  @Test
  void the_median_is_the_middle_one() {
    assertThat(Summary.of(List.of(5.0, 1.0, 4.0))).isEqualTo(new Summary(4, 1, 5));
    assertThat(Summary.of(List.of(2.0))).isEqualTo(new Summary(2, 2, 2));
  }

  @Test
  void of_an_even_count_it_is_the_mean_of_two() {
    assertThat(Summary.of(List.of(8.0, 1.0, 4.0, 2.0))).isEqualTo(new Summary(3, 1, 8));
  }

  @Test
  void a_percentile_is_one_of_the_numbers() {
    double[] backwards = IntStream.range(0, 200).mapToDouble(i -> 200 - i).toArray();

    assertThat(Summary.percentile(backwards, 50)).isEqualTo(100);
    assertThat(Summary.percentile(backwards, 99)).isEqualTo(198);
    assertThat(Summary.percentile(backwards, 100)).isEqualTo(200);
    assertThat(Summary.percentile(backwards, 0.1)).isEqualTo(1);
    assertThat(Summary.percentile(new double[] {3}, 99)).isEqualTo(3);
    assertThat(backwards[0]).as("the argument is left as it was").isEqualTo(200);
  }

  @Test
  void there_is_no_summary_of_nothing() {
    assertThatThrownBy(() -> Summary.of(List.of())).hasMessage("no numbers");
    assertThatThrownBy(() -> Summary.percentile(new double[0], 50))
        .hasMessage("percentile 50.0 of 0");
    assertThatThrownBy(() -> Summary.percentile(new double[] {1}, 0))
        .hasMessage("percentile 0.0 of 1");
    assertThatThrownBy(() -> Summary.percentile(new double[] {1}, 101))
        .hasMessage("percentile 101.0 of 1");
  }
}
