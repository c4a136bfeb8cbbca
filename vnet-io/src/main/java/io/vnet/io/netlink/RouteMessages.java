package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Routes as messages: {@code struct rtmsg}, {@code RTA_*} and {@code RTAX_*}. */
final class RouteMessages {
  private static final int DESTINATION_LENGTH_AT = 1;
  private static final int TABLE_AT = 4;
  private static final int PROTOCOL_AT = 5;
  private static final int SCOPE_AT = 6;
  private static final int TYPE_AT = 7;
  private static final int FLAGS_AT = 8;

  /** A table above is said in an attribute alone. */
  private static final int HEADER_TABLE_MAX = 255;

  private RouteMessages() {}

  /** All routes of a family. */
  static MessageWriter dump(int family) {
    return new MessageWriter(
            NetlinkConstants.RTM_GETROUTE,
            NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_DUMP)
        .u8(family, 0, 0, 0, 0, 0, 0, 0)
        .u32(0);
  }

  /** Asks for the way to an address. */
  static MessageWriter lookup(IpAddress destination) {
    return new MessageWriter(
            NetlinkConstants.RTM_GETROUTE,
            NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK)
        .u8(MessageWriter.family(destination.v6()), destination.bits(), 0, 0, 0, 0, 0, 0)
        .u32(0)
        .attributeAddress(NetlinkConstants.RTA_DST, destination);
  }

  /**
   * A request about one route.
   *
   * @param flags besides those that every request has
   */
  static MessageWriter request(int type, int flags, Route route) {
    IpPrefix destination = route.destination();
    MessageWriter message =
        new MessageWriter(type, NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK | flags)
            .u8(
                MessageWriter.family(route.v6()),
                destination.length(),
                0,
                0,
                route.table() <= HEADER_TABLE_MAX ? (int) route.table() : 0,
                route.protocol(),
                route.scope().number(),
                route.type().number())
            .u32(route.onLink() ? NetlinkConstants.RTNH_F_ONLINK : 0)
            .attribute32(NetlinkConstants.RTA_TABLE, route.table());
    if (destination.length() > 0) {
      message.attributeAddress(NetlinkConstants.RTA_DST, destination.address());
    }
    if (route.gateway().isPresent()) {
      IpAddress gateway = route.gateway().get();
      if (gateway.v6() == route.v6()) {
        message.attributeAddress(NetlinkConstants.RTA_GATEWAY, gateway);
      } else {
        message.attributeVia(NetlinkConstants.RTA_VIA, gateway);
      }
    }
    if (route.interfaceIndex() != 0) {
      message.attribute32(NetlinkConstants.RTA_OIF, route.interfaceIndex());
    }
    if (route.metric() != 0) {
      message.attribute32(NetlinkConstants.RTA_PRIORITY, route.metric());
    }
    route
        .preferredSource()
        .ifPresent(source -> message.attributeAddress(NetlinkConstants.RTA_PREFSRC, source));
    if (route.mtu() != 0) {
      message.nest(
          NetlinkConstants.RTA_METRICS,
          () -> {
            if (route.mtuLocked()) {
              message.attribute32(NetlinkConstants.RTAX_LOCK, 1L << NetlinkConstants.RTAX_MTU);
            }
            message.attribute32(NetlinkConstants.RTAX_MTU, route.mtu());
          });
    }
    return message;
  }

  /** Empty if it is none, or an entry of a cache. */
  static Optional<Route> decode(Message message) {
    ByteBuffer body = message.body();
    return body.limit() >= NetlinkConstants.RTMSG_BYTES
            && (body.getInt(FLAGS_AT) & NetlinkConstants.RTM_F_CLONED) != 0
        ? Optional.empty()
        : decodeAny(message);
  }

  /** The answer to {@link #lookup} is an entry of a cache. */
  static Optional<Route> decodeAny(Message message) {
    ByteBuffer body = message.body();
    if (body.limit() < NetlinkConstants.RTMSG_BYTES) {
      return Optional.empty();
    }
    int family = body.get(0);
    int flags = body.getInt(FLAGS_AT);
    if (family != LinuxConstants.AF_INET && family != LinuxConstants.AF_INET6) {
      return Optional.empty();
    }
    boolean v6 = family == LinuxConstants.AF_INET6;
    Attributes attributes = message.attributes(NetlinkConstants.RTMSG_BYTES);
    IpAddress destination =
        attributes
            .address(NetlinkConstants.RTA_DST)
            .orElse(v6 ? IpAddress.v6(0, 0) : IpAddress.v4(0));
    Optional<IpAddress> gateway =
        attributes
            .address(NetlinkConstants.RTA_GATEWAY)
            .or(() -> attributes.via(NetlinkConstants.RTA_VIA));
    Optional<IpAddress> source = attributes.address(NetlinkConstants.RTA_PREFSRC);
    int length = Byte.toUnsignedInt(body.get(DESTINATION_LENGTH_AT));
    long table =
        attributes.u32(NetlinkConstants.RTA_TABLE).orElse(Byte.toUnsignedInt(body.get(TABLE_AT)));
    if (destination.v6() != v6
        || length > destination.bits()
        || (v6 && gateway.isPresent() && !gateway.get().v6())
        || (source.isPresent() && source.get().v6() != v6)
        || table == 0) {
      return Optional.empty();
    }
    Attributes metrics = attributes.nested(NetlinkConstants.RTA_METRICS);
    return Optional.of(
        new Route(
            new IpPrefix(destination, length),
            Route.Type.ofNumber(Byte.toUnsignedInt(body.get(TYPE_AT))),
            gateway,
            attributes.s32(NetlinkConstants.RTA_OIF, 0),
            attributes.u32(NetlinkConstants.RTA_PRIORITY).orElse(0),
            table,
            new Scope(Byte.toUnsignedInt(body.get(SCOPE_AT))),
            Byte.toUnsignedInt(body.get(PROTOCOL_AT)),
            source,
            metrics.s32(NetlinkConstants.RTAX_MTU, 0),
            (metrics.s32(NetlinkConstants.RTAX_LOCK, 0) & 1 << NetlinkConstants.RTAX_MTU) != 0,
            (flags & NetlinkConstants.RTNH_F_ONLINK) != 0,
            attributes.has(NetlinkConstants.RTA_MULTIPATH)));
  }
}
