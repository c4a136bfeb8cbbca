package io.vnet.io.netlink;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** Rules as messages: {@code struct fib_rule_hdr} and {@code FRA_*}. */
final class RuleMessages {
  private static final int DESTINATION_LENGTH_AT = 1;
  private static final int SOURCE_LENGTH_AT = 2;
  private static final int TABLE_AT = 4;
  private static final int ACTION_AT = 7;
  private static final int FLAGS_AT = 8;

  /** A table above is said in an attribute alone. */
  private static final int HEADER_TABLE_MAX = 255;

  private RuleMessages() {}

  /** All rules of a family. */
  static MessageWriter dump(int family) {
    return new MessageWriter(
            NetlinkConstants.RTM_GETRULE,
            NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_DUMP)
        .u8(family, 0, 0, 0, 0, 0, 0, 0)
        .u32(0);
  }

  /**
   * A request about one rule.
   *
   * @param flags besides those that every request has
   */
  static MessageWriter request(int type, int flags, Rule rule) {
    MessageWriter message =
        new MessageWriter(type, NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK | flags)
            .u8(
                MessageWriter.family(rule.v6()),
                rule.destination().map(IpPrefix::length).orElse(0),
                rule.source().map(IpPrefix::length).orElse(0),
                0,
                rule.table() <= HEADER_TABLE_MAX ? (int) rule.table() : 0,
                0,
                0,
                rule.action())
            .u32(rule.inverted() ? NetlinkConstants.FIB_RULE_INVERT : 0);
    if (rule.table() != 0) {
      message.attribute32(NetlinkConstants.FRA_TABLE, rule.table());
    }
    rule.priority().ifPresent(number -> message.attribute32(NetlinkConstants.FRA_PRIORITY, number));
    rule.mark()
        .ifPresent(mark ->
            message
                .attribute32(NetlinkConstants.FRA_FWMARK, mark.value())
                .attribute32(NetlinkConstants.FRA_FWMASK, mark.mask()));
    rule.suppressPrefixLength()
        .ifPresent(bits -> message.attribute32(NetlinkConstants.FRA_SUPPRESS_PREFIXLEN, bits));
    rule.source()
        .ifPresent(prefix ->
            message.attributeAddress(NetlinkConstants.FRA_SRC, prefix.network().address()));
    rule.destination()
        .ifPresent(prefix ->
            message.attributeAddress(NetlinkConstants.FRA_DST, prefix.network().address()));
    if (!rule.inInterface().isEmpty()) {
      message.attributeText(NetlinkConstants.FRA_IIFNAME, rule.inInterface());
    }
    if (!rule.outInterface().isEmpty()) {
      message.attributeText(NetlinkConstants.FRA_OIFNAME, rule.outInterface());
    }
    return message;
  }

  /** Empty if it is none. */
  static Optional<Rule> decode(Message message) {
    ByteBuffer body = message.body();
    if (body.limit() < NetlinkConstants.FIB_RULE_HDR_BYTES) {
      return Optional.empty();
    }
    int family = body.get(0);
    if (family != LinuxConstants.AF_INET && family != LinuxConstants.AF_INET6) {
      return Optional.empty();
    }
    boolean v6 = family == LinuxConstants.AF_INET6;
    Attributes attributes = message.attributes(NetlinkConstants.FIB_RULE_HDR_BYTES);
    long table =
        attributes.u32(NetlinkConstants.FRA_TABLE).orElse(Byte.toUnsignedInt(body.get(TABLE_AT)));
    int suppressed = attributes.s32(NetlinkConstants.FRA_SUPPRESS_PREFIXLEN, -1);
    return Optional.of(
        new Rule(
            v6,
            // Priority 0, the kernel's rule for the local table, is not said.
            OptionalLong.of(attributes.u32(NetlinkConstants.FRA_PRIORITY).orElse(0)),
            table,
            mark(attributes),
            (body.getInt(FLAGS_AT) & NetlinkConstants.FIB_RULE_INVERT) != 0,
            suppressed < 0 ? OptionalInt.empty() : OptionalInt.of(suppressed),
            prefix(attributes, NetlinkConstants.FRA_SRC, v6, body.get(SOURCE_LENGTH_AT)),
            prefix(attributes, NetlinkConstants.FRA_DST, v6, body.get(DESTINATION_LENGTH_AT)),
            attributes.text(NetlinkConstants.FRA_IIFNAME),
            attributes.text(NetlinkConstants.FRA_OIFNAME),
            Byte.toUnsignedInt(body.get(ACTION_AT))));
  }

  private static Optional<Rule.Mark> mark(Attributes attributes) {
    boolean none =
        !attributes.has(NetlinkConstants.FRA_FWMARK)
            && !attributes.has(NetlinkConstants.FRA_FWMASK);
    return none
        ? Optional.empty()
        : Optional.of(
            new Rule.Mark(
                attributes.s32(NetlinkConstants.FRA_FWMARK, 0),
                attributes.s32(NetlinkConstants.FRA_FWMASK, -1)));
  }

  private static Optional<IpPrefix> prefix(
      Attributes attributes, int type, boolean v6, byte length) {
    Optional<IpAddress> address =
        attributes
            .address(type)
            .filter(found -> found.v6() == v6 && Byte.toUnsignedInt(length) <= found.bits());
    return address.map(found -> new IpPrefix(found, Byte.toUnsignedInt(length)));
  }
}
