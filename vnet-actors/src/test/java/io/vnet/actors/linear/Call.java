package io.vnet.actors.linear;

import io.vnet.api.device.DestroyPolicy;

/**
 * One call on a device, with what came of it.
 *
 * @param number its place in the history
 * @param what was asked for
 * @param invoked the clock before the call
 * @param returned the clock after its result was seen
 * @param result an errno's name, or what success is called
 */
record Call(int number, What what, long invoked, long returned, String result) {
  static final String GRANTED = "granted";
  static final String CLOSED = "closed";
  static final String GONE = "gone";
  static final String DONE = "done";

  /** What can be asked for. */
  sealed interface What {}

  /** An open; its handle bears the call's number. */
  record Open() implements What {}

  /** The close of the handle that a call was granted; over when the handle says so. */
  record Close(int handle) implements What {}

  /** A destroy, over when it is answered; withdrawn after the request, or not. */
  record Destroy(DestroyPolicy policy, boolean cancelled) implements What {}

  record Rename(String name) implements What {}

  record Move(String vnet) implements What {}

  @Override
  public String toString() {
    return "%3d..%-3d #%d %s -> %s".formatted(invoked, returned, number, what, result);
  }
}
