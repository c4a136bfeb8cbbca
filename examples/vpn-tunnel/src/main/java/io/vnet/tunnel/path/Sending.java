package io.vnet.tunnel.path;

import io.vnet.api.address.Endpoint;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.core.Drops;
import io.vnet.tunnel.settings.TunnelDrop;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * The messages that go to the outside port. They are written straight into its batch, one behind
 * the other, and those of one length to one endpoint are a train: one packet of the batch, one
 * message to the kernel.
 *
 * <p>A message is written at {@link #place} and then taken by {@link #commit}; in between nothing
 * else is asked of this object.
 *
 * <p><b>Bound:</b> what the port does not take stays in the batch, in order, and nothing is lost of
 * it; while it is there, there is a {@link #place} only as far as the batch has room.
 *
 * <p><b>Owner:</b> the island. <b>Cost:</b> one send a batch. No allocation, no copy.
 */
final class Sending {
  /** Datagrams of a train at the most: {@code UDP_MAX_SEGMENTS} before Linux 6.9. */
  static final int DATAGRAMS_MAX = 64;

  /** Bytes of a train, and so of a message, at the most: what IPv4 carries over UDP. */
  static final int BYTES_MAX = 65_507;

  private static final int NO_TRAIN = -1;

  /** Told that the port is of no use any more. */
  interface Loss {
    /** The port has failed. */
    void lost(PacketPort port, VnetException cause);
  }

  private final PacketBatch batch;
  private final Drops drops;
  private final Loss loss;
  private @Nullable PacketPort port;
  private int next;
  private boolean blocked;

  private int trainAt = NO_TRAIN;
  private int trainBytes;
  private int trainCount;
  private int segmentBytes;
  private int trainEcn;
  private @Nullable Endpoint trainTo;

  Sending(PacketBatch batch, Drops drops, Loss loss) {
    this.batch = batch;
    this.drops = drops;
    this.loss = loss;
  }

  /** Sends through another port from now on; what the old one has not taken is lost and counted. */
  void use(@Nullable PacketPort newPort) {
    discard();
    port = newPort;
  }

  /** The memory that messages are written to. */
  MemorySegment segment() {
    return batch.segment();
  }

  /** Whether the port said that it has no room, and has not said since that it has. */
  boolean isBlocked() {
    return blocked;
  }

  /** The port has said that it has room. */
  void unblock() {
    blocked = false;
  }

  /**
   * Where the next message is to be written.
   *
   * @param ecn the two bits of its IP header
   * @param bytes of the message, at most {@link #BYTES_MAX}
   * @return an offset in {@link #segment}, with room for the message behind it; -1: there is no
   *     room before the port has some
   */
  int place(Endpoint to, int ecn, int bytes) {
    if (trainAt != NO_TRAIN) {
      if (bytes <= segmentBytes
          && trainCount < DATAGRAMS_MAX
          && trainBytes + bytes <= BYTES_MAX
          && ecn == trainEcn
          && to.equals(trainTo)) {
        return trainAt + trainBytes;
      }
      endTrain();
    }
    int at = batch.room(BYTES_MAX);
    if (at < 0) {
      if (!flush()) {
        return -1;
      }
      at = batch.room(BYTES_MAX);
    }
    trainAt = at;
    trainTo = to;
    trainEcn = ecn;
    segmentBytes = bytes;
    return at;
  }

  /** Takes the message that was written at {@link #place}, of as many bytes as was said there. */
  void commit(int bytes) {
    trainBytes += bytes;
    trainCount++;
    if (bytes < segmentBytes) {
      endTrain();
    }
  }

  /** Appends a message that is finished; if there is no room it is dropped and counted. */
  void message(byte[] message, Endpoint to) {
    int at = place(to, DatagramTrain.NOT_ECT, message.length);
    if (at < 0) {
      drops.count(TunnelDrop.SEND_FAILED, 1);
      return;
    }
    MemorySegment.copy(message, 0, batch.segment(), ValueLayout.JAVA_BYTE, at, message.length);
    commit(message.length);
  }

  private void endTrain() {
    if (trainCount > 0) {
      batch.commit(trainBytes, DatagramTrain.of(trainCount == 1 ? 0 : segmentBytes, trainEcn));
      batch.setEndpoint(batch.count() - 1, trainTo);
    }
    trainAt = NO_TRAIN;
    trainTo = null;
    trainBytes = 0;
    trainCount = 0;
  }

  /**
   * Sends all that there is.
   *
   * @return whether nothing is left; else the port is {@linkplain #isBlocked without room}
   */
  boolean flush() {
    endTrain();
    if (blocked) {
      return false;
    }
    while (next < batch.count()) {
      PacketPort to = port;
      if (to == null) {
        discard();
        return true;
      }
      int taken;
      try {
        taken = to.send(batch, next);
      } catch (VnetException e) {
        if (e.errno() == Errno.ENOBUFS) {
          drops.count(TunnelDrop.SEND_FAILED, datagrams(next));
          next++;
          continue;
        }
        discard();
        loss.lost(to, e);
        return true;
      }
      next += taken;
      if (next < batch.count()) {
        blocked = true;
        return false;
      }
    }
    batch.clear();
    next = 0;
    return true;
  }

  private int datagrams(int packet) {
    return DatagramTrain.datagrams(batch.offload(packet), batch.length(packet));
  }

  private void discard() {
    endTrain();
    for (; next < batch.count(); next++) {
      drops.count(TunnelDrop.SEND_FAILED, datagrams(next));
    }
    batch.clear();
    next = 0;
    blocked = false;
  }

  /** Ends it: what is left is lost and counted. */
  void close() {
    discard();
    port = null;
    batch.release();
  }
}
