package io.vnet.io.tun;

import io.vnet.api.address.IpPrefix;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
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
    int attributeBytes = NetlinkConstants.NLATTR_BYTES + address.length;
    int bytes =
        NetlinkConstants.NLMSGHDR_BYTES + NetlinkConstants.IFADDRMSG_BYTES + 2 * attributeBytes;
    MemorySegment request = arena.allocate(bytes, 8);
    // struct nlmsghdr: length, type, flags, sequence, port.
    request.set(ValueLayout.JAVA_INT, 0, bytes);
    request.set(ValueLayout.JAVA_SHORT, 4, (short) NetlinkConstants.RTM_NEWADDR);
    request.set(
        ValueLayout.JAVA_SHORT,
        6,
        (short)
            (NetlinkConstants.NLM_F_REQUEST
                | NetlinkConstants.NLM_F_ACK
                | NetlinkConstants.NLM_F_REPLACE
                | NetlinkConstants.NLM_F_CREATE));
    // struct ifaddrmsg: family, prefix length, flags, scope, interface index.
    request.set(
        ValueLayout.JAVA_BYTE,
        NetlinkConstants.NLMSGHDR_BYTES,
        (byte) (prefix.address().v6() ? LinuxConstants.AF_INET6 : LinuxConstants.AF_INET));
    request.set(
        ValueLayout.JAVA_BYTE, NetlinkConstants.NLMSGHDR_BYTES + 1L, (byte) prefix.length());
    request.set(ValueLayout.JAVA_INT, NetlinkConstants.NLMSGHDR_BYTES + 4L, interfaceIndex);
    int attributes = NetlinkConstants.NLMSGHDR_BYTES + NetlinkConstants.IFADDRMSG_BYTES;
    attribute(request.asSlice(attributes, attributeBytes), NetlinkConstants.IFA_LOCAL, address);
    attribute(
        request.asSlice(attributes + attributeBytes, attributeBytes),
        NetlinkConstants.IFA_ADDRESS,
        address);
    long written = libc.write(netlink, request.address(), bytes);
    return written < 0 ? written : answer(libc, arena, netlink);
  }

  private static void attribute(MemorySegment attribute, int type, byte[] value) {
    attribute.set(ValueLayout.JAVA_SHORT, 0, (short) attribute.byteSize());
    attribute.set(ValueLayout.JAVA_SHORT, 2, (short) type);
    MemorySegment.copy(
        value, 0, attribute, ValueLayout.JAVA_BYTE, NetlinkConstants.NLATTR_BYTES, value.length);
  }

  /** The kernel has answered by the time the write returns: nlmsghdr, then 0 or a negated errno. */
  private static long answer(Libc libc, Arena arena, int netlink) {
    MemorySegment answer = arena.allocate(ANSWER_BYTES, 8);
    long read = libc.read(netlink, answer.address(), ANSWER_BYTES);
    return read < 0 ? read : answer.get(ValueLayout.JAVA_INT, NetlinkConstants.NLMSGHDR_BYTES);
  }
}
