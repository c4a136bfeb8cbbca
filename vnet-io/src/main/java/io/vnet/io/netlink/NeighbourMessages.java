package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Neighbours as messages: {@code struct ndmsg} and {@code NDA_*}. */
final class NeighbourMessages {
  private static final int INDEX_AT = 4;
  private static final int STATE_AT = 8;
  private static final int FLAGS_AT = 10;

  private NeighbourMessages() {}

  /**
   * All neighbours of a family.
   *
   * @param proxies the proxy entries, which are kept apart, instead
   */
  static MessageWriter dump(int family, boolean proxies) {
    return new MessageWriter(
            NetlinkConstants.RTM_GETNEIGH,
            NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_DUMP)
        .u8(family, 0, 0, 0)
        .u32(0)
        .u16(0)
        .u8(proxies ? NetlinkConstants.NTF_PROXY : 0, 0);
  }

  /**
   * A request about one neighbour.
   *
   * @param flags besides those that every request has
   */
  static MessageWriter request(int type, int flags, Neighbour neighbour) {
    IpAddress address = neighbour.address();
    MessageWriter message =
        new MessageWriter(type, NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK | flags)
            .u8(MessageWriter.family(address.v6()), 0, 0, 0)
            .u32(neighbour.interfaceIndex())
            .u16(neighbour.state().number())
            .u8(
                (neighbour.router() ? NetlinkConstants.NTF_ROUTER : 0)
                    | (neighbour.proxy() ? NetlinkConstants.NTF_PROXY : 0),
                0)
            .attributeAddress(NetlinkConstants.NDA_DST, address);
    neighbour.mac().ifPresent(known -> message.attributeMac(NetlinkConstants.NDA_LLADDR, known));
    return message;
  }

  /** Empty if it is none, or one of a bridge's forwarding table. */
  static Optional<Neighbour> decode(Message message) {
    ByteBuffer body = message.body();
    if (body.limit() < NetlinkConstants.NDMSG_BYTES) {
      return Optional.empty();
    }
    Attributes attributes = message.attributes(NetlinkConstants.NDMSG_BYTES);
    int flags = body.get(FLAGS_AT);
    return attributes
        .address(NetlinkConstants.NDA_DST)
        .filter(address -> MessageWriter.family(address.v6()) == body.get(0))
        .map(address ->
            new Neighbour(
                body.getInt(INDEX_AT),
                address,
                attributes.mac(NetlinkConstants.NDA_LLADDR),
                Neighbour.State.ofNumber(Short.toUnsignedInt(body.getShort(STATE_AT))),
                (flags & NetlinkConstants.NTF_ROUTER) != 0,
                (flags & NetlinkConstants.NTF_PROXY) != 0));
  }
}
