package io.vnet.io.netty;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.DefaultByteBufHolder;
import org.jspecify.annotations.Nullable;

/**
 * A packet with work left undone, a super-packet or one whose checksum is still to be computed, and
 * the word that says what: read from a port with {@linkplain io.vnet.api.port.PacketPort#offloads
 * offloads}, or to be written to one.
 *
 * <p>Its buffer's references are its own: {@code release} frees both. Whoever changes the packet's
 * headers changes the word with {@link #withOffload}.
 */
public final class OffloadedPacket extends DefaultByteBufHolder {
  private final long offload;

  /**
   * @param packet its readable bytes; the reference to it passes to this object
   * @param offload as {@link io.vnet.api.packet.PacketBatch#offload} has it; 0: a finished packet
   */
  public OffloadedPacket(ByteBuf packet, long offload) {
    super(packet);
    this.offload = offload;
  }

  /** The offload word. */
  public long offload() {
    return offload;
  }

  /** The same buffer, and the same reference to it, with another word. */
  public OffloadedPacket withOffload(long newOffload) {
    return new OffloadedPacket(content(), newOffload);
  }

  @Override
  public OffloadedPacket replace(ByteBuf packet) {
    return new OffloadedPacket(packet, offload);
  }

  @Override
  public OffloadedPacket copy() {
    return (OffloadedPacket) super.copy();
  }

  @Override
  public OffloadedPacket duplicate() {
    return (OffloadedPacket) super.duplicate();
  }

  @Override
  public OffloadedPacket retainedDuplicate() {
    return (OffloadedPacket) super.retainedDuplicate();
  }

  @Override
  public OffloadedPacket retain() {
    super.retain();
    return this;
  }

  @Override
  public OffloadedPacket retain(int increment) {
    super.retain(increment);
    return this;
  }

  @Override
  public OffloadedPacket touch() {
    super.touch();
    return this;
  }

  @Override
  public OffloadedPacket touch(Object hint) {
    super.touch(hint);
    return this;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof OffloadedPacket packet
        && packet.offload == offload
        && super.equals(other);
  }

  @Override
  public int hashCode() {
    return 31 * super.hashCode() + Long.hashCode(offload);
  }

  @Override
  public String toString() {
    return "offload 0x" + Long.toHexString(offload) + ", " + contentToString();
  }
}
