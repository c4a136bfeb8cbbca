package io.vnet.tunnel.noise;

import io.vnet.api.address.IpAddress;
import java.util.Arrays;

/**
 * How many handshake messages a second of one source are looked at while a tunnel is under load:
 * {@value #PER_SECOND}, and {@value #BURST} at once. So whoever floods a tunnel from where he is
 * takes a twentieth of a processor and not a half, and what he sends more is dropped at the price
 * of its reception; others have shares of their own.
 *
 * <p>Sources have shown nothing yet, so that they may be forged and any number: a fixed number of
 * shares, on which addresses are spread by a secret. Two addresses may have one share, and so may
 * one that is forged and its true owner: with a flood of 50,000 a second a fifth of his messages
 * still passes, and with a cookie all of them do, as the caller asks for that first.
 *
 * <p><b>Owner:</b> one thread. <b>Cost:</b> one short-lived object.
 */
public final class SourceShares {
  /** Messages a second of one source. */
  public static final int PER_SECOND = 10_000;

  /** Messages of a source that was silent. */
  public static final int BURST = 200;

  private static final int SHARE_BITS = 12;
  private static final long COST_NANOS = 1_000_000_000L / PER_SECOND;
  private static final long TOKENS_MAX = BURST * COST_NANOS;
  private static final long MULTIPLIER = 0x9e3779b97f4a7c15L;

  private final long secret;

  /** When a share would be full again. */
  private final long[] fullAt = new long[1 << SHARE_BITS];

  /**
   * All full.
   *
   * @param secret nobody outside knows it
   * @param now monotonic, in nanoseconds
   */
  public SourceShares(long secret, long now) {
    this.secret = secret;
    Arrays.fill(fullAt, now);
  }

  /** Takes one message's part of its source's share; false: there is none left. */
  public boolean take(IpAddress source, long now) {
    int share = share(Source.of(source));
    long full = fullAt[share] - now > 0 ? fullAt[share] : now;
    if (full + COST_NANOS - now > TOKENS_MAX) {
      return false;
    }
    fullAt[share] = full + COST_NANOS;
    return true;
  }

  private int share(Source source) {
    long key = source.v6() ? source.high() : source.low();
    long mixed = (key ^ secret) * MULTIPLIER;
    mixed = (mixed ^ (mixed >>> 32) ^ Long.rotateLeft(secret, 17)) * MULTIPLIER;
    return (int) (mixed >>> (Long.SIZE - SHARE_BITS));
  }
}
