package io.vnet.actors.sim;

/** What a schedule broke. */
final class Violation extends RuntimeException {
  private static final long serialVersionUID = 1;

  Violation(String what) {
    super(what);
  }
}
