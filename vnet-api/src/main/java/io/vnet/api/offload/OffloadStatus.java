package io.vnet.api.offload;

import io.vnet.api.port.DropReason;

/** Whether an offload word fits the packet that it came with. */
public enum OffloadStatus {
  /** It does. */
  OK,
  /** A segmentation type that is not known here, as that of old UFO, or not asked for. */
  BAD_TYPE,
  /** The packet is not of the protocol that the type names. */
  WRONG_PROTOCOL,
  /** The packet ends before its headers do. */
  TRUNCATED,
  /** A header says that it is shorter than it can be, or all together are longer than allowed. */
  BAD_HEADER_LENGTH,
  /** The checksum's start or field is not within the packet, or not the transport header's. */
  BAD_CHECKSUM_RANGE,
  /** A super-packet without a size of its segments. */
  NO_SEGMENT_SIZE,
  /** A super-packet that claims to be a fragment. */
  FRAGMENT,
  /** Longer than an IP packet can be. */
  TOO_LONG;

  /**
   * What a packet is counted under that is dropped for this.
   *
   * @throws IllegalStateException for {@link #OK}
   */
  public DropReason dropReason() {
    return switch (this) {
      case OK -> throw new IllegalStateException("nothing is wrong with it");
      case BAD_TYPE -> DropReason.NOT_OFFLOADED;
      case TOO_LONG -> DropReason.TOO_LONG;
      case WRONG_PROTOCOL,
          TRUNCATED,
          BAD_HEADER_LENGTH,
          BAD_CHECKSUM_RANGE,
          NO_SEGMENT_SIZE,
          FRAGMENT ->
          DropReason.MALFORMED;
    };
  }
}
