package io.vnet.actors.core;

import io.vnet.api.device.DeviceName;
import java.util.Arrays;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * The units of one driver that are in use: 0 to 32767, lowest free first. Immutable.
 *
 * <p>A bit a unit, in blocks of 4096 units that sets share: a change copies one block, 512 bytes at
 * most, and the list of the eight. A block knows which of its words are full, so the lowest free
 * unit costs a look at one word, however many are in use.
 *
 * <p>Source: if_tuntap specification, section 1.3; unr(9).
 */
public final class UnitSet {
  private static final int UNITS = DeviceName.MAX_UNIT + 1;
  private static final int WORD_BITS = 6;
  private static final int BLOCK_BITS = 2 * WORD_BITS;
  private static final int BLOCK_UNITS = 1 << BLOCK_BITS;
  private static final Block NONE = new Block(new long[0], 0);
  private static final UnitSet EMPTY = new UnitSet(new Block[0]);

  private final Block[] blocks;

  private UnitSet(Block[] blocks) {
    this.blocks = blocks;
  }

  /** 4096 units. */
  private static final class Block {
    // As many as the highest unit in use needs.
    private final long[] words;
    // A bit for each word that has no free unit.
    private final long full;

    Block(long[] words, long full) {
      this.words = words;
      this.full = full;
    }

    boolean isEmpty() {
      return words.length == 0;
    }

    boolean contains(int unit) {
      int word = unit >> WORD_BITS;
      return word < words.length && (words[word] & 1L << unit) != 0;
    }

    /** The lowest free unit from {@code from} on; 4096 if there is none. */
    int lowestFree(int from) {
      int first = from >> WORD_BITS;
      if (first < words.length) {
        long free = ~words[first] & -1L << from;
        if (free != 0) {
          return (first << WORD_BITS) + Long.numberOfTrailingZeros(free);
        }
        long roomy = first == Long.SIZE - 1 ? 0 : ~full & (-1L << (first + 1));
        int word = Long.numberOfTrailingZeros(roomy);
        return word < words.length
            ? (word << WORD_BITS) + Long.numberOfTrailingZeros(~words[word])
            : word << WORD_BITS;
      }
      return from;
    }

    Block with(int unit) {
      int word = unit >> WORD_BITS;
      long[] copy = Arrays.copyOf(words, Math.max(words.length, word + 1));
      copy[word] |= 1L << unit;
      return new Block(copy, copy[word] == -1L ? full | 1L << word : full);
    }

    Block without(int unit) {
      int word = unit >> WORD_BITS;
      long left = words[word] & ~(1L << unit);
      int length = words.length;
      if (left == 0 && word == length - 1) {
        do {
          length--;
        } while (length > 0 && words[length - 1] == 0);
        return length == 0 ? NONE : new Block(Arrays.copyOf(words, length), full & ~(1L << word));
      }
      long[] copy = words.clone();
      copy[word] = left;
      return new Block(copy, full & ~(1L << word));
    }

    int size() {
      int sum = 0;
      for (long word : words) {
        sum += Long.bitCount(word);
      }
      return sum;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Block block && Arrays.equals(words, block.words);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(words);
    }
  }

  /** No unit in use. */
  public static UnitSet empty() {
    return EMPTY;
  }

  /** Whether a unit is in use. */
  public boolean contains(int unit) {
    return unit >= 0
        && unit >> BLOCK_BITS < blocks.length
        && blocks[unit >> BLOCK_BITS].contains(unit & (BLOCK_UNITS - 1));
  }

  /** The lowest unit that is not in use; empty if all are. */
  public OptionalInt lowestFree() {
    return lowestFree(0);
  }

  /** The lowest unit from {@code from} on that is not in use; empty if all are. */
  public OptionalInt lowestFree(int from) {
    for (int unit = from; unit < UNITS; unit = ((unit >> BLOCK_BITS) + 1) << BLOCK_BITS) {
      int block = unit >> BLOCK_BITS;
      if (block >= blocks.length) {
        return OptionalInt.of(unit);
      }
      int free = blocks[block].lowestFree(unit & (BLOCK_UNITS - 1));
      if (free < BLOCK_UNITS) {
        return OptionalInt.of((block << BLOCK_BITS) + free);
      }
    }
    return OptionalInt.empty();
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
    int block = unit >> BLOCK_BITS;
    Block[] copy = resized(Math.max(blocks.length, block + 1));
    copy[block] = copy[block].with(unit & (BLOCK_UNITS - 1));
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
    int block = unit >> BLOCK_BITS;
    Block left = blocks[block].without(unit & (BLOCK_UNITS - 1));
    int length = blocks.length;
    if (left.isEmpty() && block == length - 1) {
      do {
        length--;
      } while (length > 0 && blocks[length - 1].isEmpty());
      return length == 0 ? EMPTY : new UnitSet(resized(length));
    }
    Block[] copy = blocks.clone();
    copy[block] = left;
    return new UnitSet(copy);
  }

  private Block[] resized(int length) {
    Block[] copy = new Block[length];
    Arrays.fill(copy, NONE);
    System.arraycopy(blocks, 0, copy, 0, Math.min(length, blocks.length));
    return copy;
  }

  /** How many units are in use. */
  public int size() {
    int sum = 0;
    for (Block block : blocks) {
      sum += block.size();
    }
    return sum;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof UnitSet set && Arrays.equals(blocks, set.blocks);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(blocks);
  }

  @Override
  public String toString() {
    return size() + " units in use";
  }
}
