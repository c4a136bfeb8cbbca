package io.vnet.api.header;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** An ARP packet for IPv4 over Ethernet, 28 bytes. Source: RFC 826. */
public final class ArpView extends HeaderView {
  /** Bytes of the packet. */
  public static final int BYTES = 28;

  /** Who has this address? */
  public static final int REQUEST = 1;

  /** I have. */
  public static final int REPLY = 2;

  private static final ValueLayout.OfLong FIRST_EIGHT =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final int HARDWARE_TYPE = 0;
  private static final int PROTOCOL_TYPE = 2;
  private static final int SIZES = 4;
  private static final int OPERATION = 6;
  private static final int SENDER_MAC = 8;
  private static final int SENDER_IP = 14;
  private static final int TARGET_MAC = 18;
  private static final int TARGET_IP = 24;
  private static final int ETHERNET = 1;
  private static final int SIX_AND_FOUR = 0x0604;

  /** A view that points at nothing yet. */
  public ArpView() {}

  @Override
  HeaderStatus check() {
    if (available() < BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    return getShort(HARDWARE_TYPE) == ETHERNET
            && getShort(PROTOCOL_TYPE) == EtherTypes.IPV4
            && getShort(SIZES) == SIX_AND_FOUR
        ? HeaderStatus.OK
        : HeaderStatus.BAD_TYPE;
  }

  /** {@link #REQUEST}, {@link #REPLY} or another. */
  public int operation() {
    return getShort(OPERATION);
  }

  /** The sender's hardware address, in the low 48 bits. */
  public long senderMacBits() {
    return getMac(SENDER_MAC);
  }

  /** The sender's IPv4 address. */
  public int senderIp() {
    return getInt(SENDER_IP);
  }

  /** The target's hardware address, in the low 48 bits. */
  public long targetMacBits() {
    return getMac(TARGET_MAC);
  }

  /** The target's IPv4 address. */
  public int targetIp() {
    return getInt(TARGET_IP);
  }

  @Override
  public long payloadOffset() {
    return start() + BYTES;
  }

  @Override
  public int payloadLength() {
    checkValid();
    return 0;
  }

  /** Turns a request into its reply, in place. */
  public void makeReply(long macBits) {
    int asked = targetIp();
    setShort(OPERATION, REPLY);
    setMac(TARGET_MAC, senderMacBits());
    setInt(TARGET_IP, senderIp());
    setMac(SENDER_MAC, macBits);
    setInt(SENDER_IP, asked);
  }

  /** Writes a packet and points the view at it. */
  public HeaderStatus build(
      MemorySegment target,
      long offset,
      int available,
      int operation,
      long senderMac,
      int senderIp,
      long targetMac,
      int targetIp) {
    if (available < BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    // The constant part first: the view can only be wrapped around a valid packet.
    target.set(
        FIRST_EIGHT,
        offset,
        (long) ETHERNET << 48
            | (long) EtherTypes.IPV4 << 32
            | (long) SIX_AND_FOUR << 16
            | (operation & 0xFFFF));
    HeaderStatus status = wrap(target, offset, available);
    setMac(SENDER_MAC, senderMac);
    setInt(SENDER_IP, senderIp);
    setMac(TARGET_MAC, targetMac);
    setInt(TARGET_IP, targetIp);
    return status;
  }
}
