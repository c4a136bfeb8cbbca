package io.vnet.actors.core;

import io.vnet.actors.core.SoftcState.Opener;
import io.vnet.api.device.InterfaceState;
import io.vnet.api.device.LinkState;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;

/** What the actor is to do, in the order of the list. */
public sealed interface SoftcEffect {
  /** Store this softc in the node's pointer: opens can find it. */
  record PublishPointer() implements SoftcEffect {}

  /** Tell the creator that the device is there. */
  record ReportCreated() implements SoftcEffect {}

  /** Tell the creator that there is no device, as soon as nothing is left of it. */
  record ReportCreateFailed(VnetException cause) implements SoftcEffect {}

  /** Tell the backend and whoever asks what the interface is like now. */
  record ApplyInterface(InterfaceState state) implements SoftcEffect {}

  /** Drop what waits for the reader: the interface went down. */
  record FlushQueue() implements SoftcEffect {}

  /** Tell the link's listeners, some time. */
  record AnnounceLink(LinkState link) implements SoftcEffect {}

  /** The last close came from a process that is not the owner: say so in the log. */
  record LogForeignClose(long ownerPid) implements SoftcEffect {}

  /** A request was carried out. */
  record Confirm(long request) implements SoftcEffect {}

  /** A request was refused; nothing has changed. */
  record Refuse(long request, Errno errno, String reason) implements SoftcEffect {}

  /** Ask the node for another alias; {@link SoftcEvent.AliasSwapped} follows. */
  record SwapAlias(long request, String newName) implements SoftcEffect {}

  /** Tell the vnet that held the interface that the move was carried out. */
  record ConfirmMove(String vnet) implements SoftcEffect {}

  /** Carrier on. */
  record LinkUp() implements SoftcEffect {}

  /** Make the handle and hand it over. */
  record GrantOpen(Opener opener) implements SoftcEffect {}

  /** Answer an open with an error: EBUSY or ENXIO. */
  record RefuseOpen(Opener opener, Errno errno, String reason) implements SoftcEffect {}

  /** Carrier off and queue emptied; {@link SoftcEvent.Flushed} follows. */
  record LinkDown() implements SoftcEffect {}

  /** Tell the closer of a handle that its close was carried out. */
  record ReportClosed(long handle) implements SoftcEffect {}

  /** Make the handle, if any, and the network end fail from now on, and wake who waits on them. */
  record Revoke(Errno errno, String reason) implements SoftcEffect {}

  /** Answer a destroyer with an error: EBUSY or EINTR. */
  record RefuseDestroy(long waiter, Errno errno, String reason) implements SoftcEffect {}

  /** Store the sentinel in the node's pointer. */
  record StoreSentinel() implements SoftcEffect {}

  /** Ask the node to unbind its names; {@link SoftcEvent.NodeUnbound} follows. */
  record UnbindNode() implements SoftcEffect {}

  /**
   * Hand the unbinding to the deferred queue; {@link SoftcEvent.NodeUnbound} follows, some time.
   */
  record DeferUnbindNode() implements SoftcEffect {}

  /** Leave the vnet; {@link SoftcEvent.Detached} follows. */
  record Detach() implements SoftcEffect {}

  /** Take the backend off its poller; {@link SoftcEvent.Quiesced} follows. */
  record Quiesce() implements SoftcEffect {}

  /** Ask for a grace period; {@link SoftcEvent.ReadersDrained} follows. */
  record Retire() implements SoftcEffect {}

  /** Close the descriptor, give the memory back; {@link SoftcEvent.Released} follows. */
  record Release() implements SoftcEffect {}

  /** The last act: the driver frees the unit and answers the destroyers. */
  record FreeUnit() implements SoftcEffect {}
}
