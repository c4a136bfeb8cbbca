package io.vnet.actors.device;

import static java.util.Objects.requireNonNull;

import akka.dispatch.DispatcherPrerequisites;
import akka.dispatch.ExecutorServiceConfigurator;
import akka.dispatch.ExecutorServiceFactory;
import akka.dispatch.MonitorableThreadFactory;
import com.typesafe.config.Config;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The one thread of {@code vnet.control-dispatcher}. An actor of a device has some hundred
 * nanoseconds of work a turn, and hands most of its messages on to others of the same thread: what
 * a thread pool does beside each turn, two locks and a signal, was a tenth of the whole.
 *
 * <p>A task costs two compare-and-sets, which nobody contends for while the thread works for
 * itself, and a node of 24 bytes. Who gives it a task while it sleeps wakes it, one of them if they
 * are several. A task that throws is told to the thread's handler of uncaught exceptions, which is
 * Akka's, and the thread goes on.
 *
 * <p>Safe on any thread.
 */
public final class ControlThread extends AbstractExecutorService {
  /** What {@code reference.conf} names as the dispatcher's executor. */
  public static final class Configurator extends ExecutorServiceConfigurator {
    /** Called by Akka. */
    public Configurator(Config config, DispatcherPrerequisites prerequisites) {
      super(config, prerequisites);
    }

    @Override
    public ExecutorServiceFactory createExecutorServiceFactory(String id, ThreadFactory threads) {
      ThreadFactory named =
          threads instanceof MonitorableThreadFactory akkas
              ? akkas.withName(akkas.name() + "-" + id)
              : threads;
      return () -> new ControlThread(named);
    }
  }

  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean asleep = new AtomicBoolean();
  private final CountDownLatch terminated = new CountDownLatch(1);
  private final Thread thread;
  private volatile boolean shutdown;
  private volatile boolean ended;

  ControlThread(ThreadFactory threads) {
    thread = requireNonNull(threads.newThread(this::run), "the factory makes no threads");
    thread.start();
  }

  private void run() {
    while (true) {
      Runnable task = tasks.poll();
      if (task != null) {
        run(task);
      } else if (shutdown) {
        break;
      } else {
        sleep();
      }
    }
    // Who added a task before this is seen has it run here; who sees it takes the task back.
    ended = true;
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      run(task);
    }
    terminated.countDown();
  }

  private void run(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) {
      requireNonNull(thread.getUncaughtExceptionHandler()).uncaughtException(thread, e);
    }
  }

  private void sleep() {
    asleep.set(true);
    if (tasks.isEmpty() && !shutdown) {
      LockSupport.park(this);
    }
    asleep.set(false);
    // An interrupt is a task's to notice; left here it would end each sleep at once.
    Thread.interrupted();
  }

  private void wake() {
    if (asleep.get() && asleep.compareAndSet(true, false)) {
      LockSupport.unpark(thread);
    }
  }

  @Override
  public void execute(Runnable task) {
    if (shutdown) {
      throw refusal();
    }
    tasks.add(task);
    if (ended && tasks.remove(task)) {
      throw refusal();
    }
    wake();
  }

  private RejectedExecutionException refusal() {
    return new RejectedExecutionException(thread.getName() + " was shut down");
  }

  /** What was given before is still run. */
  @Override
  public void shutdown() {
    shutdown = true;
    LockSupport.unpark(thread);
  }

  @Override
  public List<Runnable> shutdownNow() {
    shutdown = true;
    List<Runnable> left = new ArrayList<>();
    for (@Nullable Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      left.add(task);
    }
    thread.interrupt();
    return left;
  }

  @Override
  public boolean isShutdown() {
    return shutdown;
  }

  @Override
  public boolean isTerminated() {
    return terminated.getCount() == 0;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
    return terminated.await(timeout, unit);
  }
}
