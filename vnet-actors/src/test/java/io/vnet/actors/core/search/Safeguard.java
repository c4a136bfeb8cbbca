package io.vnet.actors.core.search;

/** What the actors and the facade around the core see to. */
enum Safeguard {
  /** The sentinel stands where the softc was. */
  SENTINEL,
  /** A teardown goes on only when the readers of its time have left. */
  GRACE_PERIOD,
  /** Who loaded a pointer tells the softc before leaving the section. */
  TOLD_INSIDE_SECTION,
  /** A handle fails once it is revoked. */
  REVOCATION,
  /** A handle that is revoked on its way to the opener is revoked. */
  REVOCATION_ON_THE_WAY,
  /** The unit is freed by the softc's last act. */
  UNIT_FREED_LAST,
  /** A node binds a name only if it is free. */
  NAME_CHECKED,
  /** A node unbinds what is bound to it, not what has its name. */
  UNBOUND_BY_IDENTITY,
  /** A transient device's node is unbound by the deferred queue, and its close does not wait. */
  DEFERRED_UNBIND,
  /** The driver forgets a destroyer that was refused. */
  REFUSED_DESTROYER_FORGOTTEN,
  /** The driver answers who destroys a device that is gone. */
  LATE_DESTROYER_ANSWERED,
  /** A softc lives until its driver stops it. */
  STOPPED_BY_DRIVER,
  /** The softc waits until the vnet has let go. */
  DETACH_ACKNOWLEDGED,
  /** A vnet that lends an interface answers its detaching when the borrower has answered. */
  DETACH_WAITS_FOR_ADOPTION
}
