package io.vnet.tunnel.noise;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.IpAddress;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Shares of sources, with times that tests say. */
class SourceSharesTest {
  private static final long SECRET = 0x1234_5678_9abc_def1L;
  private static final long SECOND = 1_000_000_000;
  private static final IpAddress A = IpAddress.parse("192.0.2.1");
  private static final IpAddress B = IpAddress.parse("192.0.2.2");

  private final SourceShares shares = new SourceShares(SECRET, 0);

  private static int taken(SourceShares shares, IpAddress source, int messages, long now) {
    int taken = 0;
    for (int i = 0; i < messages; i++) {
      if (shares.take(source, now)) {
        taken++;
      }
    }
    return taken;
  }

  private int taken(IpAddress source, int messages, long now) {
    return taken(shares, source, messages, now);
  }

  /** A monotonic clock may stand anywhere, also before its overflow. */
  @ParameterizedTest
  @ValueSource(longs = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, Long.MAX_VALUE - 1_000_000})
  void a_burst_at_once_and_then_what_time_gives(long start) {
    SourceShares shares = new SourceShares(SECRET, start);
    assertThat(taken(shares, A, 1_000, start)).isEqualTo(SourceShares.BURST);
    assertThat(taken(shares, A, 1_000, start + SECOND / 1_000))
        .isEqualTo(SourceShares.PER_SECOND / 1_000);
    assertThat(taken(shares, A, 1_000, start + 100 * SECOND)).isEqualTo(SourceShares.BURST);
  }

  @Test
  void a_steady_flood_gets_its_share() {
    int taken = 0;
    for (long now = 0; now < SECOND; now += SECOND / 50_000) {
      taken += taken(A, 1, now);
    }
    assertThat(taken)
        .isBetween(SourceShares.PER_SECOND, SourceShares.PER_SECOND + SourceShares.BURST);
  }

  @Test
  void another_source_has_a_share_of_its_own() {
    assertThat(taken(A, 1_000, 0)).isEqualTo(SourceShares.BURST);
    assertThat(taken(B, 1_000, 0)).isEqualTo(SourceShares.BURST);
  }

  @Test
  void a_mapped_address_is_the_address_and_a_64_is_one_source() {
    assertThat(taken(A, 1_000, 0)).isEqualTo(SourceShares.BURST);
    assertThat(shares.take(IpAddress.parse("::ffff:192.0.2.1"), 0)).isFalse();
    assertThat(taken(IpAddress.parse("2001:db8::1"), 1_000, 0)).isEqualTo(SourceShares.BURST);
    assertThat(shares.take(IpAddress.parse("2001:db8::ffff:1"), 0)).isFalse();
    assertThat(shares.take(IpAddress.parse("2001:db8:0:1::1"), 0)).isTrue();
  }

  /** With 4096 shares, a thousand that are used up leave three quarters to others. */
  @Test
  void addresses_that_follow_each_other_are_spread() {
    for (int i = 0; i < 1_000; i++) {
      taken(IpAddress.v4(0x0a00_0000 + i), SourceShares.BURST, 0);
    }
    int free = 0;
    for (int i = 0; i < 1_000; i++) {
      free += taken(IpAddress.v4(0x0b00_0000 + i), 1, 0);
    }
    assertThat(free).isBetween(700, 850);
  }

  @Test
  void who_shares_with_whom_depends_on_the_secret() {
    IpAddress other = null;
    for (int i = 1; other == null; i++) {
      IpAddress candidate = IpAddress.v4(0x0b00_0000 + i);
      SourceShares fresh = new SourceShares(SECRET, 0);
      taken(fresh, A, SourceShares.BURST, 0);
      if (!fresh.take(candidate, 0)) {
        other = candidate;
      }
    }
    SourceShares ofAnother = new SourceShares(~SECRET, 0);
    taken(ofAnother, A, SourceShares.BURST, 0);
    assertThat(ofAnother.take(other, 0)).isTrue();
  }
}
