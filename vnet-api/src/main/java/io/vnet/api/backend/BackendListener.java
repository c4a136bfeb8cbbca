package io.vnet.api.backend;

import io.vnet.api.error.VnetException;

/** Told by a backend what its poller sees. Called on any thread; returns at once. */
public interface BackendListener {
  /** There may be something to receive. */
  void readable();

  /** There may be room to send, after a {@code send} that took fewer packets than there were. */
  void writable();

  /** The backend has failed for good, for example because somebody removed the interface. */
  void lost(VnetException cause);
}
