package io.vnet.api.port;

import java.util.concurrent.Executor;

/**
 * One I/O thread that owns a poller and a task queue. A stream whose stages run here moves packets
 * without changing threads.
 *
 * <p>{@code execute} is safe on any thread and never runs the task on the caller's stack. A task
 * must not block.
 */
public interface Island extends Executor {
  /** Unique within the process: {@code vnet-island-0}. */
  String name();

  /**
   * As {@code execute}; but what is given here on the island's own thread runs only after the
   * island has looked at its poller. For work that goes on as long as there is some: it takes turns
   * with all else on this thread, and keeps no other device waiting.
   *
   * @throws java.util.concurrent.RejectedExecutionException the island has ended
   */
  default void executeInTurn(Runnable task) {
    execute(task);
  }

  /** Whether the calling thread is this island's. */
  boolean inIsland();
}
