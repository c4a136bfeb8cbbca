package io.vnet.tunnel.core;

/** Random bytes for keys, indices and jitter. Safe on any thread. */
@FunctionalInterface
public interface Entropy {
  /** Fills an array. */
  void fill(byte[] bytes);
}
