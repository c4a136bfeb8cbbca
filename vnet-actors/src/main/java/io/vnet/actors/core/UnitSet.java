package io.vnet.actors.core;

import io.vnet.api.device.DeviceName;
import java.util.Arrays;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The units of one driver that are in use: 0 to 32767, lowest free first. Immutable.
 *
 * <p>A bit a unit, in as many words as the highest one needs: 24 bytes for a handful of devices, 4
 * KiB for all of them, which is what a change copies.
 *
 * <p>Source: if_tuntap specification, section 1.3; unr(9).
 */
public final class UnitSet {
  private static final int UNITS = DeviceName.MAX_UNIT + 1;
  private static final UnitSet EMPTY = new UnitSet(new long[0]);

  private final long[] words;

  private UnitSet(long[] words) {
    this.words = words;
  }

  /** No unit in use. */
  public static UnitSet empty() {
    return EMPTY;
  }

  /** Whether a unit is in use. */
  public boolean contains(int unit) {
    int word = unit >> 6;
    return unit >= 0 && word < words.length && (words[word] & 1L << unit) != 0;
  }

  /** The lowest unit that is not in use; empty if all are. */
  public OptionalInt lowestFree() {
    return lowestFree(0);
  }

  /** The lowest unit from {@code from} on that is not in use; empty if all are. */
  public OptionalInt lowestFree(int from) {
    for (int word = from >> 6; word < words.length; word++) {
      long free = ~words[word];
      if (word == from >> 6) {
        free &= -1L << from;
      }
      if (free != 0) {
        return OptionalInt.of((word << 6) + Long.numberOfTrailingZeros(free));
      }
    }
    int next = Math.max(from, words.length << 6);
    return next < UNITS ? OptionalInt.of(next) : OptionalInt.empty();
  }

  /** Whether {@link #with} would take this unit: in range and not in use. */
  public boolean isFree(int unit) {
    return unit >= 0 && unit < UNITS && !contains(unit);
  }

  /**
   * The set with one more unit in use.
   *
   * @throws IllegalArgumentException if it is not {@linkplain #isFree free}
   */
  public UnitSet with(int unit) {
    if (!isFree(unit)) {
      throw new IllegalArgumentException("unit " + unit + " is not free");
    }
    long[] copy = Arrays.copyOf(words, Math.max(words.length, (unit >> 6) + 1));
    copy[unit >> 6] |= 1L << unit;
    return new UnitSet(copy);
  }

  /**
   * The set with one unit less in use.
   *
   * @throws IllegalArgumentException if it was not in use
   */
  public UnitSet without(int unit) {
    if (!contains(unit)) {
      throw new IllegalArgumentException("unit " + unit + " is not in use");
    }
    long[] copy = words.clone();
    copy[unit >> 6] &= ~(1L << unit);
    int length = copy.length;
    while (length > 0 && copy[length - 1] == 0) {
      length--;
    }
    return length == 0 ? EMPTY : new UnitSet(Arrays.copyOf(copy, length));
  }

  /** How many units are in use. */
  public int size() {
    int sum = 0;
    for (long word : words) {
      sum += Long.bitCount(word);
    }
    return sum;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof UnitSet set && Arrays.equals(words, set.words);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(words);
  }

  @Override
  public String toString() {
    return size() + " units in use";
  }
}
