package io.vnet.io.netlink;

import io.vnet.api.address.IpPrefix;
import io.vnet.io.libc.NetlinkConstants;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * A rule of policy routing: which packets are looked up in which table.
 *
 * <p>Source: linux/fib_rules.h, ip-rule(8).
 *
 * @param v6 whether it is for IPv6; each family has rules of its own
 * @param priority 0 to 2³²−1, the smallest is asked first; empty: one before those of the kernel
 * @param table to look in; 0 if the action is another
 * @param mark packets with this mark only
 * @param inverted whether it is for all packets but those that it describes
 * @param suppressPrefixLength a route whose destination has no more bits than this is passed over:
 *     0 passes over default routes
 * @param source packets from there only
 * @param destination packets to there only
 * @param inInterface packets that came in there only; empty: all
 * @param outInterface packets of sockets bound to it only; empty: all
 * @param action 1: look in the table; others are those of {@code FR_ACT_*}
 */
public record Rule(
    boolean v6,
    OptionalLong priority,
    long table,
    Optional<Mark> mark,
    boolean inverted,
    OptionalInt suppressPrefixLength,
    Optional<IpPrefix> source,
    Optional<IpPrefix> destination,
    String inInterface,
    String outInterface,
    int action) {
  private static final long U32_MAX = 0xFFFF_FFFFL;

  /**
   * A packet's mark (fwmark), 32 bits.
   *
   * @param value to compare with
   * @param mask of the bits that count
   */
  public record Mark(int value, int mask) {
    /** As the kernel's tools write it. */
    @Override
    public String toString() {
      return "0x"
          + Integer.toHexString(value)
          + (mask == -1 ? "" : "/0x" + Integer.toHexString(mask));
    }
  }

  /** Checks the ranges and families. */
  public Rule {
    if (priority.isPresent() && (priority.getAsLong() < 0 || priority.getAsLong() > U32_MAX)) {
      throw new IllegalArgumentException(
          "priority " + priority.getAsLong() + " is not within 0.." + U32_MAX);
    }
    if (table < 0 || table > U32_MAX) {
      throw new IllegalArgumentException("table " + table + " is not within 0.." + U32_MAX);
    }
    for (Optional<IpPrefix> prefix : List.of(source, destination)) {
      if (prefix.isPresent() && prefix.get().address().v6() != v6) {
        throw new IllegalArgumentException(prefix.get() + " is not of the rule's family");
      }
    }
  }

  /** All packets of IPv4 are looked up in a table. */
  public static Rule lookup(long table) {
    return new Rule(
        false,
        OptionalLong.empty(),
        table,
        Optional.empty(),
        false,
        OptionalInt.empty(),
        Optional.empty(),
        Optional.empty(),
        "",
        "",
        NetlinkConstants.FR_ACT_TO_TBL);
  }

  /** For IPv6; refused if it names IPv4 prefixes. */
  public Rule forV6() {
    return with(draft -> draft.v6 = true);
  }

  /** With a priority. */
  public Rule withPriority(long newPriority) {
    return with(draft -> draft.priority = OptionalLong.of(newPriority));
  }

  /** For packets of a mark, all bits counting. */
  public Rule withMark(int value) {
    return withMark(value, -1);
  }

  /** For packets of a mark. */
  public Rule withMark(int value, int mask) {
    return with(draft -> draft.mark = Optional.of(new Mark(value, mask)));
  }

  /** For all packets but those. */
  public Rule not() {
    return with(draft -> draft.inverted = !inverted);
  }

  /** Passing over routes of no more bits than these. */
  public Rule withSuppressPrefixLength(int bits) {
    return with(draft -> draft.suppressPrefixLength = OptionalInt.of(bits));
  }

  /** For packets from a prefix; the family follows it. */
  public Rule from(IpPrefix prefix) {
    return with(draft -> {
      draft.v6 = prefix.address().v6();
      draft.source = Optional.of(prefix);
    });
  }

  /** For packets to a prefix; the family follows it. */
  public Rule to(IpPrefix prefix) {
    return with(draft -> {
      draft.v6 = prefix.address().v6();
      draft.destination = Optional.of(prefix);
    });
  }

  /** As the kernel's tools write it. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(v6 ? "-6 " : "");
    priority.ifPresent(number -> text.append("priority ").append(number).append(' '));
    if (inverted) {
      text.append("not ");
    }
    text.append("from ").append(source.map(IpPrefix::toString).orElse("all"));
    destination.ifPresent(prefix -> text.append(" to ").append(prefix));
    mark.ifPresent(bits -> text.append(" fwmark ").append(bits));
    if (!inInterface.isEmpty()) {
      text.append(" iif ").append(inInterface);
    }
    if (!outInterface.isEmpty()) {
      text.append(" oif ").append(outInterface);
    }
    if (action == NetlinkConstants.FR_ACT_TO_TBL) {
      text.append(" lookup ").append(table);
    } else {
      text.append(" action ").append(action);
    }
    suppressPrefixLength.ifPresent(bits -> text.append(" suppress_prefixlength ").append(bits));
    return text.toString();
  }

  private Rule with(Consumer<Draft> change) {
    Draft draft = new Draft();
    change.accept(draft);
    return draft.rule();
  }

  /** The components that a copy may have otherwise. */
  private final class Draft {
    private boolean v6 = Rule.this.v6;
    private OptionalLong priority = Rule.this.priority;
    private Optional<Mark> mark = Rule.this.mark;
    private boolean inverted = Rule.this.inverted;
    private OptionalInt suppressPrefixLength = Rule.this.suppressPrefixLength;
    private Optional<IpPrefix> source = Rule.this.source;
    private Optional<IpPrefix> destination = Rule.this.destination;

    Rule rule() {
      return new Rule(
          v6,
          priority,
          table,
          mark,
          inverted,
          suppressPrefixLength,
          source,
          destination,
          inInterface,
          outInterface,
          action);
    }
  }
}
