package io.vnet.api.offload;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropCounter;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PacketPort;
import io.vnet.api.wire.Bytes;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Makes of the packets of a batch what a port takes that has no offloads, or not all: checksums are
 * computed, super-packets split. What the port does itself is left to it; a port of datagrams takes
 * every {@linkplain DatagramTrain train}.
 *
 * <p>{@link #begin} does all that can be done in place. Only if there are super-packets to split,
 * packets go into other batches, in their order:
 *
 * <pre>{@code
 * if (finisher.begin(batch)) {
 *   send(batch);
 * } else {
 *   while (!finisher.isDone()) {
 *     if (finisher.write(target) == 0) {
 *       port.countDrop(DropReason.TOO_LONG, finisher.skip()); // longer than a slab
 *     } else {
 *       send(target);
 *       target.clear();
 *     }
 *   }
 * }
 * batch.release();
 * }</pre>
 *
 * <p><b>Counting:</b> packets of the batch, a super-packet that is to be split as its segments =
 * packets to send + drops. A packet whose offload word does not fit it is removed and counted as
 * one, under {@link OffloadStatus#dropReason}; what is skipped is the caller's to count.
 *
 * <p><b>Owner:</b> one thread. The batch is the caller's, is changed, and must stay until done.
 *
 * <p><b>Cost:</b> a look at the words of a batch, and nothing more if they are 0 or the port has
 * all features. Else one pass over what a checksum covers; when there is something to split, also
 * one copy of all packets: segments in place lie over one another, so that they could only be sent
 * one a call. No allocation, no system call.
 */
public final class Finisher {
  private final Layer layer;
  private final DropCounter drops;
  private final boolean all;
  private final boolean checksum;
  private final boolean tso4;
  private final boolean tso6;
  private final boolean uso4;
  private final boolean uso6;
  private final Segmenter segmenter;
  private final IntPredicate prepare = this::prepare;
  private @Nullable PacketBatch source;
  private boolean toSplit;
  private int next;

  /**
   * @param layer what the packets are
   * @param offloads what need not be done; without {@link OffloadFeature#CHECKSUM} the others do
   *     not count, as a super-packet has no checksum
   * @param drops where packets are counted whose word does not fit them
   */
  public Finisher(Layer layer, Set<OffloadFeature> offloads, DropCounter drops) {
    this.layer = layer;
    this.drops = drops;
    this.segmenter = new Segmenter(layer);
    checksum = offloads.contains(OffloadFeature.CHECKSUM);
    tso4 = checksum && offloads.contains(OffloadFeature.TSO4);
    tso6 = checksum && offloads.contains(OffloadFeature.TSO6);
    uso4 = checksum && offloads.contains(OffloadFeature.USO4);
    uso6 = checksum && offloads.contains(OffloadFeature.USO6);
    all = layer == Layer.DATAGRAM || (tso4 && tso6 && uso4 && uso6);
  }

  /** For what is sent to a port, which counts the drops. */
  public static Finisher forPort(PacketPort port) {
    return new Finisher(port.layer(), port.offloads(), port);
  }

  /**
   * Takes a batch; what was left of an earlier one is forgotten.
   *
   * @return true: the port takes the batch as it is now, if a packet is left in it; false: it is to
   *     be {@linkplain #write written} into others
   */
  public boolean begin(PacketBatch batch) {
    var _ = segmenter.skip();
    source = null;
    toSplit = false;
    next = 0;
    if (all || isFinished(batch)) {
      return true;
    }
    source = batch;
    var _ = batch.keepIf(prepare);
    if (!toSplit) {
      source = null;
    }
    return !toSplit;
  }

  private static boolean isFinished(PacketBatch batch) {
    long words = 0;
    for (int i = 0; i < batch.count(); i++) {
      words |= batch.offload(i);
    }
    return words == 0;
  }

  /** Does what is possible in place; false: drop it. */
  private boolean prepare(int i) {
    PacketBatch batch = Objects.requireNonNull(source);
    long word = batch.offload(i);
    OffloadStatus status;
    if (!Offload.isSegmented(word)) {
      status = checksum ? OffloadStatus.OK : ChecksumCompletion.complete(batch, i);
    } else if (isLeftToPort(batch, i)) {
      status = OffloadStatus.OK;
    } else {
      status = Offload.check(word, layer, batch.segment(), batch.offset(i), batch.length(i));
      toSplit |= status == OffloadStatus.OK;
    }
    if (status != OffloadStatus.OK) {
      drops.countDrop(status.dropReason(), 1);
    }
    return status == OffloadStatus.OK;
  }

  private boolean isLeftToPort(PacketBatch batch, int i) {
    long word = batch.offload(i);
    return switch (Offload.gsoType(word)) {
      case Offload.NONE -> true;
      case Offload.TCPV4 -> tso4;
      case Offload.TCPV6 -> tso6;
      case Offload.UDP_L4 -> uso4 == uso6 ? uso4 : isIpv4(batch, i) ? uso4 : uso6;
      default -> false;
    };
  }

  private boolean isIpv4(PacketBatch batch, int i) {
    int ip = Wire.ipStart(layer, batch.segment(), batch.offset(i), batch.length(i));
    return ip >= 0 && Bytes.u8(batch.segment(), batch.offset(i) + (long) ip) >> 4 == 4;
  }

  /** Whether all has been written or skipped. */
  public boolean isDone() {
    return source == null || next == source.count();
  }

  /**
   * Appends the next packets, as many as fit.
   *
   * @return how many; 0 into an empty batch means that the next one is longer than its slab
   */
  public int write(PacketBatch target) {
    PacketBatch from = source;
    int before = target.count();
    while (from != null && next < from.count()) {
      if (segmenter.isDone()) {
        if (isLeftToPort(from, next)) {
          if (!target.append(from, next)) {
            break;
          }
          next++;
          continue;
        }
        // Cannot fail, as begin() has checked it.
        var _ = segmenter.begin(from, next);
      }
      segmenter.split(target);
      if (!segmenter.isDone()) {
        break;
      }
      next++;
    }
    return target.count() - before;
  }

  /**
   * Gives up the next packet, or what is left of it if some of its segments have been written.
   *
   * @return how many packets it would have been; 0 if there is none left
   */
  public int skip() {
    PacketBatch from = source;
    if (from == null || next == from.count()) {
      return 0;
    }
    int packets = 1;
    if (!segmenter.isDone()) {
      packets = segmenter.skip();
    } else if (!isLeftToPort(from, next) && segmenter.begin(from, next) == OffloadStatus.OK) {
      packets = segmenter.skip();
    }
    next++;
    return packets;
  }

  /**
   * Gives up all that is left.
   *
   * @return how many packets it would have been
   */
  public int giveUp() {
    int packets = 0;
    while (!isDone()) {
      packets += skip();
    }
    return packets;
  }
}
