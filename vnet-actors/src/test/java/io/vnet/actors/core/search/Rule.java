package io.vnet.actors.core.search;

/** What must hold in each state and of each step. */
enum Rule {
  /** What {@code SoftcState} itself checks. */
  STATE,
  /** At most one softc of a unit lives. */
  ONE_LIFE,
  /** A unit is not free while its name is bound or its backend is not released. */
  UNIT,
  /** An open is granted only while nobody destroys, and to one holder. */
  OPEN,
  /** A backend is touched only before it is released, and released only when it is quiesced. */
  TOUCH,
  /** Busy is the holder plus the renames under way. */
  BUSY,
  /** Each step of a teardown is done once. */
  ONCE,
  /** A request is answered once. */
  ANSWER,
  /** A cancel wins only if the device is busy then. */
  CANCEL,
  /** A destroy that ended with EINTR leaves no trace. */
  TRACE,
  /** Nobody waits for a device that is not busy. */
  WAITER,
  /** The teardown of a busy device was forced. */
  FORCE,
  /** Nothing is told to a softc or node that was told to stop. */
  DEAD_LETTER,
  /** A node unbinds only names that are bound to it. */
  NODE,
  /** As long as an answer is owed, something can happen. */
  DEADLOCK
}
