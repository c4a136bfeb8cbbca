package io.vnet.api.port;

import io.vnet.api.error.VnetException;
import org.jspecify.annotations.Nullable;

/**
 * Told when a port is worth calling again.
 *
 * <p>Called on whatever thread noticed: an I/O thread, the other side's thread, an actor's. It must
 * return at once: set a flag, unpark a thread, tell an actor. A signal may come without need, never
 * too late: if {@code receive} returned 0 before the packet came, {@code readable} follows it.
 */
public interface PortListener {
  /** There may be something to receive. */
  void readable();

  /** There may be room to send. */
  void writable();

  /**
   * The port is closed; nothing follows.
   *
   * @param cause null if the port's user closed it, else why it ended (ENXIO: device destroyed)
   */
  void closed(@Nullable VnetException cause);
}
