package io.vnet.io.loop;

import org.jspecify.annotations.Nullable;

/**
 * The thread of an island over io_uring: knows its poller, so that writes from it find the ring.
 */
final class IslandThread extends Thread {
  private @Nullable UringHandler handler;

  IslandThread(Runnable task, String name) {
    super(task, name);
    setDaemon(true);
  }

  @Nullable UringHandler handler() {
    return handler;
  }

  void serve(@Nullable UringHandler newHandler) {
    handler = newHandler;
  }
}
