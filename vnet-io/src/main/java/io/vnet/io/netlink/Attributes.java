package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.MacAddress;
import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A list of attributes ({@code struct nlattr} of linux/netlink.h) by type.
 *
 * <p><b>Invariant:</b> nothing here throws for what the bytes say. A list is read up to the first
 * attribute that is cut; a value that is shorter than its reader needs counts as missing; of two of
 * one type the last counts. Types that nobody asks for are skipped so.
 */
final class Attributes {
  private static final int MAC_BYTES = 6;
  private static final int V4_BYTES = 4;
  private static final int V6_BYTES = 16;

  private final Map<Integer, ByteBuffer> values;

  private Attributes(Map<Integer, ByteBuffer> values) {
    this.values = values;
  }

  static Attributes of(ByteBuffer list) {
    Map<Integer, ByteBuffer> values = new HashMap<>();
    ByteBuffer bytes = list.duplicate().order(ByteOrder.nativeOrder());
    int at = 0;
    while (bytes.limit() - at >= NetlinkConstants.NLATTR_BYTES) {
      int left = bytes.limit() - at;
      int length = Short.toUnsignedInt(bytes.getShort(at));
      if (length < NetlinkConstants.NLATTR_BYTES || length > left) {
        break;
      }
      values.put(
          bytes.getShort(at + 2) & NetlinkConstants.NLA_TYPE_MASK,
          bytes
              .slice(at + NetlinkConstants.NLATTR_BYTES, length - NetlinkConstants.NLATTR_BYTES)
              .order(ByteOrder.nativeOrder()));
      at += Math.min(left, align(length));
    }
    return new Attributes(values);
  }

  /** To the next multiple of NLMSG_ALIGNTO, which is NLA_ALIGNTO too. */
  static int align(int bytes) {
    return (bytes + 3) & ~3;
  }

  private @Nullable ByteBuffer value(int type, int bytesMin) {
    ByteBuffer value = values.get(type);
    return value == null || value.limit() < bytesMin ? null : value;
  }

  boolean has(int type) {
    return values.containsKey(type);
  }

  /** The attributes within one; none if it is missing. */
  Attributes nested(int type) {
    ByteBuffer value = values.get(type);
    return value == null ? new Attributes(Map.of()) : of(value);
  }

  int u8(int type, int otherwise) {
    ByteBuffer value = value(type, Byte.BYTES);
    return value == null ? otherwise : Byte.toUnsignedInt(value.get(0));
  }

  int s32(int type, int otherwise) {
    ByteBuffer value = value(type, Integer.BYTES);
    return value == null ? otherwise : value.getInt(0);
  }

  OptionalLong u32(int type) {
    ByteBuffer value = value(type, Integer.BYTES);
    return value == null
        ? OptionalLong.empty()
        : OptionalLong.of(Integer.toUnsignedLong(value.getInt(0)));
  }

  /**
   * One of several 64-bit numbers, 0 if it is missing.
   *
   * @param index of the number, not of its byte
   */
  long u64(int type, int index) {
    ByteBuffer value = value(type, (index + 1) * Long.BYTES);
    return value == null ? 0 : value.getLong(index * Long.BYTES);
  }

  /** Up to the first zero byte; empty if it is missing. */
  String text(int type) {
    ByteBuffer value = values.get(type);
    if (value == null) {
      return "";
    }
    byte[] bytes = new byte[value.limit()];
    value.get(0, bytes);
    int end = 0;
    while (end < bytes.length && bytes[end] != 0) {
      end++;
    }
    return new String(bytes, 0, end, StandardCharsets.UTF_8);
  }

  /** Of the family that the value's length tells. */
  Optional<IpAddress> address(int type) {
    ByteBuffer value = values.get(type);
    return value == null ? Optional.empty() : address(value);
  }

  /** {@code struct rtvia}: a family, then an address of it. */
  Optional<IpAddress> via(int type) {
    ByteBuffer value = value(type, Short.BYTES);
    return value == null
        ? Optional.empty()
        : address(value.slice(Short.BYTES, value.limit() - Short.BYTES));
  }

  private static Optional<IpAddress> address(ByteBuffer value) {
    ByteBuffer network = value.duplicate().order(ByteOrder.BIG_ENDIAN);
    return switch (value.limit()) {
      case V4_BYTES -> Optional.of(IpAddress.v4(network.getInt(0)));
      case V6_BYTES -> Optional.of(IpAddress.v6(network.getLong(0), network.getLong(8)));
      default -> Optional.empty();
    };
  }

  /** Empty if it has another length than six bytes. */
  Optional<MacAddress> mac(int type) {
    ByteBuffer value = values.get(type);
    if (value == null || value.limit() != MAC_BYTES) {
      return Optional.empty();
    }
    long bits = 0;
    for (int i = 0; i < MAC_BYTES; i++) {
      bits = bits << 8 | Byte.toUnsignedInt(value.get(i));
    }
    return Optional.of(new MacAddress(bits));
  }
}
