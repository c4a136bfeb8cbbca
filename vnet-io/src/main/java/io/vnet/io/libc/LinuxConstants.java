package io.vnet.io.libc;

/** Numbers of Linux, the same on all architectures that vnet knows, by header. */
public final class LinuxConstants {
  // asm-generic/fcntl.h
  public static final int O_RDONLY = 0;
  public static final int O_RDWR = 2;
  public static final int O_ACCMODE = 3;
  public static final int O_NONBLOCK = 0x800;
  public static final int O_CLOEXEC = 0x80000;
  public static final int F_GETFD = 1;
  public static final int F_SETFD = 2;
  public static final int F_GETFL = 3;
  public static final int F_SETFL = 4;
  public static final int FD_CLOEXEC = 1;

  // linux/socket.h, linux/net.h
  public static final int AF_UNIX = 1;
  public static final int AF_INET = 2;
  public static final int AF_INET6 = 10;
  public static final int AF_NETLINK = 16;
  public static final int SOCK_DGRAM = 2;
  public static final int SOCK_RAW = 3;
  public static final int SOCK_CLOEXEC = 0x80000;
  public static final int MSG_PEEK = 2;
  public static final int MSG_TRUNC = 0x20;
  public static final int SOL_SOCKET = 1;
  public static final int SCM_RIGHTS = 1;
  public static final int SO_RCVBUF = 8;
  public static final int SOL_NETLINK = 270;

  // linux/un.h

  /** Bytes of {@code struct sockaddr_un}: a family of two, then a path. */
  public static final int SOCKADDR_UN_BYTES = 110;

  public static final int SUN_PATH = 2;

  // asm-generic/poll.h
  public static final int POLLIN = 1;

  /** Bytes of {@code struct pollfd}: descriptor, events asked for, events seen. */
  public static final int POLLFD_BYTES = 8;

  // linux/sched.h
  public static final int CLONE_NEWNET = 0x40000000;

  // linux/if.h
  public static final int IFNAMSIZ = 16;
  public static final int IFF_UP = 1;
  public static final int IFF_LOOPBACK = 8;
  public static final int IFF_RUNNING = 0x40;

  /** Bytes of {@code struct ifreq}: a name and a union of 24. */
  public static final int IFREQ_BYTES = 40;

  // linux/sockios.h
  public static final int SIOCSIFFLAGS = 0x8914;

  // linux/if_tun.h
  public static final int IFF_TUN = 0x0001;
  public static final int IFF_TAP = 0x0002;

  /** Since Linux 6.1; ignored before. */
  public static final int IFF_NO_CARRIER = 0x0040;

  public static final int IFF_MULTI_QUEUE = 0x0100;
  public static final int IFF_DETACH_QUEUE = 0x0400;
  public static final int IFF_PERSIST = 0x0800;
  public static final int IFF_NO_PI = 0x1000;
  public static final int IFF_VNET_HDR = 0x4000;
  public static final int IFF_TUN_EXCL = 0x8000;
  public static final long TUNSETIFF = 0x400454caL;
  public static final long TUNSETPERSIST = 0x400454cbL;
  public static final long TUNSETOWNER = 0x400454ccL;
  public static final long TUNSETGROUP = 0x400454ceL;
  public static final long TUNSETOFFLOAD = 0x400454d0L;
  public static final long TUNGETIFF = 0x800454d2L;
  public static final long TUNGETVNETHDRSZ = 0x800454d7L;
  public static final long TUNSETVNETHDRSZ = 0x400454d8L;
  public static final long TUNSETCARRIER = 0x400454e2L;
  public static final long TUNGETDEVNETNS = 0x54e3L;

  public static final int TUN_F_CSUM = 0x01;
  public static final int TUN_F_TSO4 = 0x02;
  public static final int TUN_F_TSO6 = 0x04;
  public static final int TUN_F_USO4 = 0x20;
  public static final int TUN_F_USO6 = 0x40;

  private LinuxConstants() {}
}
