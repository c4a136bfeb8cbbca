package io.vnet.api.device;

/** What a destroy does about a device that somebody holds open. */
public enum DestroyPolicy {
  /**
   * Waits until the holder closes; new opens get EBUSY meanwhile. The wait can be cancelled. The
   * device is untouched by a cancelled wait. This is what FreeBSD does.
   */
  WAIT,
  /** Fails at once with EBUSY and leaves no trace. */
  REFUSE,
  /** Revokes the handle: readers wake with an error, streams end, the device goes. */
  FORCE
}
