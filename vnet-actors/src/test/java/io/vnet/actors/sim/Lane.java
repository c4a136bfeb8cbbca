package io.vnet.actors.sim;

import java.util.ArrayDeque;

/** Tasks that keep their order among themselves: an actor's mailbox, a client, a blocking task. */
final class Lane {
  final String key;
  final ArrayDeque<Runnable> tasks = new ArrayDeque<>(4);

  /** Of the random priorities; the highest runs. */
  long priority;

  Lane(String key, long priority) {
    this.key = key;
    this.priority = priority;
  }

  @Override
  public String toString() {
    return key;
  }
}
