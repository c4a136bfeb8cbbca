package io.vnet.actors.core.search;

import java.util.EnumSet;
import java.util.Set;

/** What clients do, and what befalls a backend. */
enum Operation {
  CREATE,
  CREATE_TRANSIENT,
  /** Loads the pointer in a section, then tells the softc. */
  OPEN,
  /** Uses the handle: enters, touches the backend, leaves. */
  READ,
  /** Uses the pointer without a handle: enters, touches the backend, leaves. */
  INSPECT,
  CLOSE,
  SET_TRANSIENT,
  CLEAR_TRANSIENT,
  DESTROY_WAIT,
  DESTROY_REFUSE,
  DESTROY_FORCE,
  CANCEL,
  RENAME,
  MOVE,
  /** A backend cannot be opened. */
  FAIL,
  /** A backend fails while it is in use. */
  LOSE;

  static Set<Operation> all() {
    return EnumSet.allOf(Operation.class);
  }
}
