package io.vnet.io.tun;

import io.vnet.api.address.IpPrefix;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Gives an interface one more address, of either family, over a route netlink socket. An address
 * that is there already stays and is no error; others are not touched. (The older SIOCSIFADDR
 * replaces the first IPv4 address.)
 *
 * <p>Source: netlink(7), rtnetlink(7), linux/netlink.h, linux/if_addr.h.
 */
final class AddressRequest {
  private static final int HEADER_BYTES = 16;
  private static final int MESSAGE_BYTES = 8;
  private static final int ATTRIBUTE_HEADER_BYTES = 4;

  /** An answer repeats the request, which is shorter than this. */
  private static final int ANSWER_BYTES = 256;

  private AddressRequest() {}

  /**
   * Adds the address of a prefix.
   *
   * @param netlink a socket of AF_NETLINK for NETLINK_ROUTE
   * @return at least 0, or {@code -errno}
   */
  static long add(Libc libc, Arena arena, int netlink, int interfaceIndex, IpPrefix prefix) {
    byte[] address = prefix.address().toByteArray();
    int attributeBytes = ATTRIBUTE_HEADER_BYTES + address.length;
    int bytes = HEADER_BYTES + MESSAGE_BYTES + 2 * attributeBytes;
    MemorySegment request = arena.allocate(bytes, 8);
    // struct nlmsghdr: length, type, flags, sequence, port.
    request.set(ValueLayout.JAVA_INT, 0, bytes);
    request.set(ValueLayout.JAVA_SHORT, 4, (short) LinuxConstants.RTM_NEWADDR);
    request.set(
        ValueLayout.JAVA_SHORT,
        6,
        (short)
            (LinuxConstants.NLM_F_REQUEST
                | LinuxConstants.NLM_F_ACK
                | LinuxConstants.NLM_F_REPLACE
                | LinuxConstants.NLM_F_CREATE));
    // struct ifaddrmsg: family, prefix length, flags, scope, interface index.
    request.set(
        ValueLayout.JAVA_BYTE,
        HEADER_BYTES,
        (byte) (prefix.address().v6() ? LinuxConstants.AF_INET6 : LinuxConstants.AF_INET));
    request.set(ValueLayout.JAVA_BYTE, HEADER_BYTES + 1L, (byte) prefix.length());
    request.set(ValueLayout.JAVA_INT, HEADER_BYTES + 4L, interfaceIndex);
    int attributes = HEADER_BYTES + MESSAGE_BYTES;
    attribute(request.asSlice(attributes, attributeBytes), LinuxConstants.IFA_LOCAL, address);
    attribute(
        request.asSlice(attributes + attributeBytes, attributeBytes),
        LinuxConstants.IFA_ADDRESS,
        address);
    long written = libc.write(netlink, request.address(), bytes);
    return written < 0 ? written : answer(libc, arena, netlink);
  }

  private static void attribute(MemorySegment attribute, int type, byte[] value) {
    attribute.set(ValueLayout.JAVA_SHORT, 0, (short) attribute.byteSize());
    attribute.set(ValueLayout.JAVA_SHORT, 2, (short) type);
    MemorySegment.copy(
        value, 0, attribute, ValueLayout.JAVA_BYTE, ATTRIBUTE_HEADER_BYTES, value.length);
  }

  /** The kernel has answered by the time the write returns: nlmsghdr, then 0 or a negated errno. */
  private static long answer(Libc libc, Arena arena, int netlink) {
    MemorySegment answer = arena.allocate(ANSWER_BYTES, 8);
    long read = libc.read(netlink, answer.address(), ANSWER_BYTES);
    return read < 0 ? read : answer.get(ValueLayout.JAVA_INT, HEADER_BYTES);
  }
}
