package io.vnet.api.offload;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropCounter;
import org.jspecify.annotations.Nullable;

/**
 * Hands out the packets of a batch one by one, finished and as copies: of a super-packet its
 * segments, each made when it is asked for.
 *
 * <p><b>Counting:</b> a packet whose offload word does not fit it is left out and counted as one,
 * under {@link OffloadStatus#dropReason}.
 *
 * <p><b>Owner:</b> one thread. The batch is the caller's, is changed, and must stay until done.
 *
 * <p><b>Cost</b> of a packet: an object and an array, one copy; of one that is not finished one
 * pass over what its checksum covers, in place, before. No system call.
 */
public final class FinishedPackets {
  private final DropCounter drops;
  private final Segmenter segmenter;
  private @Nullable PacketBatch source;
  private int next;

  /**
   * @param layer what the packets are
   * @param drops where packets are counted whose word does not fit them
   */
  public FinishedPackets(Layer layer, DropCounter drops) {
    this.drops = drops;
    this.segmenter = new Segmenter(layer);
  }

  /** Takes a batch; what was left of an earlier one is forgotten. */
  public void begin(PacketBatch batch) {
    var _ = segmenter.skip();
    source = batch;
    next = 0;
  }

  /** The next packet; null if there is none left. */
  public @Nullable Packet next() {
    PacketBatch batch = source;
    if (batch == null) {
      return null;
    }
    while (true) {
      if (segmenter.nextInPlace()) {
        return Packet.of(batch.segment(), segmenter.offset(), segmenter.length());
      }
      if (next == batch.count()) {
        source = null;
        return null;
      }
      int i = next++;
      if (batch.offload(i) == 0) {
        return batch.packet(i);
      }
      OffloadStatus status = segmenter.begin(batch, i);
      if (status != OffloadStatus.OK) {
        drops.countDrop(status.dropReason(), 1);
      }
    }
  }

  /**
   * Gives up all that is left.
   *
   * @return how many packets it would have been
   */
  public int giveUp() {
    int packets = segmenter.skip();
    PacketBatch batch = source;
    for (; batch != null && next < batch.count(); next++) {
      packets +=
          batch.offload(next) != 0 && segmenter.begin(batch, next) == OffloadStatus.OK
              ? segmenter.skip()
              : 1;
    }
    source = null;
    return packets;
  }
}
