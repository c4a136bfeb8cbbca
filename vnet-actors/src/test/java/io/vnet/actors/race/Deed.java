package io.vnet.actors.race;

import java.util.function.BiConsumer;

/**
 * What one side does.
 *
 * @param name as in the specification
 * @param stop where it can be stopped while the other side does its deed
 * @param start its first step
 */
record Deed(String name, Stop stop, BiConsumer<Cast, Role> start) {
  /** Where a deed can be stopped. */
  sealed interface Stop {}

  /** Nowhere: it is one message to the actor that decides. */
  record Nowhere() implements Stop {}

  /** Between its first step and its second, on its own thread. */
  record BetweenSteps() implements Stop {}

  /** Inside a call on the backend. */
  record InsideCall() implements Stop {}

  /**
   * Where an actor or a blocking call is to carry out a part of it.
   *
   * @param lane prefix of the lane that stands still
   * @param what for people
   */
  record AtLane(String lane, String what) implements Stop {}

  /** The same with another place to stop at. */
  Deed stoppedAt(String lane, String what) {
    return new Deed(name, new AtLane(lane, what), start);
  }

  boolean canStop() {
    return !(stop instanceof Nowhere);
  }

  String stopText() {
    return switch (stop) {
      case Nowhere _ -> "";
      case BetweenSteps _ -> "between its two steps";
      case InsideCall _ -> "inside its call";
      case AtLane(_, var what) -> what;
    };
  }
}
