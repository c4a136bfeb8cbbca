package io.vnet.io.loop;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.SelectStrategy;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** When a loop looks again and when it sleeps. */
class BusyPollTest {
  private static final int GUARD_SECONDS = 60;

  @Test
  void without_a_time_it_sleeps_at_once_and_does_not_look_before() throws Exception {
    BusyPoll never = new BusyPoll(Duration.ZERO);
    assertThat(
            never.calculateStrategy(
                () -> {
                  throw new AssertionError("looked");
                },
                false))
        .isEqualTo(SelectStrategy.SELECT);
    never.active();
    assertThat(never.looksAgain()).isFalse();
  }

  @Test
  void it_looks_again_until_its_time_is_over() throws Exception {
    BusyPoll shortest = new BusyPoll(Duration.ofNanos(1));
    BusyPoll longest = new BusyPoll(Duration.ofDays(1));
    for (BusyPoll poll : new BusyPoll[] {shortest, longest}) {
      assertThat(poll.calculateStrategy(() -> 3, true)).isEqualTo(3);
      assertThat(poll.calculateStrategy(() -> 2, false)).isEqualTo(2);
    }
    assertThat(longest.calculateStrategy(() -> 0, false)).isEqualTo(SelectStrategy.CONTINUE);
    // A nanosecond passes sooner or later.
    int answer = SelectStrategy.CONTINUE;
    while (answer == SelectStrategy.CONTINUE) {
      answer = shortest.calculateStrategy(() -> 0, false);
    }
    assertThat(answer).isEqualTo(SelectStrategy.SELECT);
  }

  @Test
  void a_loop_that_never_sleeps_runs_what_it_is_given_and_ends() throws Exception {
    try (IslandLoop island = IslandLoop.epoll(Duration.ofDays(1))) {
      for (int i = 0; i < 100; i++) {
        CompletableFuture<Boolean> inside = new CompletableFuture<>();
        island.execute(() -> inside.complete(island.inIsland()));
        assertThat(inside.get(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      }
    }
  }
}
