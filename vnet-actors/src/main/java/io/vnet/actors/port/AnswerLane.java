package io.vnet.actors.port;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Takes users' callbacks from the actors' thread to where they may block.
 *
 * <p>Waking a thread costs an actor more than the answer itself. So the answers that the actors
 * give in one round are handed over together, behind whatever is queued for the actors' thread when
 * the first of them is given; where nothing is queued that is at once. From there on each is a task
 * of its own, in order: one that blocks leaves the others to another thread of the target.
 *
 * <p>Safe on any thread.
 */
public final class AnswerLane implements Executor {
  private final Executor actors;
  private final Executor target;
  private final Queue<Runnable> answers = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean handedOver = new AtomicBoolean();

  /**
   * @param actors runs the actors' mailboxes in order
   * @param target runs the answers
   */
  public AnswerLane(Executor actors, Executor target) {
    this.actors = actors;
    this.target = target;
  }

  @Override
  public void execute(Runnable answer) {
    answers.add(answer);
    if (!handedOver.get() && handedOver.compareAndSet(false, true)) {
      try {
        actors.execute(() -> target.execute(this::next));
      } catch (RejectedExecutionException | IllegalStateException e) {
        target.execute(this::next);
      }
    }
  }

  private void next() {
    Runnable answer = answers.poll();
    if (answers.isEmpty()) {
      handedOver.set(false);
      if (!answers.isEmpty() && handedOver.compareAndSet(false, true)) {
        target.execute(this::next);
      }
    } else {
      target.execute(this::next);
    }
    if (answer != null) {
      answer.run();
    }
  }
}
