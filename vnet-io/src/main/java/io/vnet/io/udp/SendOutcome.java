package io.vnet.io.udp;

import io.vnet.api.error.Errno;
import io.vnet.api.port.DropReason;
import java.util.Optional;

/**
 * What an error of sendmmsg(2) means for the message that it stopped at. The table in this module's
 * {@code docs/udp.md} is this class.
 */
enum SendOutcome {
  /** No room now: the message stays the caller's, and a signal follows. */
  ROOM_LATER,
  /** The call was interrupted: at once again, so many times. */
  ONCE_MORE,
  /** An error of an earlier datagram: counted, and the message again. */
  PENDING,
  /** This train is not to be had: its datagrams one by one. */
  SINGLY,
  /** No train is to be had from this socket: its datagrams one by one, as all from now on. */
  SINGLY_FOR_GOOD,
  /** Its endpoint's source is not to be had: without. */
  WITHOUT_SOURCE,
  /** Longer than the route carries. */
  TOO_LONG(DropReason.TOO_LONG),
  /** There is no way there. */
  UNREACHABLE(DropReason.UNREACHABLE),
  /** A filter or a prohibiting route says no. */
  FILTERED(DropReason.FILTERED),
  /** No memory, or the interface's queue is full: no signal would follow. */
  BUSY(DropReason.KERNEL_BUSY),
  /** An address family that the socket does not carry. */
  WRONG_FAMILY(DropReason.WRONG_FAMILY),
  /** Anything else. */
  REFUSED(DropReason.KERNEL_REFUSED),
  /** The descriptor is no socket of this port any more: the port has failed. */
  LOST;

  private final Optional<DropReason> reason;

  SendOutcome() {
    reason = Optional.empty();
  }

  SendOutcome(DropReason reason) {
    this.reason = Optional.of(reason);
  }

  /** Why the message's datagrams are dropped; empty: they are not. */
  Optional<DropReason> reason() {
    return reason;
  }

  /**
   * The outcome.
   *
   * @param train whether the message has more than one datagram
   * @param sourced whether it said which address to leave by
   */
  static SendOutcome of(Errno errno, boolean train, boolean sourced) {
    return switch (errno) {
      case EAGAIN -> ROOM_LATER;
      case EINTR -> ONCE_MORE;
      case ECONNREFUSED, ETIMEDOUT -> PENDING;
      case EIO, EOPNOTSUPP, ENOPROTOOPT -> train ? SINGLY_FOR_GOOD : REFUSED;
      case EMSGSIZE -> train ? SINGLY : TOO_LONG;
      case EINVAL -> train ? SINGLY : sourced ? WITHOUT_SOURCE : REFUSED;
      case ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, ENODEV, ENXIO ->
          sourced ? WITHOUT_SOURCE : UNREACHABLE;
      case ENETDOWN, EHOSTDOWN -> UNREACHABLE;
      case EPERM, EACCES -> FILTERED;
      case ENOBUFS, ENOMEM -> BUSY;
      case EAFNOSUPPORT -> WRONG_FAMILY;
      case EBADF, ESHUTDOWN -> LOST;
      default -> REFUSED;
    };
  }
}
