package io.vnet.tunnel.path;

import io.vnet.api.address.Endpoint;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.core.Drops;
import io.vnet.tunnel.core.Keypair;
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
 * From the outside port to the inside one: opens messages, looks at what is in them, and leaves the
 * rest to {@link Delivery}. Handshake messages go to the core.
 *
 * <p>A run is messages one after the other under one keypair from one endpoint. What the core has
 * to know of it is said once, before any packet of it is passed on, so that an answer finds the way
 * that the question came.
 *
 * <p><b>Pauses:</b> when the inside port has no room, the batch and the place in it are kept, and
 * nothing more is received until there is some.
 *
 * <p><b>Owner:</b> the island. <b>Cost</b> of a message: its index looked up once a run; one pass
 * of the cipher, from the port's batch to where the packet stays. No allocation but for handshake
 * messages.
 *
 * <p>Source: the WireGuard protocol, sections 5.4.6 and 6.
 */
final class Inward {
  /** Receives of a turn at the most, so that the other direction has its turn, too. */
  private static final int BATCHES = 4;

  /** What is enough for one call of the inside port, in bytes. */
  private static final int ENOUGH_BYTES = 32 * 1024;

  private static final int INDEX = 4;
  private static final int COUNTER = 8;
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** What the core has to be told and asked beside packets. */
  interface Control {
    /** A message of type 1, 2 or 3 and of its right length, which is given away. */
    void handshake(byte[] message, Endpoint from, long now);

    /** The core was called and may want something done. */
    void afterCore(long now);
  }

  private final TunnelCore core;
  private final Drops drops;
  private final Control control;
  private final Delivery delivery;
  private final PacketBatch batch;
  private @Nullable PacketPort outside;
  private int next;
  private int position;

  // The run. No keypair: none.
  private @Nullable Keypair keypair;
  private @Nullable TransportCipher cipher;
  private @Nullable Endpoint from;
  private int index;
  private long bytes;
  private boolean data;

  Inward(TunnelCore core, Control control, Delivery delivery, PacketBatch batch) {
    this.core = core;
    this.drops = core.drops();
    this.control = control;
    this.delivery = delivery;
    this.batch = batch;
  }

  /** Receives from another port from now on; what came by the old one is still opened. */
  void use(@Nullable PacketPort port) {
    outside = port;
  }

  /**
   * Moves what there is, up to a bound.
   *
   * @return whether there may be more at once
   */
  boolean turn(long now) {
    for (int i = 0; i < BATCHES; i++) {
      if (!openAll(now)) {
        return false;
      }
      next = 0;
      batch.clear();
      PacketPort port = outside;
      if (port == null || port.receive(batch) == 0) {
        return false;
      }
      delivery.refresh();
    }
    return openAll(now);
  }

  /** Opens and delivers the rest of the batch; false: there is no room for all of it now. */
  private boolean openAll(long now) {
    while (next < batch.count()) {
      if (!openTrain(now)) {
        return false;
      }
      next++;
      position = 0;
      if (delivery.bytes() >= ENOUGH_BYTES && !deliver(now)) {
        return false;
      }
    }
    return deliver(now);
  }

  private boolean deliver(long now) {
    endRun(now);
    return delivery.flush();
  }

  private boolean openTrain(long now) {
    int length = batch.length(next);
    long word = batch.offload(next);
    int segmentBytes = DatagramTrain.segmentBytes(word);
    int step = segmentBytes == 0 ? length : segmentBytes;
    boolean congested = DatagramTrain.ecn(word) == DatagramTrain.CE;
    Endpoint source = batch.endpoint(next);
    if (source == null) {
      drops.count(TunnelDrop.MALFORMED, DatagramTrain.datagrams(word, length));
      return true;
    }
    while (position < length) {
      int messageBytes = Math.min(step, length - position);
      if (!open(batch.offset(next) + position, messageBytes, source, congested, now)) {
        return false;
      }
      position += messageBytes;
    }
    return true;
  }

