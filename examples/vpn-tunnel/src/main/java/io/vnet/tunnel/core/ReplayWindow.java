package io.vnet.tunnel.core;

/**
 * Which counters of a keypair have been accepted (RFC 6479): a ring of 128 words, one bit for each
 * counter, of which all but the word that is being filled are the window: 8128 counters before the
 * greatest one.
 *
 * <p><b>Cost:</b> an accepted counter reads and writes one word, and clears one more in each 64; no
 * allocation. 1 KiB.
 */
final class ReplayWindow {
  private static final int WORDS = 128;
  private static final int WORD_BITS = 64;
  private static final long WINDOW = (WORDS - 1) * WORD_BITS;

  private final long[] ring = new long[WORDS];
  private long last;

  /**
   * Takes the counter of an authentic message; of no other, as a great one moves the window.
   *
   * @param counter unsigned
   * @return false: it was taken before, is too old, or none that may be used
   */
  boolean accept(long counter) {
    if (Long.compareUnsigned(counter, Keypair.REJECT_AFTER_MESSAGES) >= 0) {
      return false;
    }
    long word = counter >>> 6;
    if (Long.compareUnsigned(counter, last) > 0) {
      long lastWord = last >>> 6;
      long cleared = Math.min(word - lastWord, WORDS);
      for (long i = 1; i <= cleared; i++) {
        ring[slot(lastWord + i)] = 0;
      }
      last = counter;
    } else if (Long.compareUnsigned(last - counter, WINDOW) > 0) {
      return false;
    }
    long bit = 1L << (counter & (WORD_BITS - 1));
    if ((ring[slot(word)] & bit) != 0) {
      return false;
    }
    ring[slot(word)] |= bit;
    return true;
  }

  private static int slot(long word) {
    return (int) word & (WORDS - 1);
  }
}
