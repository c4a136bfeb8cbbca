package io.vnet.tunnel.path;

import io.vnet.api.address.Endpoint;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.offload.OffloadStatus;
import io.vnet.api.offload.Segmenter;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.core.Drops;
import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.core.Padding;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.TunnelCore;
import io.vnet.tunnel.crypto.TransportCipher;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.TunnelDrop;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * From the inside port to the outside one: finds whose a packet is, splits super-packets, pads and
 * seals.
 *
 * <p>A segment of a super-packet gets its header right before its payload, over the end of the
 * segment before, which is sealed by then; the seal writes into the batch that is sent. So nothing
 * but the seal moves the payload. Padding is written behind the segment, over bytes that belong to
 * the next one, which are put back after the seal.
 *
 * <p><b>Pauses:</b> when the outside port has no room, the batch and the place in it are kept, and
 * nothing more is received until there is some: the inside port's queue takes the rest.
 *
 * <p><b>Owner:</b> the island. <b>Cost</b> of a run of packets of one peer: one look for a keypair,
 * one {@link Peer#sent}; of a packet: a look for its peer, a counter, a seal. No allocation but for
 * packets that have to wait for a handshake.
 *
 * <p>Source: the WireGuard protocol, sections 5.4.6 and 6.
 */
final class Outward {
  /** Receives of a turn at the most, so that the other direction has its turn, too. */
  private static final int BATCHES = 4;

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int INDEX = 4;
  private static final int COUNTER = 8;

  private final PacketPort inside;
  private final TunnelCore core;
  private final Drops drops;
  private final Sending sending;
  private final PacketBatch batch;
  private final Segmenter segmenter = new Segmenter(Layer.L3);
  private int next;
  private int mtu;

  /** Whether a segment was made that is not sealed yet. */
  private boolean made;

  // The run: packets one after the other of one peer. No peer: none.
  private @Nullable Peer peer;
  private @Nullable Keypair keypair;
  private @Nullable TransportCipher cipher;
  private @Nullable Endpoint endpoint;
  private int index;
  private long bytes;
  private boolean data;

  Outward(PacketPort inside, TunnelCore core, Sending sending, PacketBatch batch) {
    this.inside = inside;
    this.core = core;
    this.drops = core.drops();
    this.sending = sending;
    this.batch = batch;
  }

  /**
   * Moves what there is, up to a bound.
   *
   * @return whether there may be more at once
   */
  boolean turn(long now) {
    for (int i = 0; i < BATCHES; i++) {
      if (!sealAll(now)) {
        return false;
      }
      next = 0;
      batch.clear();
      if (inside.receive(batch) == 0) {
        return false;
      }
      mtu = inside.mtu();
    }
    return sealAll(now);
  }

  /** Seals and sends the rest of the batch; false: there is no room for all of it now. */
  private boolean sealAll(long now) {
    while (next < batch.count()) {
      if (!sealPacket(now)) {
        endRun(now);
        return false;
      }
      next++;
    }
    endRun(now);
    return sending.flush();
  }

  /** Does away with a packet, or with what is left of it; false: there is no room. */
  private boolean sealPacket(long now) {
    MemorySegment segment = batch.segment();
    boolean begun = made;
    // Of a packet that has begun only the segment that waits has a header: it was written over the
    // segments before, and they over the packet's own.
    int offset = begun ? segmenter.offset() : batch.offset(next);
    int length = begun ? segmenter.length() : batch.length(next);
    Peer whose = core.byDestination(segment, offset, length);
    if (!begun && segmenter.begin(batch, next) != OffloadStatus.OK) {
      drops.count(TunnelDrop.BAD_OUTGOING, 1);
      return true;
    }
    if (whose == null) {
      TunnelDrop reason =
          Inner.isIp(segment, offset, length) ? TunnelDrop.NO_PEER : TunnelDrop.BAD_OUTGOING;
      drops.count(reason, segmenter.skip() + (made ? 1 : 0));
      made = false;
      return true;
    }
    if (whose != peer) {
      endRun(now);
      beginRun(whose, now);
    }
    int ecn = Inner.outerEcn(segment, offset);
    while (made || segmenter.nextInPlace()) {
      made = true;
      if (keypair == null) {
        whose.stage(Packet.of(segment, segmenter.offset(), segmenter.length()), now);
      } else if (!sealSegment(segment, segmenter.offset(), segmenter.length(), ecn, whose, now)) {
        return false;
      }
      made = false;
    }
    return true;
  }

  private void beginRun(Peer whose, long now) {
    peer = whose;
    Keypair usable = whose.beginSending(now);
    Endpoint to = whose.endpoint();
    if (usable == null || to == null) {
      keypair = null;
      return;
    }
    keypair = usable;
    cipher = usable.sendCipher();
    index = usable.remoteIndex();
    endpoint = to;
    bytes = 0;
    data = false;
  }

  private void endRun(long now) {
    Peer whose = peer;
    if (whose != null && keypair != null && bytes > 0) {
      whose.sent(now, bytes, data);
    }
    peer = null;
    keypair = null;
    cipher = null;
    endpoint = null;
  }

  /** Seals a finished packet, or does else with it what has to be done; false: no room. */
  private boolean sealSegment(
      MemorySegment from, int offset, int length, int ecn, Peer whose, long now) {
    int padded = length + Padding.bytes(length, mtu);
    int messageBytes = padded + Messages.TRANSPORT_OVERHEAD_BYTES;
    if (messageBytes > Sending.BYTES_MAX) {
      drops.count(TunnelDrop.SEND_FAILED, 1);
      return true;
    }
    int at = sending.place(Objects.requireNonNull(endpoint), ecn, messageBytes);
    if (at < 0) {
      return false;
    }
    long counter = Objects.requireNonNull(keypair).takeCounter();
    if (counter == Keypair.REJECT_AFTER_MESSAGES) {
      endRun(now);
      beginRun(whose, now);
      if (keypair == null) {
        whose.stage(Packet.of(from, offset, length), now);
        return true;
      }
      return sealSegment(from, offset, length, ecn, whose, now);
    }
    if (padded == length) {
      seal(counter, from, offset, padded, at);
    } else {
      // What lies behind is the next segment's payload, or nobody's.
      long behind = offset + (long) length;
      long first = from.get(LONG, behind);
      long second = from.get(LONG, behind + Long.BYTES);
      from.set(LONG, behind, 0);
      from.set(LONG, behind + Long.BYTES, 0);
      seal(counter, from, offset, padded, at);
      from.set(LONG, behind, first);
      from.set(LONG, behind + Long.BYTES, second);
    }
    data = true;
    sending.commit(messageBytes);
    bytes += messageBytes;
    return true;
  }

  private void seal(long counter, MemorySegment from, long offset, int length, int at) {
    MemorySegment to = sending.segment();
    to.set(INT, at, Messages.TRANSPORT);
    to.set(INT, at + INDEX, index);
    to.set(LONG, at + COUNTER, counter);
    Objects.requireNonNull(cipher)
        .seal(counter, from, offset, length, to, at + (long) Messages.TRANSPORT_HEADER_BYTES);
  }

  /**
   * Sends what a peer has staged, as far as there is room: each packet is a datagram of its own.
   *
   * @return false: there may be more, and there is no room for it
   */
  boolean sendStaged(Peer whose, long now) {
    mtu = inside.mtu();
    beginRun(whose, now);
    boolean roomLeft = keypair == null || sealStaged(whose);
    endRun(now);
    if (roomLeft) {
      whose.stillStaged(now);
    }
    return roomLeft;
  }

  /** As long as there is something and a counter for it; false: there is no room. */
  private boolean sealStaged(Peer whose) {
    Keypair under = Objects.requireNonNull(keypair);
    Endpoint to = Objects.requireNonNull(endpoint);
    // Room for the longest, as what is taken cannot be put back.
    int at = sending.place(to, DatagramTrain.NOT_ECT, Sending.BYTES_MAX);
    if (at >= 0 && whose.takeKeepalive()) {
      long counter = under.takeCounter();
      if (counter == Keypair.REJECT_AFTER_MESSAGES) {
        return true;
      }
      sealKeepalive(counter, at);
    }
    Packet packet = whose.peekStaged();
    while (at >= 0 && packet != null) {
      at = sending.place(to, Inner.outerEcn(packet.segment(), 0), Sending.BYTES_MAX);
      if (at >= 0) {
        long counter = under.takeCounter();
        if (counter == Keypair.REJECT_AFTER_MESSAGES) {
          return true;
        }
        var _ = whose.pollStaged();
        sealCopy(packet, counter, at);
        packet = whose.peekStaged();
      }
    }
    return at >= 0;
  }

  private void sealKeepalive(long counter, int at) {
    seal(counter, sending.segment(), at, 0, at);
    sending.commit(Messages.TRANSPORT_OVERHEAD_BYTES);
    bytes += Messages.TRANSPORT_OVERHEAD_BYTES;
  }

  private void sealCopy(Packet packet, long counter, int at) {
    int length = packet.length();
    int padded = length + Padding.bytes(length, mtu);
    int messageBytes = padded + Messages.TRANSPORT_OVERHEAD_BYTES;
    if (messageBytes > Sending.BYTES_MAX) {
      drops.count(TunnelDrop.SEND_FAILED, 1);
      return;
    }
    MemorySegment to = sending.segment();
    long text = at + (long) Messages.TRANSPORT_HEADER_BYTES;
    MemorySegment.copy(packet.segment(), 0, to, text, length);
    to.asSlice(text + length, padded - (long) length).fill((byte) 0);
    seal(counter, to, text, padded, at);
    sending.commit(messageBytes);
    bytes += messageBytes;
    data = true;
  }

  /** Ends it: what is left is lost and counted. */
  void close() {
    int left = segmenter.skip() + (made ? 1 : 0);
    if (next < batch.count()) {
      next += left > 0 ? 1 : 0;
      for (; next < batch.count(); next++) {
        left += segmenter.begin(batch, next) == OffloadStatus.OK ? segmenter.skip() : 1;
      }
    }
    if (left > 0) {
      drops.count(TunnelDrop.SEND_FAILED, left);
    }
    batch.release();
  }
}
