package io.vnet.actors.core;

import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.InterfaceState;
import java.util.List;
import java.util.Optional;

/**
 * All that the rules of one softc know.
 *
 * <p>Invariants, checked at construction: a holder exists exactly in OPEN and CLOSING; nobody is
 * parked but in CLOSING, and never while dying; nobody waits and nothing is renamed in a teardown;
 * a teardown is condemned.
 *
 * @param driver whose rules hold
 * @param phase where it is in its life
 * @param condemned nobody can call the destruction off: it was forced, or the device is a transient
 *     one that was closed, or the teardown runs
 * @param transientDevice destroy itself at the last close
 * @param holder who has it open
 * @param parked who opens as soon as the close under way is carried out
 * @param waiters destroyers that may still withdraw, by request number
 * @param renames alias swaps under way; each keeps the device busy
 * @param network the interface end
 * @param teardown what has been done of the teardown
 */
public record SoftcState(
    DriverKind driver,
    Phase phase,
    boolean condemned,
    boolean transientDevice,
    Optional<Opener> holder,
    Optional<Opener> parked,
    List<Long> waiters,
    int renames,
    InterfaceState network,
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
   * @param bringUp whether the open brings the interface up
   */
  public record Opener(long handle, long pid, boolean bringUp) {}

  /**
   * The steps of a teardown that are done.
   *
   * @param backend whether there is a backend to quiesce and release
   * @param unbound the node's names are gone
   * @param detaching the vnet and the backend were told
   * @param detached the vnet has let go: it tells this softc nothing more
   * @param quiesced no I/O is in flight
   * @param drained a grace period has passed since
   */
  public record Teardown(
      boolean backend,
      boolean unbound,
      boolean detaching,
      boolean detached,
      boolean quiesced,
      boolean drained) {
    static final Teardown NONE = new Teardown(false, false, false, false, false, false);

    Teardown withUnbound() {
      return new Teardown(backend, true, detaching, detached, quiesced, drained);
    }

    Teardown withDetaching() {
      return new Teardown(backend, unbound, true, detached, !backend, drained);
    }

    Teardown withDetached() {
      return new Teardown(backend, unbound, detaching, true, quiesced, drained);
    }

    Teardown withQuiesced() {
      return new Teardown(backend, unbound, detaching, detached, true, drained);
    }

    Teardown withDrained() {
      return new Teardown(backend, unbound, detaching, detached, quiesced, true);
    }

    /** Whether nothing stands before the release any more. */
    boolean mayRelease() {
      return unbound && detached && drained;
    }
  }

  /** Checks the invariants. */
  public SoftcState {
    waiters = List.copyOf(waiters);
    boolean held = phase == Phase.OPEN || phase == Phase.CLOSING;
    boolean ending = phase == Phase.TEARDOWN || phase == Phase.GONE;
    check(holder.isPresent() == held, phase, "holder", holder);
    check(
        parked.isEmpty() || (phase == Phase.CLOSING && !condemned && waiters.isEmpty()),
        phase,
        "parked",
        parked);
    check(waiters.isEmpty() || !ending, phase, "waiters", waiters);
    check(renames == 0 || (renames > 0 && !ending), phase, "renames", renames);
    check(condemned || !ending, phase, "condemned", condemned);
  }

  private static void check(boolean holds, Phase phase, String what, Object value) {
    if (!holds) {
      throw new IllegalStateException(phase + " with " + what + " " + value);
    }
  }

  /** A softc whose backend is being opened. */
  public static SoftcState creating(DeviceId device, int mtu, boolean up, boolean transientDevice) {
    return new SoftcState(
        device.name().driver(),
        Phase.CREATING,
        false,
        transientDevice,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        0,
        InterfaceRules.created(device.name(), mtu, up),
        Teardown.NONE);
  }

  /** A destroyer waits or is at work: nobody becomes busy any more. */
  public boolean dying() {
    return condemned || !waiters.isEmpty();
  }

  /** How many reasons there are not to tear down: the holder, and each rename under way. */
  public int busy() {
    return (holder.isPresent() ? 1 : 0) + renames;
  }

  SoftcState withPhase(Phase newPhase) {
    return new SoftcState(
        driver,
        newPhase,
        condemned,
        transientDevice,
        holder,
        parked,
        waiters,
        renames,
        network,
        teardown);
  }

  SoftcState condemn() {
    return new SoftcState(
        driver,
        phase,
        true,
        transientDevice,
        holder,
        Optional.empty(),
        waiters,
        renames,
        network,
        teardown);
  }

  SoftcState withWaiters(List<Long> newWaiters) {
    return new SoftcState(
        driver,
        phase,
        condemned,
        transientDevice,
        holder,
        newWaiters.isEmpty() ? parked : Optional.empty(),
        newWaiters,
        renames,
        network,
        teardown);
  }

  SoftcState withTransient(boolean newTransient) {
    return new SoftcState(
        driver,
        phase,
        condemned,
        newTransient,
        holder,
        parked,
        waiters,
        renames,
        network,
        teardown);
  }

  SoftcState withParked(Opener newParked) {
    return new SoftcState(
        driver,
        phase,
        condemned,
        transientDevice,
        holder,
        Optional.of(newParked),
        waiters,
        renames,
        network,
        teardown);
  }

  SoftcState withRenames(int newRenames) {
    return new SoftcState(
        driver,
        phase,
        condemned,
        transientDevice,
        holder,
        parked,
        waiters,
        newRenames,
        network,
        teardown);
  }

  SoftcState withNetwork(InterfaceState newNetwork) {
    return new SoftcState(
        driver,
        phase,
        condemned,
        transientDevice,
        holder,
        parked,
        waiters,
        renames,
        newNetwork,
        teardown);
  }

  SoftcState opened(Opener opener) {
    return new SoftcState(
        driver,
        Phase.OPEN,
        condemned,
        transientDevice,
        Optional.of(opener),
        Optional.empty(),
        waiters,
        renames,
        InterfaceRules.opened(network, driver, opener.pid(), opener.bringUp()),
        teardown);
  }

  SoftcState closed() {
    return new SoftcState(
        driver,
        Phase.IDLE,
        condemned,
        transientDevice,
        Optional.empty(),
        Optional.empty(),
        waiters,
        renames,
        InterfaceRules.closed(network, driver),
        teardown);
  }

  SoftcState tearingDown(Teardown newTeardown) {
    return new SoftcState(
        driver,
        Phase.TEARDOWN,
        true,
        transientDevice,
        Optional.empty(),
        Optional.empty(),
        List.of(),
        0,
        network,
        newTeardown);
  }
}
