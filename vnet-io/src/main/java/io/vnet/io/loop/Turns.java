package io.vnet.io.loop;

import io.netty.channel.SingleThreadEventLoop;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;

/**
 * Tasks of a loop's own that run after a look at its poller: without this a task that asks to be
 * run again would keep Netty's loop from its poller for as long as a second.
 *
 * <p>Each task runs once, in order. Those of a turn are run at the end of the loop's round; what is
 * added meanwhile waits for the end of the next one.
 *
 * <p>On the loop's thread, but for {@link #runRest}. <b>Allocation:</b> none.
 */
final class Turns {
  private final SingleThreadEventLoop loop;
  private final Queue<Runnable> waiting = new ArrayDeque<>();
  private final Runnable turn = this::run;
  private final Runnable nextTurn;
  private boolean scheduled;
  private boolean running;

  Turns(SingleThreadEventLoop loop) {
    this.loop = loop;
    this.nextTurn = () -> loop.executeAfterEventLoopIteration(turn);
  }

  /**
   * One more for the next turn.
   *
   * @throws RejectedExecutionException the loop takes no task any more
   */
  void add(Runnable task) {
    if (!scheduled) {
      schedule();
    }
    waiting.add(task);
  }

  private void schedule() {
    if (running) {
      // The end of this round goes on as long as something is added to it.
      loop.execute(nextTurn);
    } else {
      loop.executeAfterEventLoopIteration(turn);
    }
    scheduled = true;
  }

  private void run() {
    scheduled = false;
    running = true;
    try {
      for (int left = waiting.size(); left > 0; left--) {
        waiting.remove().run();
      }
    } finally {
      // Those behind one that threw.
      if (!scheduled && !waiting.isEmpty()) {
        schedule();
      }
      running = false;
    }
  }

  /** When the loop has ended: what it was promised and did not run. */
  void runRest() {
    for (Runnable task = waiting.poll(); task != null; task = waiting.poll()) {
      task.run();
    }
  }
}
