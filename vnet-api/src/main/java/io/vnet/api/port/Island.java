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

  /** Whether the calling thread is this island's. */
  boolean inIsland();
}
