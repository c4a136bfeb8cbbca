package io.vnet.tunnel.noise;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Time stamps of initiations: 12 bytes, big-endian, rounded down to 2^24 ns so that they do not
 * tell how exactly the clock goes. That is less than the 20 ms which are between two initiations.
 *
 * <p>Source: https://cr.yp.to/libtai/tai64.html.
 */
public final class Tai64n {
  /** Length of a stamp. */
  public static final int BYTES = 12;

  private static final long EPOCH = 0x400000000000000aL;
  private static final int NANOS_A_SECOND = 1_000_000_000;
  private static final int STEP_NANOS = 1 << 24;

  private Tai64n() {}

  /** The stamp of a wall-clock time in nanoseconds since 1970, at least 0. */
  public static byte[] of(long unixNanos) {
    long seconds = Math.floorDiv(unixNanos, (long) NANOS_A_SECOND);
    int nanos = Math.floorMod(unixNanos, NANOS_A_SECOND);
    return stamp(EPOCH + seconds, nanos & -STEP_NANOS);
  }

  /** Whether a stamp is strictly newer than another. */
  public static boolean isNewer(byte[] stamp, byte[] than) {
    return Arrays.compareUnsigned(stamp, than) > 0;
  }

  /** The next stamp that a clock could give after this one. */
  public static byte[] next(byte[] stamp) {
    ByteBuffer in = ByteBuffer.wrap(stamp);
    long seconds = in.getLong();
    long nanos = (in.getInt() & 0xffff_ffffL & -STEP_NANOS) + STEP_NANOS;
    return nanos < NANOS_A_SECOND ? stamp(seconds, (int) nanos) : stamp(seconds + 1, 0);
  }

  private static byte[] stamp(long seconds, int nanos) {
    return ByteBuffer.allocate(BYTES).putLong(seconds).putInt(nanos).array();
  }
}
