package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The demonstration with the kernel's devices. */
@ExtendWith(NetworkNamespaces.class)
class DemoIT {
  @Test
  void the_kernel_pings_and_speaks_tcp_through_two_devices_and_nothing_is_left(
      NetworkNamespace namespace) {
    String before = RelayIT.links(namespace);
    try (Child child = Child.vnet(RelayIT.inside(namespace), "demo", "--host", "--seconds", "2")) {
      Outcome outcome = child.end();
      DemoOutput demo = new DemoOutput(outcome);
      demo.assertSound();
      assertThat(outcome.outLines().getFirst()).startsWith("devices: the kernel's");
      assertThat(demo.measured()).isPositive();
      assertThat(demo.tcpBytes()).isPositive();
      assertThat(demo.places()).containsExactly("tap0 -> tap1 stream", "tap1 -> tap0 stream");
    }
    assertThat(RelayIT.links(namespace)).isEqualTo(before);
  }

  @Test
  void an_interrupt_ends_it_in_order(NetworkNamespace namespace) {
    try (Child child =
        Child.vnet(RelayIT.inside(namespace), "demo", "--host", "--seconds", "3600")) {
      child.awaitLine("namespace 1");
      child.signal("INT");
      Outcome outcome = child.end();
      new DemoOutput(outcome).assertSound();
    }
  }
}
