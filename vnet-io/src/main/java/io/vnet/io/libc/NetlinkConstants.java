package io.vnet.io.libc;

/**
 * Numbers of rtnetlink, by header. All fields are in the machine's byte order but addresses, which
 * are in the network's.
 */
public final class NetlinkConstants {
  // linux/netlink.h
  public static final int NETLINK_ROUTE = 0;
  public static final int NETLINK_CAP_ACK = 10;
  public static final int NETLINK_EXT_ACK = 11;
  public static final int NETLINK_GET_STRICT_CHK = 12;
  public static final int NLM_F_REQUEST = 0x1;
  public static final int NLM_F_ACK = 0x4;
  public static final int NLM_F_ECHO = 0x8;
  public static final int NLM_F_DUMP_INTR = 0x10;
  public static final int NLM_F_REPLACE = 0x100;
  public static final int NLM_F_EXCL = 0x200;
  public static final int NLM_F_CREATE = 0x400;
  public static final int NLM_F_DUMP = 0x300;

  /** On an answer: the request is not repeated in it. */
  public static final int NLM_F_CAPPED = 0x100;

  /** On an answer: attributes with the kernel's words follow. */
  public static final int NLM_F_ACK_TLVS = 0x200;

  public static final int NLMSG_NOOP = 1;
  public static final int NLMSG_ERROR = 2;
  public static final int NLMSG_DONE = 3;
  public static final int NLMSGERR_ATTR_MSG = 1;
  public static final int NLMSGERR_ATTR_OFFS = 2;
  public static final int NLA_F_NESTED = 0x8000;
  public static final int NLA_TYPE_MASK = 0x3fff;

  /** Bytes of {@code struct nlmsghdr}: length, type, flags, sequence, port. */
  public static final int NLMSGHDR_BYTES = 16;

  /** Bytes of {@code struct nlattr}: length with these, type. */
  public static final int NLATTR_BYTES = 4;

  /** Bytes of {@code struct sockaddr_nl}: family, padding, port, groups. */
  public static final int SOCKADDR_NL_BYTES = 12;

  // linux/rtnetlink.h
  public static final int RTM_NEWLINK = 16;
  public static final int RTM_DELLINK = 17;
  public static final int RTM_GETLINK = 18;
  public static final int RTM_NEWADDR = 20;
  public static final int RTM_DELADDR = 21;
  public static final int RTM_GETADDR = 22;
  public static final int RTM_NEWROUTE = 24;
  public static final int RTM_DELROUTE = 25;
  public static final int RTM_GETROUTE = 26;
  public static final int RTM_NEWNEIGH = 28;
  public static final int RTM_DELNEIGH = 29;
  public static final int RTM_GETNEIGH = 30;
  public static final int RTM_NEWRULE = 32;
  public static final int RTM_DELRULE = 33;
  public static final int RTM_GETRULE = 34;
  public static final int RTMGRP_LINK = 0x1;
  public static final int RTMGRP_IPV4_IFADDR = 0x10;
  public static final int RTMGRP_IPV4_ROUTE = 0x40;
  public static final int RTMGRP_IPV6_IFADDR = 0x100;
  public static final int RTMGRP_IPV6_ROUTE = 0x400;
  public static final int RTA_DST = 1;
  public static final int RTA_OIF = 4;
  public static final int RTA_GATEWAY = 5;
  public static final int RTA_PRIORITY = 6;
  public static final int RTA_PREFSRC = 7;
  public static final int RTA_METRICS = 8;
  public static final int RTA_MULTIPATH = 9;
  public static final int RTA_TABLE = 15;
  public static final int RTA_VIA = 18;
  public static final int RTAX_LOCK = 1;
  public static final int RTAX_MTU = 2;
  public static final int RTM_F_CLONED = 0x200;
  public static final int RTNH_F_ONLINK = 4;
  public static final int RTPROT_KERNEL = 2;
  public static final int RTPROT_STATIC = 4;
  public static final int RT_TABLE_MAIN = 254;

