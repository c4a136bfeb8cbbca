package io.vnet.io.loop;

import org.jspecify.annotations.Nullable;

/**
 * Many writes in one system call, in order, on an island's own thread.
 *
 * <p>A batch is any number of {@link #add} and {@link #refuse} with places from 0 on, then {@link
 * #run}, then {@link #result}. The memory must stay until {@code run} returns, which is when the
 * kernel has taken it all.
 */
public interface BatchWriter {
  /** The calling thread's; null if it has none. */
  static @Nullable BatchWriter current() {
    return Thread.currentThread() instanceof IslandThread thread ? thread.handler() : null;
  }

  /** How many places a batch has. */
  int places();

  /** Adds a write(2) to a descriptor that does not block. */
  void add(int place, int fd, long address, int length);

  /** Gives a place a result without a write. */
  void refuse(int place, int result);

  /** Carries the writes out. */
  void run();

  /** Bytes, or {@code -errno}, of the write at a place. */
  int result(int place);
}
