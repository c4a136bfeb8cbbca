package io.vnet.tunnel.quick;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** What undoes the steps that have been taken. One thread at a time. */
final class Undos {
  private final Deque<Runnable> undos = new ArrayDeque<>();

  void push(Runnable undo) {
    undos.push(undo);
  }

  /** Runs them, last first, each once, whatever becomes of the others; what failed. */
  List<RuntimeException> run() {
    List<RuntimeException> failures = new ArrayList<>();
    while (!undos.isEmpty()) {
      try {
        undos.pop().run();
      } catch (RuntimeException e) {
        failures.add(e);
      }
    }
    return failures;
  }
}
