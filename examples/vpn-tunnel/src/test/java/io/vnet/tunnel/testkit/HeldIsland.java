package io.vnet.tunnel.testkit;

import io.vnet.api.port.Island;
import java.util.ArrayDeque;

/** An island whose tasks run when the test says so, on the test's thread. */
public final class HeldIsland implements Island {
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();

  @Override
  public String name() {
    return "held";
  }

  @Override
  public boolean inIsland() {
    return true;
  }

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  /** Runs what there is, and what comes of it. */
  public void runTasks() {
    while (!tasks.isEmpty()) {
      tasks.remove().run();
    }
  }
}
