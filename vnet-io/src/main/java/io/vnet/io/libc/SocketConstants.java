package io.vnet.io.libc;

/** Numbers and layouts of datagram sockets, the same on all architectures that vnet knows. */
public final class SocketConstants {
  // linux/net.h, asm-generic/socket.h
  public static final int SOCK_NONBLOCK = LinuxConstants.O_NONBLOCK;
  public static final int SO_SNDBUF = 7;
  public static final int SO_SNDBUFFORCE = 32;
  public static final int SO_RCVBUFFORCE = 33;
  public static final int SO_MARK = 36;
  public static final int SO_RXQ_OVFL = 40;

  // linux/socket.h
  public static final int MSG_CTRUNC = 8;
  public static final int SOL_IP = 0;
  public static final int SOL_UDP = 17;
  public static final int SOL_IPV6 = 41;

  // linux/in.h
  public static final int IP_TOS = 1;
  public static final int IP_PKTINFO = 8;
  public static final int IP_RECVTOS = 13;

  /** {@code struct sockaddr_in}: family, port and address in network order, zeros. */
  public static final int SOCKADDR_IN_BYTES = 16;

  public static final int SIN_PORT = 2;
  public static final int SIN_ADDR = 4;

  /** {@code struct in_pktinfo}: interface, own address to send from, own address received at. */
  public static final int IN_PKTINFO_BYTES = 12;

  public static final int IPI_IFINDEX = 0;
  public static final int IPI_SPEC_DST = 4;
  public static final int IPI_ADDR = 8;

  // linux/in6.h, linux/ipv6.h
  public static final int IPV6_V6ONLY = 26;
  public static final int IPV6_RECVPKTINFO = 49;
  public static final int IPV6_PKTINFO = 50;
  public static final int IPV6_RECVTCLASS = 66;
  public static final int IPV6_TCLASS = 67;

  /** {@code struct sockaddr_in6}: family, port, flow, address in network order, scope. */
  public static final int SOCKADDR_IN6_BYTES = 28;

  public static final int SIN6_PORT = 2;
  public static final int SIN6_ADDR = 8;
  public static final int SIN6_SCOPE_ID = 24;

  /** {@code struct in6_pktinfo}: own address, interface. */
  public static final int IN6_PKTINFO_BYTES = 20;

  public static final int IPI6_ADDR = 0;
  public static final int IPI6_IFINDEX = 16;

  // linux/udp.h
  public static final int UDP_SEGMENT = 103;
  public static final int UDP_GRO = 104;

  /** Most segments of one message: UDP_MAX_SEGMENTS was this until it grew. */
  public static final int UDP_SEGMENTS_MAX = 64;

  /** {@code struct mmsghdr}: a {@code struct msghdr}, then the length that was moved. */
  public static final int MMSGHDR_BYTES = 64;

  public static final int MSG_NAME = 0;
  public static final int MSG_NAMELEN = 8;
  public static final int MSG_IOV = 16;
  public static final int MSG_IOVLEN = 24;
  public static final int MSG_CONTROL = 32;
  public static final int MSG_CONTROLLEN = 40;
  public static final int MSG_FLAGS = 48;
  public static final int MSG_LEN = 56;

  /** {@code struct iovec}: address, length. */
  public static final int IOVEC_BYTES = 16;

  public static final int IOV_LEN = 8;

  /** Most vectors of one message: UIO_MAXIOV. */
  public static final int IOVECS_MAX = 1024;

  /** {@code struct cmsghdr}: length with this header, level, type; the data follow. */
  public static final int CMSGHDR_BYTES = 16;

  public static final int CMSG_LEVEL = 8;
  public static final int CMSG_TYPE = 12;

  /** What control data are aligned to. */
  public static final int CMSG_ALIGNMENT = 8;

  private SocketConstants() {}
}
