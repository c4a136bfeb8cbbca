package io.vnet.actors.core;

import io.vnet.actors.core.SoftcEvent.BackendFailed;
import io.vnet.actors.core.SoftcEvent.BackendReady;
import io.vnet.actors.core.SoftcEvent.CancelDestroy;
import io.vnet.actors.core.SoftcEvent.Close;
import io.vnet.actors.core.SoftcEvent.Destroy;
import io.vnet.actors.core.SoftcEvent.Flushed;
import io.vnet.actors.core.SoftcEvent.Lost;
import io.vnet.actors.core.SoftcEvent.NodeUnbound;
import io.vnet.actors.core.SoftcEvent.Open;
import io.vnet.actors.core.SoftcEvent.Quiesced;
import io.vnet.actors.core.SoftcEvent.ReadersDrained;
import io.vnet.actors.core.SoftcEvent.Released;
import io.vnet.actors.core.SoftcEvent.SetTransient;
import io.vnet.actors.core.SoftcState.Opener;
import io.vnet.actors.core.SoftcState.Phase;
import io.vnet.actors.core.SoftcState.Teardown;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The life of a softc as one total function.
 *
 * <pre>
 *   CREATING --ready--> IDLE --open--> OPEN --close--> CLOSING --flushed--> IDLE
 *   CREATING --failed--------------------------------------------------&gt; TEARDOWN
 *   IDLE     --destroy-------------------------------------------------&gt; TEARDOWN
 *   OPEN, CLOSING --destroy FORCE, lost--------------------------------&gt; TEARDOWN
 *   OPEN, CLOSING --destroy WAIT--&gt; dying; CLOSING --flushed, dying or transient--&gt; TEARDOWN
 *   TEARDOWN --released--> GONE
 * </pre>
 *
 * <p>A teardown: handle revoked, sentinel stored, names unbound (of a transient: by the deferred
 * queue, while the rest goes on), detached, quiesced, readers drained; then, when the names are
 * gone too, released; last, the unit is freed.
 *
 * <p>An event that has no meaning in a phase changes nothing: it is an answer that came late (a
 * close of a revoked handle, a cancel of a request that was answered).
 *
 * <p>Source: if_tuntap specification, sections 2.3, 4.1, 4.2, 5.2, 5.4 to 5.6.
 */
public final class SoftcCore {
  private static final SoftcEffect.Revoke DESTROYED =
      new SoftcEffect.Revoke(Errno.ENXIO, "the device was destroyed");

  private SoftcCore() {}

  /**
   * A state and what to do next.
   *
   * @param state the state after the event
   * @param effects what the actor carries out, in order
   */
  public record Step(SoftcState state, List<SoftcEffect> effects) {
    /** Copies the list. */
    public Step {
      effects = List.copyOf(effects);
    }
  }

  /** What an event does to a softc. Total: defined for each state and each event. */
  public static Step step(SoftcState state, SoftcEvent event) {
    return switch (event) {
      case BackendReady _ -> backendReady(state);
      case BackendFailed(var cause) -> backendFailed(state, cause);
      case Open(var opener) -> open(state, opener);
      case Close(var handle) -> close(state, handle);
      case Flushed _ -> flushed(state);
      case SetTransient(var handle, var on) -> setTransient(state, handle, on);
      case Destroy(var waiter, var policy) ->
          switch (policy) {
            case WAIT -> destroyWaiting(state, waiter);
            case REFUSE -> destroyOrRefuse(state, waiter);
            case FORCE -> destroyByForce(state, DESTROYED);
          };
      case CancelDestroy(var waiter) -> cancel(state, waiter);
      case Lost(var cause) ->
          destroyByForce(state, new SoftcEffect.Revoke(cause.errno(), cause.reason()));
      case NodeUnbound _ -> nodeUnbound(state);
      case Quiesced _ -> quiesced(state);
      case ReadersDrained _ -> readersDrained(state);
      case Released _ -> released(state);
    };
  }

  private static Step backendReady(SoftcState state) {
    if (state.phase() != Phase.CREATING) {
      return same(state);
    }
    if (state.dying()) {
      return startTeardown(
          state,
          true,
          List.of(new SoftcEffect.ReportCreateFailed(destroyedMeanwhile())),
          DESTROYED);
    }
    return new Step(
        state.withPhase(Phase.IDLE),
        List.of(new SoftcEffect.PublishPointer(), new SoftcEffect.ReportCreated()));
  }

