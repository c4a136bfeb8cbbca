package io.vnet.tunnel.noise;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.IpAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The limiter of handshake messages (C7 of the protocol's page), with times that tests say. */
class RateLimiterTest {
  private static final long MILLISECOND = 1_000_000;
  private static final long SECOND = 1_000 * MILLISECOND;
  private static final IpAddress A = IpAddress.parse("192.0.2.1");
  private static final IpAddress B = IpAddress.parse("192.0.2.2");

  private final RateLimiter limiter = new RateLimiter(1_000);

  private int allowed(IpAddress source, int questions, long now) {
    int allowed = 0;
    for (int i = 0; i < questions; i++) {
      if (limiter.isAllowed(source, now)) {
        allowed++;
      }
    }
    return allowed;
  }

  /** A monotonic clock may stand anywhere, also before its overflow. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 100_000_000})
  void C7_five_at_once_and_twenty_a_second(long start) {
    RateLimiter limiter = new RateLimiter(10);
    for (int i = 0; i < 5; i++) {
      assertThat(limiter.isAllowed(A, start + 2 * MILLISECOND * i)).as("message " + i).isTrue();
    }
    assertThat(limiter.isAllowed(A, start + 10 * MILLISECOND)).isFalse();
    assertThat(limiter.isAllowed(A, start + 49 * MILLISECOND)).isFalse();
    assertThat(limiter.isAllowed(A, start + 50 * MILLISECOND)).isTrue();
    assertThat(limiter.isAllowed(A, start + 50 * MILLISECOND)).isFalse();
    assertThat(limiter.isAllowed(A, start + 100 * MILLISECOND)).isTrue();
  }

  @Test
  void a_steady_sender_gets_twenty_a_second() {
    int allowed = 0;
    for (long now = 0; now < 10 * SECOND; now += MILLISECOND) {
      allowed += allowed(A, 1, now);
    }
    assertThat(allowed).isBetween(200, 205);
  }

  @Test
  void tokens_do_not_grow_beyond_five() {
    assertThat(allowed(A, 100, 0)).isEqualTo(5);
    assertThat(allowed(A, 100, 900 * MILLISECOND)).isEqualTo(5);
    assertThat(allowed(A, 100, 3_600 * SECOND)).isEqualTo(5);
  }

  @Test
  void addresses_are_counted_apart() {
    assertThat(allowed(A, 100, 0)).isEqualTo(5);
    assertThat(allowed(B, 100, 0)).isEqualTo(5);
  }

  @Test
  void of_ipv6_the_first_64_bits_count() {
    assertThat(allowed(IpAddress.parse("2001:db8:0:1::1"), 3, 0)).isEqualTo(3);
    assertThat(allowed(IpAddress.parse("2001:db8:0:1:ffff::"), 100, 0)).isEqualTo(2);
    assertThat(allowed(IpAddress.parse("2001:db8:0:2::1"), 100, 0)).isEqualTo(5);
    assertThat(limiter.size()).isEqualTo(2);
  }

  @Test
  void an_ipv4_address_is_not_the_ipv6_one_of_the_same_bits() {
    assertThat(allowed(IpAddress.v4(0), 100, 0)).isEqualTo(5);
    assertThat(allowed(IpAddress.parse("::"), 100, 0)).isEqualTo(5);
  }

  @Test
  void an_ipv4_mapped_address_is_the_ipv4_one() {
    assertThat(allowed(A, 3, 0)).isEqualTo(3);
    assertThat(allowed(IpAddress.parse("::ffff:192.0.2.1"), 100, 0)).isEqualTo(2);
    assertThat(allowed(IpAddress.parse("::ffff:192.0.2.2"), 100, 0)).isEqualTo(5);
  }

  @Test
  void when_full_known_addresses_go_on_and_new_ones_are_refused() {
    RateLimiter limiter = new RateLimiter(3);
    for (int i = 0; i < 3; i++) {
      assertThat(limiter.isAllowed(IpAddress.v4(i), 0)).isTrue();
    }
    assertThat(limiter.isAllowed(A, 0)).isFalse();
    assertThat(limiter.isAllowed(IpAddress.v4(1), 0)).isTrue();
    assertThat(limiter.size()).isEqualTo(3);
  }

  @Test
  void who_is_silent_for_more_than_a_second_is_forgotten() {
    RateLimiter limiter = new RateLimiter(2);
    assertThat(limiter.isAllowed(A, 0)).isTrue();
    assertThat(limiter.isAllowed(B, 600 * MILLISECOND)).isTrue();
    assertThat(limiter.isAllowed(IpAddress.v4(1), 900 * MILLISECOND)).isFalse();

    assertThat(limiter.isAllowed(IpAddress.v4(1), SECOND + MILLISECOND)).isTrue();
    assertThat(limiter.size()).as("A has gone").isEqualTo(2);

    limiter.isAllowed(A, 5 * SECOND);
    assertThat(limiter.size()).as("A is alone").isEqualTo(1);
  }

  @Test
  void a_flood_of_addresses_stays_within_bounds() {
    for (int i = 0; i < 100_000; i++) {
      limiter.isAllowed(IpAddress.v4(i), i * 1_000L);
      assertThat(limiter.size()).isLessThanOrEqualTo(1_000);
    }
  }

  @Test
  void a_clock_reading_that_comes_late_gives_nothing() {
    assertThat(allowed(A, 5, SECOND)).isEqualTo(5);
    assertThat(allowed(A, 5, 0)).isEqualTo(0);
    assertThat(allowed(A, 5, SECOND + 49 * MILLISECOND)).isEqualTo(0);
    assertThat(allowed(A, 5, SECOND + 50 * MILLISECOND)).isEqualTo(1);
  }

  @Test
  void many_threads_share_the_tokens_of_an_address() throws Exception {
    int allowed = 0;
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Callable<Integer>> works = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        works.add(() -> allowed(A, 1_000, 7));
      }
      for (Future<Integer> result : threads.invokeAll(works)) {
        allowed += result.get();
      }
    }
    assertThat(allowed).isEqualTo(5);
  }

  @Test
  void room_for_nobody_is_refused() {
    assertThatThrownBy(() -> new RateLimiter(0)).isInstanceOf(IllegalArgumentException.class);
  }
}
