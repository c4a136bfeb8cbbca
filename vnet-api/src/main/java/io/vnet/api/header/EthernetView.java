package io.vnet.api.header;

import io.vnet.api.address.MacAddress;
import java.lang.foreign.MemorySegment;

/**
 * An Ethernet II frame: destination 6, source 6, up to two VLAN tags of 4, type 2, payload.
 *
 * <p>Source: IEEE 802.3, IEEE 802.1Q.
 */
public final class EthernetView extends HeaderView {
  /** Bytes of a header without a tag. */
  public static final int HEADER_BYTES = 14;

  private static final int DESTINATION = 0;
  private static final int SOURCE = 6;
  private static final int TYPE = 12;
  private static final int TAG_BYTES = 4;
  private static final int TAGS_MAX = 2;

  private int tagBytes;

  /** A view that points at nothing yet. */
  public EthernetView() {}

  @Override
  HeaderStatus check() {
    tagBytes = 0;
    if (available() < HEADER_BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    while (tagBytes < TAGS_MAX * TAG_BYTES && isTag(getShort(TYPE + tagBytes))) {
      tagBytes += TAG_BYTES;
      if (available() < HEADER_BYTES + tagBytes) {
        return HeaderStatus.TRUNCATED;
      }
    }
    return HeaderStatus.OK;
  }

  private static boolean isTag(int type) {
    return type == EtherTypes.VLAN || type == EtherTypes.PROVIDER_VLAN;
  }

  /** Where it goes. */
  public MacAddress destination() {
    return new MacAddress(destinationBits());
  }

  /** Where it goes, as the low 48 bits, without an object. */
  public long destinationBits() {
    return getMac(DESTINATION);
  }

  /** Where it comes from. */
  public MacAddress source() {
    return new MacAddress(sourceBits());
  }

  /** Where it comes from, as the low 48 bits, without an object. */
  public long sourceBits() {
    return getMac(SOURCE);
  }

  /** VLAN tags: 0 to 2. */
  public int tags() {
    checkValid();
    return tagBytes / TAG_BYTES;
  }

  /** The outermost VLAN, 0 to 4095; -1 without a tag. */
  public int vlan() {
    checkValid();
    return tagBytes == 0 ? -1 : getShort(TYPE + 2) & 0x0FFF;
  }

  /** The type of the payload, behind the tags. */
  public int type() {
    return getShort(TYPE + tagBytes);
  }

  @Override
  public long payloadOffset() {
    return start() + HEADER_BYTES + tagBytes;
  }

  @Override
  public int payloadLength() {
    return available() - HEADER_BYTES - tagBytes;
  }

  /** Changes where it goes. */
  public void setDestinationBits(long bits) {
    setMac(DESTINATION, bits);
  }

  /** Changes where it comes from. */
  public void setSourceBits(long bits) {
    setMac(SOURCE, bits);
  }

  /** Writes a header without a tag and points the view at it. */
  public HeaderStatus build(
      MemorySegment target, long offset, int available, long destination, long source, int type) {
    if (available < HEADER_BYTES) {
      return HeaderStatus.TRUNCATED;
    }
    target.asSlice(offset, HEADER_BYTES).fill((byte) 0);
    HeaderStatus status = wrap(target, offset, available);
    setMac(DESTINATION, destination);
    setMac(SOURCE, source);
    setShort(TYPE, type);
    return status;
  }
}
