package io.vnet.actors.sim;

/**
 * What the clients of a schedule do and what may go wrong, in percent.
 *
 * @param hostPercent devices with a simulated host backend; the others are in memory
 * @param transientPercent devices that are transient from the start
 * @param faultPercent operations that are a fault: an actor crashes, a backend is lost
 * @param throwPercent calls of a host backend that fail or throw
 * @param stallPercent readers, blocking tasks and quiescing backends that go on only when time does
 * @param lostPercent blocking tasks that never run; in no ordinary mix, as nothing survives that
 * @param terminatePercent operations that end the host while others work
 * @param failPercent operations that make an actor fail that the devices share, and the host with
 *     it
 * @param blockingPercent host backends whose calls may block, and so run in lanes of their own
 */
record Mix(
    int hostPercent,
    int transientPercent,
    int faultPercent,
    int throwPercent,
    int stallPercent,
    int lostPercent,
    int terminatePercent,
    int failPercent,
    int blockingPercent) {
  private static final long FAILING = 20;
  private static final Mix[] ALL = {
    new Mix(0, 20, 0, 0, 0, 0, 0, 0, 80),
    new Mix(100, 20, 0, 0, 0, 0, 0, 0, 80),
    new Mix(50, 80, 0, 0, 2, 0, 2, 0, 80),
    new Mix(50, 20, 0, 0, 10, 0, 3, 0, 80),
    new Mix(90, 20, 0, 12, 5, 0, 2, 0, 80),
    new Mix(50, 40, 12, 0, 2, 0, 2, 0, 80),
    new Mix(90, 40, 12, 12, 5, 0, 2, 0, 80),
  };

  /** The mix of a seed; one in twenty has a host that fails. */
  static Mix of(long seed) {
    Mix mix = ALL[(int) Math.floorMod(seed, (long) ALL.length)];
    return Math.floorMod(seed, FAILING) == FAILING - 1 ? mix.withFailures() : mix;
  }

  /** With readers that stay inside for long, too. */
  private Mix withFailures() {
    return new Mix(
        hostPercent,
        transientPercent,
        faultPercent,
        throwPercent,
        30,
        lostPercent,
        terminatePercent,
        6,
        blockingPercent);
  }
}
