package io.vnet.actors.core;

import io.vnet.actors.core.SoftcEvent.AliasSwapped;
import io.vnet.actors.core.SoftcEvent.BackendFailed;
import io.vnet.actors.core.SoftcEvent.BackendReady;
import io.vnet.actors.core.SoftcEvent.CancelDestroy;
import io.vnet.actors.core.SoftcEvent.Close;
import io.vnet.actors.core.SoftcEvent.Configure;
import io.vnet.actors.core.SoftcEvent.Destroy;
import io.vnet.actors.core.SoftcEvent.Detached;
import io.vnet.actors.core.SoftcEvent.Flushed;
import io.vnet.actors.core.SoftcEvent.Lost;
import io.vnet.actors.core.SoftcEvent.Moved;
import io.vnet.actors.core.SoftcEvent.NodeUnbound;
import io.vnet.actors.core.SoftcEvent.Open;
import io.vnet.actors.core.SoftcEvent.Quiesced;
import io.vnet.actors.core.SoftcEvent.ReadersDrained;
import io.vnet.actors.core.SoftcEvent.Released;
import io.vnet.actors.core.SoftcEvent.Renamed;
import io.vnet.actors.core.SoftcEvent.SetOption;
import io.vnet.actors.core.SoftcEvent.SetTransient;
import io.vnet.actors.core.SoftcState.Opener;
import io.vnet.actors.core.SoftcState.Phase;
import io.vnet.actors.core.SoftcState.Teardown;
import io.vnet.api.device.InterfaceState;
import io.vnet.api.device.LinkState;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.List;

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
 * <p>A rename under way keeps a device busy as its holder does: a destroy that waits waits for it
 * too, and a transient that was closed meanwhile goes when it has ended.
 *
 * <p>A teardown: sentinel stored, handle revoked, names unbound (of a transient: by the deferred
 * queue, while the rest goes on), detached from its vnet, quiesced, readers drained; then, when the
 * names are gone and the vnet has let go too, released; last, the unit is freed.
 *
 * <p>An event that has no meaning in a phase changes nothing: it is an answer that came late (a
 * close of a revoked handle, a cancel of a request that was answered).
 *
 * <p>Source: if_tuntap specification, sections 1.7, 2.3, 3, 4.1, 4.2, 4.8, 5.2, 5.4 to 5.6 and 6.3.
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
      case BackendFailed(var cause, var left) -> backendFailed(state, cause, left);
      case Open(var opener) -> open(state, opener);
      case Close(var handle) -> close(state, handle);
      case Flushed _ -> flushed(state);
      case SetTransient(var handle, var on) -> setTransient(state, handle, on);
      case SetOption set -> setOption(state, set);
      case Configure(var request, var change) ->
          ending(state)
              ? gone(state, request)
              : changed(
                  state,
                  request,
                  InterfaceRules.configure(state.network(), state.driver(), change));
      case Renamed(var request, var newName) -> renamed(state, request, newName);
      case AliasSwapped(var request) -> aliasSwapped(state, request);
      case Moved(var vnet, var bringUp) -> moved(state, vnet, bringUp);
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
      case Detached _ -> detached(state);
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
        List.of(
            new SoftcEffect.ApplyInterface(state.network()),
            new SoftcEffect.PublishPointer(),
            new SoftcEffect.ReportCreated()));
  }

  private static Step backendFailed(SoftcState state, VnetException cause, boolean left) {
    return state.phase() == Phase.CREATING
        ? startTeardown(state, left, List.of(new SoftcEffect.ReportCreateFailed(cause)), DESTROYED)
        : same(state);
  }

  private static Step open(SoftcState state, Opener opener) {
    return switch (state.phase()) {
      case CREATING -> refuse(state, opener, Errno.ENXIO, "being created");
      case IDLE ->
          state.dying()
              ? refuse(state, opener, Errno.EBUSY, "being destroyed")
              : grant(state, opener, List.of());
      case OPEN -> refuse(state, opener, Errno.EBUSY, heldBy(state));
      case CLOSING -> {
        if (state.dying() || state.transientDevice()) {
          yield refuse(state, opener, Errno.EBUSY, "being destroyed");
        }
        yield state.parked().isPresent()
            ? refuse(state, opener, Errno.EBUSY, heldBy(state))
            : new Step(state.withParked(opener), List.of());
      }
      case TEARDOWN, GONE -> refuse(state, opener, Errno.EBUSY, "being destroyed");
    };
  }

  private static Step grant(SoftcState state, Opener opener, List<SoftcEffect> before) {
    SoftcState open = state.opened(opener);
    return new Step(
        open,
        join(
            before,
            List.of(
                new SoftcEffect.LinkUp(),
                new SoftcEffect.ApplyInterface(open.network()),
                new SoftcEffect.GrantOpen(opener),
                new SoftcEffect.AnnounceLink(LinkState.UP))));
  }

  private static Step close(SoftcState state, long handle) {
    if (state.phase() != Phase.OPEN || !holds(state, handle)) {
      return same(state);
    }
    long closer = state.holder().orElseThrow().pid();
    long owner = state.network().ownerPid().orElse(closer);
    return new Step(
        state.withPhase(Phase.CLOSING),
        owner == closer
            ? List.of(new SoftcEffect.LinkDown())
            : List.of(new SoftcEffect.LogForeignClose(owner), new SoftcEffect.LinkDown()));
  }

  private static Step flushed(SoftcState state) {
    if (state.phase() != Phase.CLOSING) {
      return same(state);
    }
    SoftcState idle = state.closed();
    List<SoftcEffect> effects =
        List.of(
            new SoftcEffect.ApplyInterface(idle.network()),
            new SoftcEffect.AnnounceLink(LinkState.DOWN),
            new SoftcEffect.ReportClosed(state.holder().orElseThrow().handle()));
    if (state.dying() || state.transientDevice()) {
      return idle.busy() == 0
          ? startTeardown(idle, true, effects, DESTROYED)
          : new Step(state.transientDevice() ? idle.condemn() : idle, effects);
    }
    return state.parked().isEmpty()
        ? new Step(idle, effects)
        : grant(idle, state.parked().orElseThrow(), effects);
  }

  private static Step setTransient(SoftcState state, long handle, boolean on) {
    return state.phase() == Phase.OPEN && holds(state, handle)
        ? new Step(state.withTransient(on), List.of())
        : same(state);
  }

  private static Step setOption(SoftcState state, SetOption set) {
    if (ending(state)) {
      return gone(state, set.request());
    }
    return state.phase() == Phase.OPEN && holds(state, set.handle())
        ? changed(
            state,
            set.request(),
            InterfaceRules.set(state.network(), state.driver(), set.option(), set.value()))
        : new Step(
            state, List.of(new SoftcEffect.Refuse(set.request(), Errno.EBADF, "it is closed")));
  }

  private static Step changed(SoftcState state, long request, InterfaceRules.Outcome outcome) {
    return switch (outcome) {
      case InterfaceRules.Outcome.Changed(var network) ->
          new Step(
              state.withNetwork(network),
              join(applied(state, network), List.of(new SoftcEffect.Confirm(request))));
      case InterfaceRules.Outcome.Refused(var errno, var reason) ->
          new Step(state, List.of(new SoftcEffect.Refuse(request, errno, reason)));
    };
  }

  private static Step renamed(SoftcState state, long request, String newName) {
    return switch (state.phase()) {
      case IDLE, OPEN, CLOSING ->
          state.dying()
              ? confirm(state, request)
              : new Step(
                  state.withRenames(state.renames() + 1),
                  List.of(new SoftcEffect.SwapAlias(request, newName)));
      case CREATING, TEARDOWN, GONE -> confirm(state, request);
    };
  }

  private static Step aliasSwapped(SoftcState state, long request) {
    if (state.renames() == 0) {
      return confirm(state, request);
    }
    SoftcState next = state.withRenames(state.renames() - 1);
    List<SoftcEffect> confirmed = List.of(new SoftcEffect.Confirm(request));
    return next.dying() && next.busy() == 0
        ? startTeardown(next, true, confirmed, DESTROYED)
        : new Step(next, confirmed);
  }

  /** In a teardown the vnet hears that the interface detaches, and answers the mover itself. */
  private static Step moved(SoftcState state, String vnet, boolean bringUp) {
    if (ending(state)) {
      return same(state);
    }
    SoftcState next = state.withNetwork(InterfaceRules.moved(state.network(), bringUp));
    return new Step(
        next, join(applied(state, next.network()), List.of(new SoftcEffect.ConfirmMove(vnet))));
  }

  private static List<SoftcEffect> applied(SoftcState before, InterfaceState network) {
    SoftcEffect apply = new SoftcEffect.ApplyInterface(network);
    return before.network().up() && !network.up()
        ? List.of(apply, new SoftcEffect.FlushQueue())
        : List.of(apply);
  }

  private static Step destroyWaiting(SoftcState state, long waiter) {
    return switch (state.phase()) {
      case CREATING -> new Step(state.condemn(), List.of());
      case IDLE, OPEN, CLOSING -> {
        if (state.busy() == 0) {
          yield startTeardown(state, true, List.of(), DESTROYED);
        }
        yield new Step(state.withWaiters(plus(state.waiters(), waiter)), refuseParked(state));
      }
      case TEARDOWN, GONE -> same(state);
    };
  }

  private static Step destroyOrRefuse(SoftcState state, long waiter) {
    return switch (state.phase()) {
      case CREATING -> new Step(state.condemn(), List.of());
      case IDLE, OPEN, CLOSING ->
          state.busy() == 0
              ? startTeardown(state, true, List.of(), DESTROYED)
              : new Step(
                  state,
                  List.of(new SoftcEffect.RefuseDestroy(waiter, Errno.EBUSY, heldBy(state))));
      case TEARDOWN, GONE ->
          new Step(
              state,
              List.of(new SoftcEffect.RefuseDestroy(waiter, Errno.EBUSY, "being destroyed")));
    };
  }

  private static Step destroyByForce(SoftcState state, SoftcEffect.Revoke revoke) {
    return switch (state.phase()) {
      case CREATING -> new Step(state.condemn(), List.of());
      case IDLE, OPEN, CLOSING -> startTeardown(state, true, refuseParked(state), revoke);
      case TEARDOWN, GONE -> same(state);
    };
  }

  private static Step cancel(SoftcState state, long waiter) {
    if (state.busy() == 0 || !state.waiters().contains(waiter)) {
      return same(state);
    }
    return new Step(
        state.withWaiters(state.waiters().stream().filter(other -> other != waiter).toList()),
        List.of(new SoftcEffect.RefuseDestroy(waiter, Errno.EINTR, "cancelled while it was open")));
  }

  private static Step startTeardown(
      SoftcState state, boolean backend, List<SoftcEffect> first, SoftcEffect.Revoke revoke) {
    List<SoftcEffect> effects = new ArrayList<>(first);
    effects.add(new SoftcEffect.StoreSentinel());
    effects.add(revoke);
    SoftcState ending = state.tearingDown(new Teardown(backend, false, false, false, false, false));
    if (!state.transientDevice()) {
      effects.add(new SoftcEffect.UnbindNode());
      return new Step(ending, effects);
    }
    effects.add(new SoftcEffect.DeferUnbindNode());
    return detach(ending, effects);
  }

  private static Step detach(SoftcState state, List<SoftcEffect> before) {
    Teardown next = state.teardown().withDetaching();
    return new Step(
        state.tearingDown(next),
        join(
            before,
            List.of(
                new SoftcEffect.Detach(),
                next.backend() ? new SoftcEffect.Quiesce() : new SoftcEffect.Retire())));
  }

  private static Step nodeUnbound(SoftcState state) {
    Teardown done = state.teardown();
    if (state.phase() != Phase.TEARDOWN || done.unbound()) {
      return same(state);
    }
    SoftcState next = state.tearingDown(done.withUnbound());
    return done.detaching() ? releaseIfDone(next) : detach(next, List.of());
  }

  private static Step detached(SoftcState state) {
    Teardown done = state.teardown();
    return state.phase() == Phase.TEARDOWN && done.detaching() && !done.detached()
        ? releaseIfDone(state.tearingDown(done.withDetached()))
        : same(state);
  }

  private static Step quiesced(SoftcState state) {
    Teardown done = state.teardown();
    return state.phase() == Phase.TEARDOWN && done.detaching() && !done.quiesced()
        ? new Step(state.tearingDown(done.withQuiesced()), List.of(new SoftcEffect.Retire()))
        : same(state);
  }

  private static Step readersDrained(SoftcState state) {
    Teardown done = state.teardown();
    return state.phase() == Phase.TEARDOWN && done.quiesced() && !done.drained()
        ? releaseIfDone(state.tearingDown(done.withDrained()))
        : same(state);
  }

  private static Step releaseIfDone(SoftcState state) {
    return state.teardown().mayRelease()
        ? new Step(state, List.of(new SoftcEffect.Release()))
        : same(state);
  }

  private static Step released(SoftcState state) {
    return state.phase() == Phase.TEARDOWN && state.teardown().mayRelease()
        ? new Step(state.withPhase(Phase.GONE), List.of(new SoftcEffect.FreeUnit()))
        : same(state);
  }

  private static boolean ending(SoftcState state) {
    return state.phase() == Phase.TEARDOWN || state.phase() == Phase.GONE;
  }

  private static Step gone(SoftcState state, long request) {
    return new Step(
        state,
        List.of(new SoftcEffect.Refuse(request, Errno.ENXIO, "the device is being destroyed")));
  }

  private static Step confirm(SoftcState state, long request) {
    return new Step(state, List.of(new SoftcEffect.Confirm(request)));
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
        .orElse("being renamed");
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
