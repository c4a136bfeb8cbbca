package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.MacAddress;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Builds one message: header, a fixed part, attributes. Grows as needed; one thread. */
final class MessageWriter {
  private static final int FIRST_BYTES = 256;
  private static final int SEQUENCE_AT = 8;

  private ByteBuffer buffer = ByteBuffer.allocate(FIRST_BYTES).order(ByteOrder.nativeOrder());

  MessageWriter(int type, int flags) {
    buffer.putInt(0).putShort((short) type).putShort((short) flags).putLong(0);
  }

  /** {@code AF_INET} or {@code AF_INET6}. */
  static int family(boolean v6) {
    return v6 ? LinuxConstants.AF_INET6 : LinuxConstants.AF_INET;
  }

  /** Bytes of the fixed part, one each. */
  MessageWriter u8(int... values) {
    for (int value : values) {
      room(Byte.BYTES).put((byte) value);
    }
    return this;
  }

  /** 16 bits of the fixed part. */
  MessageWriter u16(int value) {
    room(Short.BYTES).putShort((short) value);
    return this;
  }

  /** 32 bits of the fixed part. */
  MessageWriter u32(long value) {
    room(Integer.BYTES).putInt((int) value);
    return this;
  }

  MessageWriter attribute(int type, byte[] value) {
    int bytes = NetlinkConstants.NLATTR_BYTES + value.length;
    int end = buffer.position() + Attributes.align(bytes);
    room(end - buffer.position()).putShort((short) bytes).putShort((short) type).put(value);
    buffer.position(end);
    return this;
  }

  MessageWriter attribute8(int type, int value) {
    return attribute(type, new byte[] {(byte) value});
  }

  MessageWriter attribute32(int type, long value) {
    byte[] bytes = new byte[Integer.BYTES];
    ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putInt((int) value);
    return attribute(type, bytes);
  }

  /** With a zero byte at its end. */
  MessageWriter attributeText(int type, String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    return attribute(type, Arrays.copyOf(bytes, bytes.length + 1));
  }

  MessageWriter attributeAddress(int type, IpAddress address) {
    return attribute(type, address.toByteArray());
  }

  /** {@code struct rtvia}: a family, then an address of it. */
  MessageWriter attributeVia(int type, IpAddress address) {
    byte[] value = address.toByteArray();
    ByteBuffer via = ByteBuffer.allocate(Short.BYTES + value.length).order(ByteOrder.nativeOrder());
    via.putShort((short) family(address.v6())).put(value);
    return attribute(type, via.array());
  }

  MessageWriter attributeMac(int type, MacAddress mac) {
    byte[] bytes = new byte[6];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (mac.bits() >>> (40 - 8 * i));
    }
    return attribute(type, bytes);
  }

  /** An attribute that holds what {@code content} writes. */
  MessageWriter nest(int type, Runnable content) {
    int start = buffer.position();
    room(NetlinkConstants.NLATTR_BYTES)
        .putShort((short) 0)
        .putShort((short) (type | NetlinkConstants.NLA_F_NESTED));
    content.run();
    buffer.putShort(start, (short) (buffer.position() - start));
    return this;
  }

  private ByteBuffer room(int bytes) {
    if (buffer.remaining() < bytes) {
      int capacity = Math.max(buffer.capacity() * 2, buffer.position() + bytes);
      buffer = ByteBuffer.allocate(capacity).order(ByteOrder.nativeOrder()).put(buffer.flip());
    }
    return buffer;
  }

  /** The message, with its length and this sequence number. */
  byte[] toByteArray(int sequence) {
    buffer.putInt(0, buffer.position());
    buffer.putInt(SEQUENCE_AT, sequence);
    return Arrays.copyOf(buffer.array(), buffer.position());
  }
}
