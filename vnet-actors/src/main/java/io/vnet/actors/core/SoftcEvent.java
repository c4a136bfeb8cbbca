package io.vnet.actors.core;

import io.vnet.actors.core.SoftcState.Opener;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.error.VnetException;

/** What can happen to a softc. Numbers of requests, handles and waiters are unique in a host. */
public sealed interface SoftcEvent {
  /** The backend is open and configured. */
  record BackendReady() implements SoftcEvent {}

  /**
   * The backend could not be opened, or not started.
   *
   * @param left whether there is one, to be quiesced and released
   */
  record BackendFailed(VnetException cause, boolean left) implements SoftcEvent {}

  /** Somebody found the node's pointer and opens. */
  record Open(Opener opener) implements SoftcEvent {}

  /** The last reference to a handle was dropped. */
  record Close(long handle) implements SoftcEvent {}

  /** The close was carried out: link down, queue empty. */
  record Flushed() implements SoftcEvent {}

  /** The holder makes the device transient, or not. */
  record SetTransient(long handle, boolean transientDevice) implements SoftcEvent {}

  /**
   * The holder sets an option other than TRANSIENT.
   *
   * @param value of the option's type
   */
  record SetOption(long handle, long request, DeviceOption<?> option, Object value)
      implements SoftcEvent {}

  /** An administrator changes the interface. */
  record Configure(long request, InterfaceChange change) implements SoftcEvent {}

  /** The vnet gave the interface another name; the node's alias is to follow. */
  record Renamed(long request, String newName) implements SoftcEvent {}

  /** The node's alias is as good as it gets. */
  record AliasSwapped(long request) implements SoftcEvent {}

  /**
   * The interface was taken in by another vnet.
   *
   * @param bringUp whether it is up there at once
   */
  record Moved(String vnet, boolean bringUp) implements SoftcEvent {}

  /** Somebody wants the device destroyed. */
  record Destroy(long waiter, DestroyPolicy policy) implements SoftcEvent {}

  /** A destroyer withdraws. */
  record CancelDestroy(long waiter) implements SoftcEvent {}

  /** The backend failed for good, or the actor did: the device goes, whoever holds it. */
  record Lost(VnetException cause) implements SoftcEvent {}

  /** The node's names are gone. */
  record NodeUnbound() implements SoftcEvent {}

  /** The vnet has let go of the interface and tells this softc nothing more. */
  record Detached() implements SoftcEvent {}

  /** No I/O of the backend is in flight any more. */
  record Quiesced() implements SoftcEvent {}

  /** Every reader has been outside since the teardown was retired. */
  record ReadersDrained() implements SoftcEvent {}

  /** The descriptor is closed and the memory is back. */
  record Released() implements SoftcEvent {}
}
