package io.vnet.api.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** A thread that has napped is scheduled as before, and sleeps as before. */
class NapTest {
  @Test
  void slices_are_the_usual_ones_again_when_it_is_over() {
    long usual = Nap.slice();
    Nap.nanos(1_000);
    Nap.nanos(1_000);
    long napping = Nap.slice();
    Nap.over();
    assertThat(Nap.slice()).isEqualTo(usual);
    // Kernels before 6.12 say 0 and keep it.
    assertThat(napping).isIn(100_000L, usual);
    Nap.over();
    assertThat(Nap.slice()).isEqualTo(usual);
  }

  @Test
  void threads_that_a_napping_one_starts_have_the_usual_slices() throws InterruptedException {
    long usual = Nap.slice();
    AtomicLong others = new AtomicLong(-1);
    Nap.nanos(1_000);
    try {
      Thread other = Thread.ofPlatform().start(() -> others.set(Nap.slice()));
      other.join();
    } finally {
      Nap.over();
    }
    assertThat(others).hasValue(usual);
  }

  @Test
  void an_interrupted_thread_naps_on() {
    Thread.currentThread().interrupt();
    Nap.nanos(1_000);
    Nap.over();
    assertThat(Thread.interrupted()).isTrue();
  }
}