  /** Bytes of {@code struct ifinfomsg}: family, type, index, flags, change. */
  public static final int IFINFOMSG_BYTES = 16;

  /**
   * Bytes of {@code struct rtmsg}: family, destination's and source's length, tos, table, protocol,
   * scope, type, flags.
   */
  public static final int RTMSG_BYTES = 12;

  // linux/if_addr.h
  public static final int IFA_ADDRESS = 1;
  public static final int IFA_LOCAL = 2;
  public static final int IFA_LABEL = 3;
  public static final int IFA_FLAGS = 8;
  public static final int IFA_PROTO = 11;
  public static final int IFA_F_NODAD = 0x2;
  public static final int IFA_F_DADFAILED = 0x8;
  public static final int IFA_F_TENTATIVE = 0x40;
  public static final int IFA_F_PERMANENT = 0x80;
  public static final int IFA_F_NOPREFIXROUTE = 0x200;

  /** A link-local address that the kernel made for itself, since Linux 5.18. */
  public static final int IFAPROT_KERNEL_LL = 3;

  /** Bytes of {@code struct ifaddrmsg}: family, prefix length, flags, scope, index. */
  public static final int IFADDRMSG_BYTES = 8;

  // linux/neighbour.h
  public static final int NDA_DST = 1;
  public static final int NDA_LLADDR = 2;
  public static final int NTF_PROXY = 0x08;
  public static final int NTF_ROUTER = 0x80;

  /** Bytes of {@code struct ndmsg}: family, padding, index, state, flags, type. */
  public static final int NDMSG_BYTES = 12;

  // linux/fib_rules.h
  public static final int FRA_DST = 1;
  public static final int FRA_SRC = 2;
  public static final int FRA_IIFNAME = 3;
  public static final int FRA_PRIORITY = 6;
  public static final int FRA_FWMARK = 10;
  public static final int FRA_SUPPRESS_PREFIXLEN = 14;
  public static final int FRA_TABLE = 15;
  public static final int FRA_FWMASK = 16;
  public static final int FRA_OIFNAME = 17;
  public static final int FR_ACT_TO_TBL = 1;
  public static final int FIB_RULE_INVERT = 2;

  /**
   * Bytes of {@code struct fib_rule_hdr}: family, destination's and source's length, tos, table,
   * two reserved, action, flags.
   */
  public static final int FIB_RULE_HDR_BYTES = 12;

  // linux/if_link.h, linux/veth.h
  public static final int IFLA_ADDRESS = 1;
  public static final int IFLA_IFNAME = 3;
  public static final int IFLA_MTU = 4;
  public static final int IFLA_LINK = 5;
  public static final int IFLA_MASTER = 10;
  public static final int IFLA_LINKINFO = 18;
  public static final int IFLA_NET_NS_PID = 19;
  public static final int IFLA_IFALIAS = 20;
  public static final int IFLA_STATS64 = 23;
  public static final int IFLA_NET_NS_FD = 28;
  public static final int IFLA_CARRIER = 33;
  public static final int IFLA_INFO_KIND = 1;
  public static final int IFLA_INFO_DATA = 2;
  public static final int VETH_INFO_PEER = 1;
  public static final int IFLA_TUN_OWNER = 1;
  public static final int IFLA_TUN_GROUP = 2;
  public static final int IFLA_TUN_TYPE = 3;
  public static final int IFLA_TUN_PI = 4;
  public static final int IFLA_TUN_VNET_HDR = 5;
  public static final int IFLA_TUN_PERSIST = 6;
  public static final int IFLA_TUN_MULTI_QUEUE = 7;
  public static final int IFLA_TUN_NUM_QUEUES = 8;
  public static final int IFLA_TUN_NUM_DISABLED_QUEUES = 9;

  private NetlinkConstants() {}
}
