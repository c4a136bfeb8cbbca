package io.vnet.api.port;

/** Why a packet went nowhere. Every packet that a port takes is passed on or counted under one. */
public enum DropReason {
  /** The queue to the other side was full and drops at its tail. */
  QUEUE_FULL,
  /** Nobody has the device open. */
  NOT_OPEN,
  /** The interface is down. */
  INTERFACE_DOWN,
  /** Longer than the port carries. */
  TOO_LONG,
  /** Too short to be a packet of this layer. */
  TOO_SHORT,
  /** Not an address family that the port carries. */
  WRONG_FAMILY,
  /** Bytes that are not what they claim to be. */
  MALFORMED,
  /** Waiting in a queue when the receiving end, a handle or a network end, was closed. */
  FLUSHED_AT_CLOSE,
  /** Waiting in a queue when the device was destroyed. */
  DEVICE_DESTROYED,
  /** Nobody sits at the other end. */
  NOT_ATTACHED,
  /** The kernel had no buffer or queue space, and went on having none. */
  KERNEL_BUSY,
  /** The kernel refused the packet (EINVAL and the like). */
  KERNEL_REFUSED,
  /** A filter said no; a frame for another hardware address met an interface that filters. */
  FILTERED,
  /** The interface only monitors. */
  MONITORED,
  /** A super-packet, or one without its checksum, for a port that takes finished ones only. */
  NOT_OFFLOADED,
  /** Handed to a stream that had ended or failed before it was written. */
  STREAM_ENDED,
  /** A datagram for a socket, without an endpoint to go to. */
  NO_ENDPOINT,
  /** The kernel knows no way to the endpoint, or the way is down. */
  UNREACHABLE
}
