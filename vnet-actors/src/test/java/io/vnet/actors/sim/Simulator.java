package io.vnet.actors.sim;

import akka.actor.ActorRef;
import akka.dispatch.Mailbox;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Runs tasks one at a time on its own thread, in the order of an {@link Order}, in virtual time.
 *
 * <p>Until {@link #begin} and after {@link #end} tasks run at once on the caller's stack: starting
 * and stopping an actor system waits for answers, which would never come.
 */
final class Simulator {
  private static final Comparator<Lane> BY_KEY = Comparator.comparing(lane -> lane.key);
  private static final String HOST_PREFIX = "/user/" + SimulatedSystem.HOST + "/";
  private static final String URGENT = "/user/" + SimulatedSystem.DEAD_LETTERS;
  private static final int STEPS_MAX = 50_000;
  private static final int NESTED_MAX = 3;

  private final Thread thread = Thread.currentThread();
  private final Trace trace = new Trace();
  private final IdentityHashMap<Mailbox, Lane> mailboxes = new IdentityHashMap<>();
  private final IdentityHashMap<ActorRef, String> names = new IdentityHashMap<>();
  private final Map<String, Lane> lanes = new HashMap<>();
  private final List<Lane> ready = new ArrayList<>();
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private final Map<Class<?>, Long> operations = new HashMap<>();
  private final ArrayDeque<Runnable> atOnce = new ArrayDeque<>();
  private Order order = new Chooser(0);
  private boolean running;
  private boolean draining;
  private long nowNanos;
  private long timerNumbers;
  private long steps;
  private int depth;
  private @Nullable Lane current;
  private @Nullable Violation violation;

  /** A task that becomes ready later. */
  static final class Timer implements Comparable<Timer> {
    private final long atNanos;
    private final long number;
    private final Runnable task;
    private boolean cancelled;

    private Timer(long atNanos, long number, Runnable task) {
      this.atNanos = atNanos;
      this.number = number;
      this.task = task;
    }

    /** Withdraws it; false if it had fired or was withdrawn. */
    boolean cancel() {
      boolean first = !cancelled;
      cancelled = true;
      return first;
    }

    boolean isCancelled() {
      return cancelled;
    }

    @Override
    public int compareTo(Timer other) {
      int byTime = Long.compare(atNanos, other.atNanos);
      return byTime != 0 ? byTime : Long.compare(number, other.number);
    }
  }

  /** From here on tasks wait for their turn. */
  void begin(Order newOrder) {
    order = newOrder;
    mailboxes.clear();
    names.clear();
    lanes.clear();
    ready.clear();
    timers.clear();
    trace.clear();
    nowNanos = 0;
    timerNumbers = 0;
    steps = 0;
    depth = 0;
    violation = null;
    running = true;
  }

  /** From the next step on another order holds, for all lanes. */
  void change(Order newOrder) {
    order = newOrder;
    lanes.values().forEach(lane -> lane.priority = newOrder.priority(lane.key));
  }

  /** From here on tasks run at once. */
  void end() {
    running = false;
  }

  boolean isRunning() {
    return running;
  }

  Trace trace() {
    return trace;
  }

  long steps() {
    return steps;
  }

  long nanoTime() {
    return nowNanos;
  }

  /** The key of the lane whose task runs now; empty outside. */
  String currentKey() {
    return current == null ? "" : current.key;
  }

  /** The first violation ends the schedule after the step in which it was seen. */
  void report(String what) {
    if (violation == null) {
      violation = new Violation(what);
    }
  }

  /** Ends the schedule if something was reported. */
  void throwIfReported() {
    if (violation != null) {
      throw violation;
    }
  }

  /** Counts an operation that a client performs. */
  void performed(Class<?> operation) {
    operations.merge(operation, 1L, Long::sum);
  }

  /** How often each operation was performed, in all schedules. */
  Map<Class<?>, Long> operations() {
    return operations;
  }

  /** What the dispatcher hands in. */
  void submit(Runnable task) {
    if (!running) {
      atOnce(task);
    } else if (task instanceof Mailbox mailbox && mailbox.actor() != null) {
      add(mailboxes.computeIfAbsent(mailbox, this::laneOf), task);
    } else {
      submit("callbacks", task);
    }
  }

  /** A task under a key of its own. */
  void submit(String key, Runnable task) {
    if (running) {
      add(lane(key), task);
    } else {
      atOnce(task);
    }
  }

  /** A task that the executor gets after a time. */
  Timer after(long nanos, Runnable task) {
    Timer timer = new Timer(nowNanos + Math.max(0, nanos), timerNumbers++, task);
    timers.add(timer);
    return timer;
  }

  /** The name of an actor in traces and keys. */
  String nameOf(ActorRef actor) {
    return names.computeIfAbsent(actor, ref -> shortName(ref.path().toStringWithoutAddress()));
  }

  /**
   * Runs until nothing is ready that may run, time standing still.
   *
   * @throws Violation what was reported meanwhile
   */
  void quiesce() {
    boolean more = true;
    while (more) {
      more = step();
    }
  }

  /** Runs the next task of one lane, which must be ready, before all others. */
  void step(String key) {
    for (int i = 0; i < ready.size(); i++) {
      if (ready.get(i).key.equals(key)) {
        run(i);
        return;
      }
    }
    throw new Violation(key + " is not ready, but " + ready);
  }

  /**
   * Runs up to so many steps inside the running one: what other threads do while this one is inside
   * a call. Not deeper than a few calls.
   */
  void meanwhile(int count) {
    if (depth == NESTED_MAX) {
      return;
    }
    Lane outer = current;
    depth++;
    try {
      int left = count;
      while (left > 0 && step()) {
        left--;
      }
    } finally {
      depth--;
      current = outer;
    }
  }

  private boolean step() {
    if (ready.isEmpty()) {
      return false;
    }
    int next = urgent();
    if (next < 0) {
      next = order.choose(ready);
    }
    if (next < 0) {
      return false;
    }
    run(next);
    return true;
  }

  private void run(int next) {
    Lane lane = ready.get(next);
    Runnable task = lane.tasks.remove();
    if (lane.tasks.isEmpty()) {
      ready.remove(next);
    }
    if (++steps > STEPS_MAX) {
      report("no rest after " + STEPS_MAX + " steps; ready: " + ready);
    }
    trace.step(lane);
    current = lane;
    try {
      task.run();
    } finally {
      current = null;
    }
    throwIfReported();
  }

  /** Moves time to the next timer and fires it; false if there is none. */
  boolean advance() {
    Timer timer = timers.poll();
    while (timer != null && timer.cancelled) {
      timer = timers.poll();
    }
    if (timer == null) {
      return false;
    }
    nowNanos = timer.atNanos;
    timer.cancelled = true;
    trace.note("time is " + nowNanos + " ns");
    timer.task.run();
    return true;
  }

  private void atOnce(Runnable task) {
    atOnce.add(task);
    if (draining) {
      return;
    }
    draining = true;
    try {
      for (Runnable next = atOnce.poll(); next != null; next = atOnce.poll()) {
        next.run();
      }
    } finally {
      draining = false;
    }
  }

  private void add(Lane lane, Runnable task) {
    if (Thread.currentThread() != thread) {
      report(lane + ": a task came from thread " + Thread.currentThread().getName());
    }
    lane.tasks.add(task);
    if (lane.tasks.size() == 1) {
      int place = Collections.binarySearch(ready, lane, BY_KEY);
      ready.add(-place - 1, lane);
    }
  }

  private int urgent() {
    for (int i = 0; i < ready.size(); i++) {
      if (ready.get(i).key.equals(URGENT)) {
        return i;
      }
    }
    return -1;
  }

  private Lane laneOf(Mailbox mailbox) {
    return lane(nameOf(mailbox.actor().self()));
  }

  private Lane lane(String key) {
    Lane lane = lanes.get(key);
    if (lane == null) {
      lane = new Lane(key, order.priority(key));
      lanes.put(key, lane);
    }
    return lane;
  }

  private static String shortName(String path) {
    return path.startsWith(HOST_PREFIX) ? path.substring(HOST_PREFIX.length()) : path;
  }
}
