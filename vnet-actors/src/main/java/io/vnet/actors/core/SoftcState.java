package io.vnet.actors.core;

import java.util.List;
import java.util.Optional;

/**
 * All that the rules of one softc know.
 *
 * <p>Invariants, checked at construction: a holder exists exactly in OPEN and CLOSING (busy is 1
 * then); nobody is parked but in CLOSING, and never while dying; waiters only while dying.
 *
 * @param phase where it is in its life
 * @param dying a destroyer waits or is at work: nobody becomes busy any more
 * @param transientDevice destroy itself at the last close
 * @param holder who has it open
 * @param parked who opens as soon as the close under way is carried out
 * @param waiters destroyers that may still withdraw, by request number
 * @param teardown what has been done of the teardown
 */
public record SoftcState(
    Phase phase,
    boolean dying,
    boolean transientDevice,
    Optional<Opener> holder,
    Optional<Opener> parked,
    List<Long> waiters,
    Teardown teardown) {

  /** Where a softc is in its life. */
  public enum Phase {
    CREATING,
    IDLE,
    OPEN,
    CLOSING,
    TEARDOWN,
    GONE
  }

  /**
   * Who opens.
   *
   * @param handle the handle's number, unique in the process
   * @param pid the process
   */
  public record Opener(long handle, long pid) {}

  /**
   * The steps of a teardown that are done.
   *
   * @param backend whether there is a backend to quiesce and release
   * @param unbound the node's names are gone
   * @param detaching the interface left its vnet and the backend was told to quiesce
   * @param quiesced no I/O is in flight
   * @param drained a grace period has passed since
   */
  public record Teardown(
      boolean backend, boolean unbound, boolean detaching, boolean quiesced, boolean drained) {
    static final Teardown NONE = new Teardown(false, false, false, false, false);
  }

  /** Checks the invariants. */
  public SoftcState {
    waiters = List.copyOf(waiters);
    boolean held = phase == Phase.OPEN || phase == Phase.CLOSING;
    if (holder.isPresent() != held) {
      throw new IllegalStateException(phase + " with holder " + holder);
    }
    if (parked.isPresent() && (phase != Phase.CLOSING || dying)) {
      throw new IllegalStateException(phase + ", dying=" + dying + ", with parked " + parked);
    }
    if (!waiters.isEmpty() && !dying) {
      throw new IllegalStateException("waiters " + waiters + " without dying");
    }
  }

  /** A softc whose backend is being opened. */
  public static SoftcState creating(boolean transientDevice) {
    return new SoftcState(
        Phase.CREATING,
        false,
        transientDevice,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        Teardown.NONE);
  }

  /** How many reasons there are not to tear down: 1 while somebody holds it, else 0. */
  public int busy() {
    return holder.isPresent() ? 1 : 0;
  }

  SoftcState withPhase(Phase newPhase) {
    return new SoftcState(newPhase, dying, transientDevice, holder, parked, waiters, teardown);
  }

  SoftcState withDying(boolean newDying, List<Long> newWaiters) {
    return new SoftcState(phase, newDying, transientDevice, holder, parked, newWaiters, teardown);
  }

  SoftcState withTransient(boolean newTransient) {
    return new SoftcState(phase, dying, newTransient, holder, parked, waiters, teardown);
  }

  SoftcState opened(Opener opener) {
    return new SoftcState(
        Phase.OPEN,
        dying,
        transientDevice,
        Optional.of(opener),
        Optional.empty(),
        waiters,
        teardown);
  }

  SoftcState withParked(Optional<Opener> newParked) {
    return new SoftcState(phase, dying, transientDevice, holder, newParked, waiters, teardown);
  }

  SoftcState idle() {
    return new SoftcState(
        Phase.IDLE, dying, transientDevice, Optional.empty(), Optional.empty(), waiters, teardown);
  }

  SoftcState tearingDown(Teardown newTeardown) {
    return new SoftcState(
        Phase.TEARDOWN,
        true,
        transientDevice,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        newTeardown);
  }
}