  private static Step backendFailed(SoftcState state, VnetException cause) {
    return state.phase() == Phase.CREATING
        ? startTeardown(state, false, List.of(new SoftcEffect.ReportCreateFailed(cause)), DESTROYED)
        : same(state);
  }

  private static Step open(SoftcState state, Opener opener) {
    return switch (state.phase()) {
      case CREATING -> refuse(state, opener, Errno.ENXIO, "being created");
      case IDLE ->
          state.dying()
              ? refuse(state, opener, Errno.EBUSY, "being destroyed")
              : new Step(
                  state.opened(opener),
                  List.of(new SoftcEffect.LinkUp(), new SoftcEffect.GrantOpen(opener)));
      case OPEN -> refuse(state, opener, Errno.EBUSY, heldBy(state));
      case CLOSING -> {
        if (state.dying() || state.transientDevice()) {
          yield refuse(state, opener, Errno.EBUSY, "being destroyed");
        }
        yield state.parked().isPresent()
            ? refuse(state, opener, Errno.EBUSY, heldBy(state))
            : new Step(state.withParked(Optional.of(opener)), List.of());
      }
      case TEARDOWN, GONE -> refuse(state, opener, Errno.EBUSY, "being destroyed");
    };
  }

  private static Step close(SoftcState state, long handle) {
    return state.phase() == Phase.OPEN && holds(state, handle)
        ? new Step(state.withPhase(Phase.CLOSING), List.of(new SoftcEffect.LinkDown()))
        : same(state);
  }

  private static Step flushed(SoftcState state) {
    if (state.phase() != Phase.CLOSING) {
      return same(state);
    }
    List<SoftcEffect> closed =
        List.of(new SoftcEffect.ReportClosed(state.holder().orElseThrow().handle()));
    if (state.dying() || state.transientDevice()) {
      return startTeardown(state.withParked(Optional.empty()).idle(), true, closed, DESTROYED);
    }
    if (state.parked().isEmpty()) {
      return new Step(state.idle(), closed);
    }
    Opener next = state.parked().orElseThrow();
    return new Step(
        state.opened(next),
        join(closed, List.of(new SoftcEffect.LinkUp(), new SoftcEffect.GrantOpen(next))));
  }

  private static Step setTransient(SoftcState state, long handle, boolean on) {
    return state.phase() == Phase.OPEN && holds(state, handle)
        ? new Step(state.withTransient(on), List.of())
        : same(state);
  }

  private static Step destroyWaiting(SoftcState state, long waiter) {
    return switch (state.phase()) {
      case CREATING -> new Step(state.withDying(true, state.waiters()), List.of());
      case IDLE -> startTeardown(state, true, List.of(), DESTROYED);
      case OPEN -> new Step(state.withDying(true, plus(state.waiters(), waiter)), List.of());
      case CLOSING ->
          new Step(
              state.withParked(Optional.empty()).withDying(true, plus(state.waiters(), waiter)),
              refuseParked(state));
      case TEARDOWN, GONE -> same(state);
    };
  }

  private static Step destroyOrRefuse(SoftcState state, long waiter) {
    return switch (state.phase()) {
      case CREATING -> new Step(state.withDying(true, state.waiters()), List.of());
      case IDLE -> startTeardown(state, true, List.of(), DESTROYED);
      case OPEN, CLOSING ->
          new Step(
              state, List.of(new SoftcEffect.RefuseDestroy(waiter, Errno.EBUSY, heldBy(state))));
      case TEARDOWN, GONE ->
          new Step(
              state,
              List.of(new SoftcEffect.RefuseDestroy(waiter, Errno.EBUSY, "being destroyed")));
    };
  }

  private static Step destroyByForce(SoftcState state, SoftcEffect.Revoke revoke) {
    return switch (state.phase()) {
      case CREATING -> new Step(state.withDying(true, state.waiters()), List.of());
      case IDLE, OPEN -> startTeardown(state, true, List.of(), revoke);
      case CLOSING -> startTeardown(state, true, refuseParked(state), revoke);
      case TEARDOWN, GONE -> same(state);
    };
  }

