package io.vnet.tunnel.actor;

import io.vnet.tunnel.core.HandshakeResult;
import io.vnet.tunnel.core.HandshakeWork;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does handshake works away from the island, on few threads at a time, so that a flood of them
 * leaves a processor to the packets. How many wait is bounded by the core, which gives out no more
 * than so many. Safe on any thread.
 *
 * <p><b>Owner</b> of the works and their results until they are taken: erases them at its end.
 */
final class HandshakeLane {
  private static final Logger LOG = LoggerFactory.getLogger(HandshakeLane.class);

  /** Works that a thread does before others of the executor's tasks have their turn. */
  private static final int WORKS_A_TURN = 16;

  private final Executor executor;
  private final Runnable done;

  /** Guards what follows. */
  private final ArrayDeque<HandshakeWork> waiting = new ArrayDeque<>();

  private ArrayDeque<HandshakeResult> results = new ArrayDeque<>();
  private final int threadsMax = Math.max(1, Runtime.getRuntime().availableProcessors() - 1);
  private int threads;
  private boolean closed;

  /**
   * @param executor where the works are done
   * @param done told there that results can be {@linkplain #take taken}; once for all that come
   *     until they are
   */
  HandshakeLane(Executor executor, Runnable done) {
    this.executor = executor;
    this.done = done;
  }

  void add(HandshakeWork work) {
    synchronized (waiting) {
      if (closed) {
        work.erase();
        return;
      }
      waiting.add(work);
      if (threads == threadsMax) {
        return;
      }
      threads++;
    }
    start();
  }

  private void start() {
    try {
      executor.execute(this::turn);
    } catch (RejectedExecutionException e) {
      // The actor system ends, and the tunnel with it.
      close();
    }
  }

  private void turn() {
    for (int i = 0; i < WORKS_A_TURN; i++) {
      HandshakeWork work = next();
      if (work == null) {
        return;
      }
      try {
        HandshakeResult result = work.run();
        if (result != null && isFirst(result)) {
          done.run();
        }
      } catch (RuntimeException | Error e) {
        // One handshake is lost, which its initiator repeats.
        LOG.error("a handshake step failed", e);
        work.erase();
      }
    }
    start();
  }

  private @Nullable HandshakeWork next() {
    synchronized (waiting) {
      HandshakeWork work = waiting.poll();
      if (work == null) {
        threads--;
      }
      return work;
    }
  }

  /** Keeps a result; whether there is none before it. False, too: nobody takes it any more. */
  private boolean isFirst(HandshakeResult result) {
    synchronized (waiting) {
      if (closed) {
        result.erase();
        return false;
      }
      results.add(result);
      return results.size() == 1;
    }
  }

  /** Takes all results in the order in which they came, and their ownership with them. */
  Queue<HandshakeResult> take() {
    synchronized (waiting) {
      ArrayDeque<HandshakeResult> taken = results;
      results = new ArrayDeque<>();
      return taken;
    }
  }

  /** What waits is not done any more, and what is done is erased. */
  void close() {
    synchronized (waiting) {
      closed = true;
      waiting.forEach(HandshakeWork::erase);
      waiting.clear();
      results.forEach(HandshakeResult::erase);
      results.clear();
    }
  }
}
