package io.vnet.tunnel.core;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Random bytes for keys, indices and jitter. Safe on any thread. */
@FunctionalInterface
public interface Entropy {
  /** Fills an array. */
  void fill(byte[] bytes);

  /** Eight of them. */
  default long nextLong() {
    byte[] bytes = new byte[Long.BYTES];
    fill(bytes);
    return MemorySegment.ofArray(bytes).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
  }
}