  private static Step cancel(SoftcState state, long waiter) {
    if (state.busy() == 0 || !state.waiters().contains(waiter)) {
      return same(state);
    }
    List<Long> left = state.waiters().stream().filter(other -> other != waiter).toList();
    return new Step(
        state.withDying(!left.isEmpty(), left),
        List.of(new SoftcEffect.RefuseDestroy(waiter, Errno.EINTR, "cancelled while it was open")));
  }

  private static Step startTeardown(
      SoftcState state, boolean backend, List<SoftcEffect> first, SoftcEffect.Revoke revoke) {
    List<SoftcEffect> effects = new ArrayList<>(first);
    effects.add(new SoftcEffect.StoreSentinel());
    effects.add(revoke);
    Teardown none = new Teardown(backend, false, false, false, false);
    if (!state.transientDevice()) {
      effects.add(new SoftcEffect.UnbindNode());
      return new Step(state.tearingDown(none), effects);
    }
    effects.add(new SoftcEffect.DeferUnbindNode());
    return detach(state.tearingDown(none), effects);
  }

  private static Step detach(SoftcState state, List<SoftcEffect> before) {
    Teardown done = state.teardown();
    Teardown next =
        new Teardown(done.backend(), done.unbound(), true, !done.backend(), done.drained());
    return new Step(
        state.tearingDown(next),
        join(
            before,
            List.of(
                new SoftcEffect.Detach(),
                done.backend() ? new SoftcEffect.Quiesce() : new SoftcEffect.Retire())));
  }

  private static Step nodeUnbound(SoftcState state) {
    Teardown done = state.teardown();
    if (state.phase() != Phase.TEARDOWN || done.unbound()) {
      return same(state);
    }
    SoftcState next =
        state.tearingDown(
            new Teardown(done.backend(), true, done.detaching(), done.quiesced(), done.drained()));
    return done.detaching() ? releaseIfDone(next) : detach(next, List.of());
  }

  private static Step quiesced(SoftcState state) {
    Teardown done = state.teardown();
    if (state.phase() != Phase.TEARDOWN || !done.detaching() || done.quiesced()) {
      return same(state);
    }
    return new Step(
        state.tearingDown(new Teardown(done.backend(), done.unbound(), true, true, done.drained())),
        List.of(new SoftcEffect.Retire()));
  }

  private static Step readersDrained(SoftcState state) {
    Teardown done = state.teardown();
    if (state.phase() != Phase.TEARDOWN || !done.quiesced() || done.drained()) {
      return same(state);
    }
    return releaseIfDone(
        state.tearingDown(new Teardown(done.backend(), done.unbound(), true, true, true)));
  }

  private static Step releaseIfDone(SoftcState state) {
    Teardown done = state.teardown();
    return done.unbound() && done.drained()
        ? new Step(state, List.of(new SoftcEffect.Release()))
        : same(state);
  }

  private static Step released(SoftcState state) {
    Teardown done = state.teardown();
    return state.phase() == Phase.TEARDOWN && done.unbound() && done.drained()
        ? new Step(state.withPhase(Phase.GONE), List.of(new SoftcEffect.FreeUnit()))
        : same(state);
  }

  private static Step refuse(SoftcState state, Opener opener, Errno errno, String reason) {
    return new Step(state, List.of(new SoftcEffect.RefuseOpen(opener, errno, reason)));
  }

  private static List<SoftcEffect> refuseParked(SoftcState state) {
    return state.parked().stream()
        .<SoftcEffect>map(
            opener -> new SoftcEffect.RefuseOpen(opener, Errno.EBUSY, "being destroyed"))
        .toList();
  }

  private static boolean holds(SoftcState state, long handle) {
    return state.holder().filter(holder -> holder.handle() == handle).isPresent();
  }

  private static String heldBy(SoftcState state) {
    return state
        .holder()
        .map(holder -> "already open by pid " + holder.pid())
        .orElse("being destroyed");
  }

  private static VnetException destroyedMeanwhile() {
    return new VnetException(
        "create", "", Errno.ECANCELED, "destroyed before it was ready", "create it again");
  }

  private static Step same(SoftcState state) {
    return new Step(state, List.of());
  }

  private static List<Long> plus(List<Long> waiters, long waiter) {
    List<Long> more = new ArrayList<>(waiters);
    more.add(waiter);
    return more;
  }

  private static List<SoftcEffect> join(List<SoftcEffect> first, List<SoftcEffect> second) {
    List<SoftcEffect> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }
}
