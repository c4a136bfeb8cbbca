package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Addresses as messages: {@code struct ifaddrmsg} and {@code IFA_*}. */
final class AddressMessages {
  private static final int PREFIX_LENGTH_AT = 1;
  private static final int FLAGS_AT = 2;
  private static final int SCOPE_AT = 3;
  private static final int INDEX_AT = 4;

  private AddressMessages() {}

  /** All addresses of a family. */
  static MessageWriter dump(int family) {
    return new MessageWriter(
            NetlinkConstants.RTM_GETADDR,
            NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_DUMP)
        .u8(family, 0, 0, 0)
        .u32(0);
  }

  /**
   * A request about one address.
   *
   * @param flags besides those that every request has
   */
  static MessageWriter request(int type, int flags, InterfaceAddress address) {
    IpAddress local = address.prefix().address();
    int addressFlags =
        (address.noPrefixRoute() ? NetlinkConstants.IFA_F_NOPREFIXROUTE : 0)
            | (address.noDad() ? NetlinkConstants.IFA_F_NODAD : 0);
    MessageWriter message =
        new MessageWriter(type, NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK | flags)
            .u8(
                MessageWriter.family(local.v6()),
                address.prefix().length(),
                addressFlags & 0xFF,
                address.scope().number())
            .u32(address.interfaceIndex())
            .attributeAddress(NetlinkConstants.IFA_LOCAL, local)
            .attributeAddress(NetlinkConstants.IFA_ADDRESS, address.peer().orElse(local));
    return addressFlags == 0
        ? message
        : message.attribute32(NetlinkConstants.IFA_FLAGS, addressFlags);
  }

  /** Empty if it is none. */
  static Optional<InterfaceAddress> decode(Message message) {
    ByteBuffer body = message.body();
    if (body.limit() < NetlinkConstants.IFADDRMSG_BYTES) {
      return Optional.empty();
    }
    Attributes attributes = message.attributes(NetlinkConstants.IFADDRMSG_BYTES);
    Optional<IpAddress> there = attributes.address(NetlinkConstants.IFA_ADDRESS);
    // IPv6 says the local address only where there is a peer.
    Optional<IpAddress> local = attributes.address(NetlinkConstants.IFA_LOCAL).or(() -> there);
    int length = Byte.toUnsignedInt(body.get(PREFIX_LENGTH_AT));
    if (local.isEmpty()
        || length > local.get().bits()
        || (there.isPresent() && there.get().v6() != local.get().v6())) {
      return Optional.empty();
    }
    int flags = attributes.s32(NetlinkConstants.IFA_FLAGS, Byte.toUnsignedInt(body.get(FLAGS_AT)));
    return Optional.of(
        new InterfaceAddress(
            body.getInt(INDEX_AT),
            new IpPrefix(local.get(), length),
            there.filter(peer -> !peer.equals(local.get())),
            new Scope(Byte.toUnsignedInt(body.get(SCOPE_AT))),
            (flags & NetlinkConstants.IFA_F_NOPREFIXROUTE) != 0,
            (flags & NetlinkConstants.IFA_F_NODAD) != 0,
            new InterfaceAddress.State(
                (flags & NetlinkConstants.IFA_F_PERMANENT) != 0,
                (flags & NetlinkConstants.IFA_F_TENTATIVE) != 0,
                (flags & NetlinkConstants.IFA_F_DADFAILED) != 0,
                attributes.u8(NetlinkConstants.IFA_PROTO, 0)
                    == NetlinkConstants.IFAPROT_KERNEL_LL)));
  }
}
