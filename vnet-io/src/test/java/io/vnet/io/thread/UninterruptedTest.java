package io.vnet.io.thread;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A wait goes on, and the interruption is not lost. */
class UninterruptedTest {
  @AfterEach
  void the_test_thread_is_not_interrupted() {
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void what_has_come_is_not_waited_for() {
    Uninterrupted.await(new CountDownLatch(0)::await);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void an_interrupted_wait_goes_on_and_leaves_the_thread_interrupted() {
    AtomicInteger calls = new AtomicInteger();
    CountDownLatch latch = new CountDownLatch(1);
    Thread.currentThread().interrupt();

    Uninterrupted.await(() -> {
      if (calls.incrementAndGet() == 3) {
        latch.countDown();
      } else {
        Thread.currentThread().interrupt();
      }
      latch.await();
    });

    assertThat(calls).hasValue(3);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void a_wait_that_fails_after_an_interruption_leaves_the_thread_interrupted_too() {
    AtomicInteger calls = new AtomicInteger();

    assertThatThrownBy(() ->
            Uninterrupted.await(() -> {
              if (calls.incrementAndGet() == 2) {
                throw new IllegalStateException("made by the test");
              }
              throw new InterruptedException();
            }))
        .hasMessage("made by the test");

    assertThat(Thread.interrupted()).isTrue();
  }
}
