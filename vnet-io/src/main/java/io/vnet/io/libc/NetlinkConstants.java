package io.vnet.io.libc;

/** Numbers of rtnetlink, by header. All fields are in the machine's byte order. */
public final class NetlinkConstants {
  // linux/netlink.h
  public static final int NETLINK_ROUTE = 0;
  public static final int NLM_F_REQUEST = 0x1;
  public static final int NLM_F_ACK = 0x4;
  public static final int NLM_F_REPLACE = 0x100;
  public static final int NLM_F_CREATE = 0x400;
  public static final int NLM_F_DUMP = 0x300;
  public static final int NLM_F_DUMP_INTR = 0x10;
  public static final int NLMSG_ERROR = 2;
  public static final int NLMSG_DONE = 3;
  public static final int NLA_TYPE_MASK = 0x3fff;

  /** Bytes of {@code struct nlmsghdr}: length, type, flags, sequence, port. */
  public static final int NLMSGHDR_BYTES = 16;

  /** Bytes of {@code struct nlattr}: length with these, type. */
  public static final int NLATTR_BYTES = 4;

  // linux/rtnetlink.h
  public static final int RTM_NEWLINK = 16;
  public static final int RTM_GETLINK = 18;
  public static final int RTM_NEWADDR = 20;

  /** Bytes of {@code struct ifinfomsg}: family, type, index, flags, change. */
  public static final int IFINFOMSG_BYTES = 16;

  // linux/if_addr.h
  public static final int IFA_ADDRESS = 1;
  public static final int IFA_LOCAL = 2;

  /** Bytes of {@code struct ifaddrmsg}: family, prefix length, flags, scope, index. */
  public static final int IFADDRMSG_BYTES = 8;

  // linux/if_link.h
  public static final int IFLA_IFNAME = 3;
  public static final int IFLA_MTU = 4;
  public static final int IFLA_LINKINFO = 18;
  public static final int IFLA_CARRIER = 33;
  public static final int IFLA_INFO_KIND = 1;
  public static final int IFLA_INFO_DATA = 2;
  public static final int IFLA_TUN_OWNER = 1;
  public static final int IFLA_TUN_GROUP = 2;
  public static final int IFLA_TUN_TYPE = 3;
  public static final int IFLA_TUN_PERSIST = 6;

  private NetlinkConstants() {}
}
