package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** The demonstration in memory: what it shows, and how it ends when it is interrupted. */
class DemoTest {
  @Test
  void in_memory_it_shows_the_order_of_events_and_that_nothing_is_lost() {
    Outcome outcome = Outcome.ofVnet("demo", "--memory", "--seconds", "1");
    DemoOutput demo = new DemoOutput(outcome);
    demo.assertSound();
    assertThat(outcome.outLines().getFirst()).isEqualTo("devices: in memory, as asked");
    assertThat(demo.measured()).isPositive();
    assertThat(demo.places())
        .contains("station -> tun0", "tunnel, both ways", "responder", "tun0 -> station");
    assertThat(outcome.out()).doesNotContain("\033");
  }

  @Test
  void an_interrupt_ends_the_flow_early_and_the_rest_is_as_ever() {
    try (Child child = Child.vnet(List.of(), "demo", "--memory", "--seconds", "3600")) {
      child.awaitLine("station ");
      child.signal("INT");
      new DemoOutput(child.end()).assertEndedWell();
    }
  }

  @Test
  void an_account_balances_only_if_nothing_is_missing() {
    assertThat(new DemoScene.Account("here", 5, 3, 2).balanced()).isTrue();
    assertThat(new DemoScene.Account("here", 5, 3, 1).balanced()).isFalse();
    assertThat(new DemoScene.Account("here", 5, 6, 0).balanced()).isFalse();
  }
}
