package io.vnet.io.netlink;

import io.vnet.api.device.DriverKind;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import java.util.Optional;

/** Links as messages: {@code struct ifinfomsg} and {@code IFLA_*}. */
final class LinkMessages {
  static final String TUN = "tun";

  private static final int INDEX_AT = 4;
  private static final int FLAGS_AT = 8;

  private LinkMessages() {}

  /** All links. */
  static MessageWriter dump() {
    return header(
        NetlinkConstants.RTM_GETLINK,
        NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_DUMP,
        0,
        0,
        0);
  }

  /** The link of an index. */
  static MessageWriter get(int index) {
    return request(NetlinkConstants.RTM_GETLINK, 0, index);
  }

  /** The link of a name. */
  static MessageWriter get(String name) {
    return request(NetlinkConstants.RTM_GETLINK, 0, 0)
        .attributeText(NetlinkConstants.IFLA_IFNAME, name);
  }

  static MessageWriter create(String name, String kind) {
    MessageWriter message = creation(name);
    return message.nest(
        NetlinkConstants.IFLA_LINKINFO,
        () -> message.attributeText(NetlinkConstants.IFLA_INFO_KIND, kind));
  }

  static MessageWriter createVeth(String name, String peer) {
    MessageWriter message = creation(name);
    return message.nest(
        NetlinkConstants.IFLA_LINKINFO,
        () -> {
          message.attributeText(NetlinkConstants.IFLA_INFO_KIND, "veth");
          message.nest(
              NetlinkConstants.IFLA_INFO_DATA,
              () ->
                  message.nest(
                      NetlinkConstants.VETH_INFO_PEER,
                      // The other end has a fixed header of its own.
                      () ->
                          fixed(message, 0, 0, 0)
                              .attributeText(NetlinkConstants.IFLA_IFNAME, peer)));
        });
  }

  private static MessageWriter creation(String name) {
    return request(
            NetlinkConstants.RTM_NEWLINK,
            NetlinkConstants.NLM_F_CREATE | NetlinkConstants.NLM_F_EXCL,
            0)
        .attributeText(NetlinkConstants.IFLA_IFNAME, name);
  }

  static MessageWriter delete(int index) {
    return request(NetlinkConstants.RTM_DELLINK, 0, index);
  }

  static MessageWriter delete(String name) {
    return request(NetlinkConstants.RTM_DELLINK, 0, 0)
        .attributeText(NetlinkConstants.IFLA_IFNAME, name);
  }

  /** A change of an existing link, which the caller adds an attribute for. */
  static MessageWriter change(int index) {
    return request(NetlinkConstants.RTM_NEWLINK, 0, index);
  }

  static MessageWriter up(int index, boolean up) {
    return header(
        NetlinkConstants.RTM_NEWLINK,
        NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK,
        index,
        up ? LinuxConstants.IFF_UP : 0,
        LinuxConstants.IFF_UP);
  }

  private static MessageWriter request(int type, int flags, int index) {
    return header(
        type, NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK | flags, index, 0, 0);
  }

  private static MessageWriter header(
      int type, int messageFlags, int index, int linkFlags, int change) {
    return fixed(new MessageWriter(type, messageFlags), index, linkFlags, change);
  }

  private static MessageWriter fixed(MessageWriter message, int index, int flags, int change) {
    return message.u8(0, 0).u16(0).u32(index).u32(flags).u32(change);
  }

  /** Empty if it is none. */
  static Optional<Link> decode(Message message) {
    if (message.body().limit() < NetlinkConstants.IFINFOMSG_BYTES) {
      return Optional.empty();
    }
    Attributes attributes = message.attributes(NetlinkConstants.IFINFOMSG_BYTES);
    int flags = message.body().getInt(FLAGS_AT);
    boolean up = (flags & LinuxConstants.IFF_UP) != 0;
    Attributes info = attributes.nested(NetlinkConstants.IFLA_LINKINFO);
    String kind = info.text(NetlinkConstants.IFLA_INFO_KIND);
    return Optional.of(
        new Link(
            message.body().getInt(INDEX_AT),
            attributes.text(NetlinkConstants.IFLA_IFNAME),
            kind,
            (flags & LinuxConstants.IFF_LOOPBACK) != 0,
            up,
            up && attributes.u8(NetlinkConstants.IFLA_CARRIER, 0) == 1,
            attributes.s32(NetlinkConstants.IFLA_MTU, 0),
            attributes.mac(NetlinkConstants.IFLA_ADDRESS),
            attributes.text(NetlinkConstants.IFLA_IFALIAS),
            attributes.s32(NetlinkConstants.IFLA_MASTER, 0),
            attributes.s32(NetlinkConstants.IFLA_LINK, 0),
            counters(attributes),
            kind.equals(TUN) && info.has(NetlinkConstants.IFLA_INFO_DATA)
                ? Optional.of(tun(info.nested(NetlinkConstants.IFLA_INFO_DATA)))
                : Optional.empty()));
  }

  private static Link.Counters counters(Attributes attributes) {
    int type = NetlinkConstants.IFLA_STATS64;
    return new Link.Counters(
        attributes.u64(type, 0),
        attributes.u64(type, 1),
        attributes.u64(type, 2),
        attributes.u64(type, 3),
        attributes.u64(type, 4),
        attributes.u64(type, 5),
        attributes.u64(type, 6),
        attributes.u64(type, 7),
        attributes.u64(type, 8));
  }

  private static Link.Tun tun(Attributes data) {
    return new Link.Tun(
        data.u8(NetlinkConstants.IFLA_TUN_TYPE, 0) == LinuxConstants.IFF_TAP
            ? DriverKind.TAP
            : DriverKind.TUN,
        data.u32(NetlinkConstants.IFLA_TUN_OWNER),
        data.u32(NetlinkConstants.IFLA_TUN_GROUP),
        data.u8(NetlinkConstants.IFLA_TUN_PI, 0) == 1,
        data.u8(NetlinkConstants.IFLA_TUN_VNET_HDR, 0) == 1,
        data.u8(NetlinkConstants.IFLA_TUN_PERSIST, 0) == 1,
        data.u8(NetlinkConstants.IFLA_TUN_MULTI_QUEUE, 0) == 1,
        data.s32(NetlinkConstants.IFLA_TUN_NUM_QUEUES, 0),
        data.s32(NetlinkConstants.IFLA_TUN_NUM_DISABLED_QUEUES, 0));
  }
}