  /** Does away with a message; false: there is no room for what is in it. */
  private boolean open(int at, int length, Endpoint source, boolean congested, long now) {
    MemorySegment segment = batch.segment();
    if (length < Messages.TRANSPORT_OVERHEAD_BYTES) {
      drops.count(TunnelDrop.MALFORMED, 1);
      return true;
    }
    int type = segment.get(INT, at);
    if (type != Messages.TRANSPORT) {
      handshake(type, at, length, source, now);
      return true;
    }
    int receiver = segment.get(INT, at + (long) INDEX);
    if (keypair == null || receiver != index || !source.equals(from)) {
      endRun(now);
      if (!beginRun(receiver, source, now)) {
        return true;
      }
    }
    long counter = segment.get(LONG, at + (long) COUNTER);
    if (Long.compareUnsigned(counter, Keypair.REJECT_AFTER_MESSAGES) >= 0) {
      drops.count(TunnelDrop.EXPIRED_KEY, 1);
      return true;
    }
    int textBytes = length - Messages.TRANSPORT_OVERHEAD_BYTES;
    if (!delivery.prepare(textBytes)) {
      if (!deliver(now)) {
        return false;
      }
      // Once more from the start: the core was called, so that the keypair may be gone.
      return open(at, length, source, congested, now);
    }
    boolean authentic =
        Objects.requireNonNull(cipher)
            .open(
                counter,
                segment,
                at + (long) Messages.TRANSPORT_HEADER_BYTES,
                length - Messages.TRANSPORT_HEADER_BYTES,
                delivery.segment(),
                delivery.place());
    TunnelDrop refusal =
        authentic
            ? look(Objects.requireNonNull(keypair), counter, length, textBytes)
            : TunnelDrop.BAD_TAG;
    if (refusal != null) {
      drops.count(refusal, 1);
      delivery.leave();
    } else if (textBytes == 0) {
      delivery.leave();
    } else {
      if (congested) {
        Inner.meetCongestion(delivery.segment(), delivery.place());
      }
      delivery.take(Inner.length(delivery.segment(), delivery.place(), textBytes));
    }
    return true;
  }

  /** Looks at an authentic message; why it is not passed on, null: it is. */
  private @Nullable TunnelDrop look(Keypair under, long counter, int length, int textBytes) {
    if (!under.accept(counter)) {
      return TunnelDrop.REPLAY;
    }
    bytes += length;
    if (textBytes == 0) {
      return null;
    }
    data = true;
    MemorySegment text = delivery.segment();
    int place = delivery.place();
    int inner = Inner.length(text, place, textBytes);
    if (inner == 0) {
      return TunnelDrop.BAD_INNER;
    }
    return core.bySource(text, place, inner) == under.peer() ? null : TunnelDrop.DISALLOWED_SOURCE;
  }

  private void handshake(int type, int at, int length, Endpoint source, long now) {
    int expected =
        switch (type) {
          case Messages.INITIATION -> Messages.INITIATION_BYTES;
          case Messages.RESPONSE -> Messages.RESPONSE_BYTES;
          case Messages.COOKIE_REPLY -> Messages.COOKIE_REPLY_BYTES;
          default -> 0;
        };
    if (length != expected) {
      drops.count(TunnelDrop.MALFORMED, 1);
      return;
    }
    endRun(now);
    byte[] message = new byte[length];
    MemorySegment.copy(batch.segment(), ValueLayout.JAVA_BYTE, at, message, 0, length);
    control.handshake(message, source, now);
  }

  private boolean beginRun(int receiver, Endpoint source, long now) {
    Keypair found = core.keypair(receiver);
    if (found == null) {
      drops.count(TunnelDrop.UNKNOWN_INDEX, 1);
      return false;
    }
    if (!found.isReceivable(now)) {
      drops.count(TunnelDrop.EXPIRED_KEY, 1);
      return false;
    }
    keypair = found;
    cipher = found.receiveCipher();
    index = receiver;
    from = source;
    bytes = 0;
    data = false;
    return true;
  }

  private void endRun(long now) {
    Keypair under = keypair;
    Endpoint source = from;
    keypair = null;
    cipher = null;
    from = null;
    if (under != null && source != null && bytes > 0) {
      under.peer().received(now, under, source, bytes, data);
      control.afterCore(now);
    }
  }

  /** Ends it: what is left is lost and counted. */
  void close() {
    long left = 0;
    for (; next < batch.count(); next++, position = 0) {
      left += DatagramTrain.datagrams(batch.offload(next), batch.length(next) - position);
    }
    if (left > 0) {
      drops.count(TunnelDrop.DELIVER_FAILED, left);
    }
    batch.release();
  }
}
