package io.vnet.api.backend;

import io.vnet.api.error.VnetException;

/** Told by a backend what its poller sees. Called on any thread; returns at once. */
public interface BackendListener {
  /** There may be something to receive. */
  void readable();

  /** There may be room to send, after a {@code send} that took fewer packets than there were. */
  void writable();

  /**
   * Who is told about one of {@link DeviceBackend#queues}: readiness is a queue's own, a loss is
   * the whole backend's.
   *
   * @param index 0: this one
   */
  default BackendListener queue(int index) {
    return this;
  }

  /** The backend has failed for good, for example because somebody removed the interface. */
  void lost(VnetException cause);
}
