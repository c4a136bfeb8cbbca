package io.vnet.tunnel.core;

/** Random delays, where speed matters and secrecy does not: xorshift64. */
final class Jitter {
  /** Never 0, which it would not leave. */
  private long state;

  Jitter(Entropy entropy) {
    this.state = entropy.nextLong() | 1;
  }

  /** 0 to 333 ms, in nanoseconds. */
  long nextNanos() {
    state ^= state << 13;
    state ^= state >>> 7;
    state ^= state << 17;
    return Long.remainderUnsigned(state, Protocol.JITTER_MAX + 1);
  }
}
