package io.vnet.tunnel.core;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Whom a 32-bit index names: a {@link Keypair} or a {@link PendingHandshake}. Open addressing with
 * linear probing, at most half full. Indices are random, so they are their own hashes: what others
 * ask for does not change where entries lie.
 *
 * <p><b>Owner:</b> the core's thread.
 *
 * <p><b>Cost:</b> a lookup reads a key and an entry, seldom more, and allocates nothing; only
 * adding does, when the table grows. It does not shrink.
 */
final class IndexTable {
  private static final int INITIAL_SLOTS = 16;

  private final Entropy entropy;
  private final byte[] random = new byte[Integer.BYTES];
  private int[] keys = new int[INITIAL_SLOTS];
  private @Nullable Object[] entries = new @Nullable Object[INITIAL_SLOTS];
  private int size;

  IndexTable(Entropy entropy) {
    this.entropy = entropy;
  }

  /** What an index names; null: nothing. */
  @Nullable Object get(int index) {
    return entries[find(index)];
  }

  /** Draws an index that names nothing. It is not taken before {@link #put}. */
  int draw() {
    int index;
    do {
      entropy.fill(random);
      index =
          (random[0] & 255)
              | (random[1] & 255) << 8
              | (random[2] & 255) << 16
              | (random[3] & 255) << 24;
    } while (get(index) != null);
    return index;
  }

  /** Names an entry, in place of another if there is one. */
  void put(int index, Object entry) {
    int slot = find(index);
    if (entries[slot] == null) {
      if (2 * (size + 1) > entries.length) {
        grow();
        slot = find(index);
      }
      keys[slot] = index;
      size++;
    }
    entries[slot] = entry;
  }

  /** Forgets an index if it still names this entry. */
  @SuppressWarnings("ReferenceEquality") // This very entry.
  void remove(int index, Object entry) {
    int gap = find(index);
    if (entries[gap] != entry) {
      return;
    }
    int mask = entries.length - 1;
    for (int slot = (gap + 1) & mask; entries[slot] != null; slot = (slot + 1) & mask) {
      // An entry moves into the gap if its own place is not behind the gap.
      if (((slot - keys[slot]) & mask) >= ((slot - gap) & mask)) {
        keys[gap] = keys[slot];
        entries[gap] = entries[slot];
        gap = slot;
      }
    }
    entries[gap] = null;
    size--;
  }

  int size() {
    return size;
  }

  /** The slot of an index, or the empty one where it would be. */
  private int find(int index) {
    int mask = entries.length - 1;
    int slot = index & mask;
    while (entries[slot] != null && keys[slot] != index) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    int[] oldKeys = keys;
    @Nullable Object[] oldEntries = entries;
    keys = new int[2 * oldKeys.length];
    entries = new @Nullable Object[keys.length];
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldEntries[i] != null) {
        int slot = find(oldKeys[i]);
        keys[slot] = oldKeys[i];
        entries[slot] = Objects.requireNonNull(oldEntries[i]);
      }
    }
  }
}
