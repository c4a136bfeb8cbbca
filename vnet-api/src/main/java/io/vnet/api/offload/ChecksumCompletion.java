package io.vnet.api.offload;

import static io.vnet.api.header.HeaderFields.UDP_CHECKSUM;

import io.vnet.api.header.InternetChecksum;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Finishes a single packet whose checksum was left to the hardware, in place.
 *
 * <p>Costs one pass over the bytes from the checksum's start; no copy, no allocation. Static.
 */
public final class ChecksumCompletion {
  private ChecksumCompletion() {}

  /**
   * Completes packet {@code i} if it needs it and makes its offload word 0.
   *
   * @return {@link OffloadStatus#OK}; {@link OffloadStatus#BAD_TYPE}: it is a super-packet, for
   *     {@link Segmenter}; {@link OffloadStatus#BAD_CHECKSUM_RANGE}; unchanged unless OK
   */
  public static OffloadStatus complete(PacketBatch batch, int i) {
    OffloadStatus status =
        complete(batch.segment(), batch.offset(i), batch.length(i), batch.offload(i));
    if (status == OffloadStatus.OK) {
      batch.setOffload(i, 0);
    }
    return status;
  }

  /** The same for a packet anywhere; what its offload word has become is the caller's to note. */
  public static OffloadStatus complete(MemorySegment packet, long offset, int length, long word) {
    if (Offload.isSegmented(word)) {
      return OffloadStatus.BAD_TYPE;
    }
    if (!Offload.needsChecksum(word)) {
      return OffloadStatus.OK;
    }
    int start = Offload.csumStart(word);
    int field = Offload.csumOffset(word);
    if (start + field + 2 > length) {
      return OffloadStatus.BAD_CHECKSUM_RANGE;
    }
    // The field holds the pseudo header's sum, so summing over it adds that.
    int checksum =
        InternetChecksum.checksum(InternetChecksum.sum(packet, offset + start, length - start));
    // Zero on the wire means "none" in UDP, whose field alone is there.
    boolean udp = field == UDP_CHECKSUM;
    Bytes.put16(packet, offset + start + field, udp && checksum == 0 ? 0xFFFF : checksum);
    return OffloadStatus.OK;
  }
}
