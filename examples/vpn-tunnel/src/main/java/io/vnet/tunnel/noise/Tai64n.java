package io.vnet.tunnel.noise;

/** Time stamps of initiations: 12 bytes, big-endian, rounded down to 2^24 ns. */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class Tai64n {
  /** Length of a stamp. */
  public static final int BYTES = 12;

  private Tai64n() {}

  /** The stamp of a wall-clock time in nanoseconds since 1970, at least 0. */
  public static byte[] of(long unixNanos) {
    throw new UnsupportedOperationException();
  }

  /** Whether a stamp is strictly newer than another. */
  public static boolean isNewer(byte[] stamp, byte[] than) {
    throw new UnsupportedOperationException();
  }

  /** The next stamp that a clock could give after this one. */
  public static byte[] next(byte[] stamp) {
    throw new UnsupportedOperationException();
  }
}
