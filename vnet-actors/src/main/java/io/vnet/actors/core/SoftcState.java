package io.vnet.actors.core;

import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.InterfaceState;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

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
    return with(draft -> draft.phase = newPhase);
  }

  SoftcState condemn() {
    return with(draft -> {
      draft.condemned = true;
      draft.parked = Optional.empty();
    });
  }

  SoftcState withWaiters(List<Long> newWaiters) {
    return with(draft -> {
      draft.parked = newWaiters.isEmpty() ? parked : Optional.empty();
      draft.waiters = newWaiters;
    });
  }

  SoftcState withTransient(boolean newTransient) {
    return with(draft -> draft.transientDevice = newTransient);
  }

  SoftcState withParked(Opener newParked) {
    return with(draft -> draft.parked = Optional.of(newParked));
  }

  SoftcState withRenames(int newRenames) {
    return with(draft -> draft.renames = newRenames);
  }

  SoftcState withNetwork(InterfaceState newNetwork) {
    return with(draft -> draft.network = newNetwork);
  }

  SoftcState opened(Opener opener) {
    return with(draft -> {
      draft.phase = Phase.OPEN;
      draft.holder = Optional.of(opener);
      draft.parked = Optional.empty();
      draft.network = InterfaceRules.opened(network, driver, opener.pid(), opener.bringUp());
    });
  }

  SoftcState closed() {
    return with(draft -> {
      draft.phase = Phase.IDLE;
      draft.holder = Optional.empty();
      draft.parked = Optional.empty();
      draft.network = InterfaceRules.closed(network, driver);
    });
  }

  SoftcState tearingDown(Teardown newTeardown) {
    return with(draft -> {
      draft.phase = Phase.TEARDOWN;
      draft.condemned = true;
      draft.holder = Optional.empty();
      draft.parked = Optional.empty();
      draft.waiters = List.of();
      draft.renames = 0;
      draft.teardown = newTeardown;
    });
  }

  private SoftcState with(Consumer<Draft> change) {
    Draft draft = new Draft();
    change.accept(draft);
    return draft.state();
  }

  /** The components that a copy may have otherwise. */
  private final class Draft {
    private Phase phase = SoftcState.this.phase;
    private boolean condemned = SoftcState.this.condemned;
    private boolean transientDevice = SoftcState.this.transientDevice;
    private Optional<Opener> holder = SoftcState.this.holder;
    private Optional<Opener> parked = SoftcState.this.parked;
    private List<Long> waiters = SoftcState.this.waiters;
    private int renames = SoftcState.this.renames;
    private InterfaceState network = SoftcState.this.network;
    private Teardown teardown = SoftcState.this.teardown;

    SoftcState state() {
      return new SoftcState(
          driver,
          phase,
          condemned,
          transientDevice,
          holder,
          parked,
          waiters,
          renames,
          network,
          teardown);
    }
  }
}
