package io.vnet.io.netlink;

import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * One message of a netlink datagram ({@code struct nlmsghdr} of linux/netlink.h).
 *
 * @param type {@code RTM_NEWLINK} and so on
 * @param flags {@code NLM_F_*}
 * @param sequence the request's number; 0 in an event that nobody asked for
 * @param body what follows the header, in the machine's byte order
 */
record Message(int type, int flags, int sequence, ByteBuffer body) {
  /**
   * What a datagram holds.
   *
   * @param messages those that are whole, in order
   * @param whole false: what follows them is cut, or no message
   */
  record Datagram(List<Message> messages, boolean whole) {}

  /** Takes a datagram apart; its position does not matter, its limit is its end. */
  static Datagram split(ByteBuffer datagram) {
    List<Message> messages = new ArrayList<>();
    ByteBuffer bytes = datagram.duplicate().order(ByteOrder.nativeOrder());
    int at = 0;
    while (at < bytes.limit()) {
      int left = bytes.limit() - at;
      if (left < NetlinkConstants.NLMSGHDR_BYTES) {
        return new Datagram(messages, false);
      }
      int length = bytes.getInt(at);
      if (length < NetlinkConstants.NLMSGHDR_BYTES || length > left) {
        return new Datagram(messages, false);
      }
      messages.add(
          new Message(
              Short.toUnsignedInt(bytes.getShort(at + 4)),
              Short.toUnsignedInt(bytes.getShort(at + 6)),
              bytes.getInt(at + 8),
              bytes
                  .slice(
                      at + NetlinkConstants.NLMSGHDR_BYTES,
                      length - NetlinkConstants.NLMSGHDR_BYTES)
                  .order(ByteOrder.nativeOrder())));
      // The last message need not be padded.
      at += Math.min(left, Attributes.align(length));
    }
    return new Datagram(messages, true);
  }

  /** The first byte of what it says, which is the family in all messages of rtnetlink; or 0. */
  int family() {
    return body.hasRemaining() ? body.get(0) : 0;
  }

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  /**
   * The attributes behind a fixed header.
   *
   * @param headerBytes of the fixed header; the body has at least as many
   */
  Attributes attributes(int headerBytes) {
    return Attributes.of(body.slice(headerBytes, body.limit() - headerBytes));
  }
}
