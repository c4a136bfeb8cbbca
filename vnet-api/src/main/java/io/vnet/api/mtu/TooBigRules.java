package io.vnet.api.mtu;

import io.vnet.api.address.IpAddress;
import io.vnet.api.packet.Layer;
import java.util.Optional;

/**
 * What is too big for a path, and how it is answered. Immutable; start from {@link #of}.
 *
 * @param layer what the packets are
 * @param mtu the path's, in bytes of an IP packet, 68 to 65,535; IPv6 asks at least 1280 of every
 *     link, so that this counts for it if the MTU is smaller
 * @param source4 the sender of messages about IPv4 packets, a router's address; empty: the address
 *     that the packet was for, which hosts accept and filters of sources may not
 * @param source6 the same for IPv6
 * @param messagesPerSecond how many messages there are at the most, at least 1
 * @param burst how many of them at once, at least 1
 */
public record TooBigRules(
    Layer layer,
    int mtu,
    Optional<IpAddress> source4,
    Optional<IpAddress> source6,
    int messagesPerSecond,
    int burst) {
  /** What IPv6 asks of every link, in bytes (RFC 8200, section 5). */
  public static final int IPV6_MTU_MIN = 1280;

  private static final int MTU_MAX = 65_535;
  private static final int DEFAULT_MESSAGES_PER_SECOND = 1000;
  private static final int DEFAULT_BURST = 50;

  /** Checks ranges and address families. */
  public TooBigRules {
    if (mtu < MssClamp.MTU_MIN || mtu > MTU_MAX || messagesPerSecond < 1 || burst < 1) {
      throw new IllegalArgumentException(
          "mtu=" + mtu + ", messagesPerSecond=" + messagesPerSecond + ", burst=" + burst);
    }
    if (source4.filter(IpAddress::v6).isPresent()
        || source6.filter(address -> !address.v6()).isPresent()) {
      throw new IllegalArgumentException("source4=" + source4 + ", source6=" + source6);
    }
  }

  /** Messages in the name of the receiver, a thousand a second, 50 at once. */
  public static TooBigRules of(Layer layer, int mtu) {
    return new TooBigRules(
        layer, mtu, Optional.empty(), Optional.empty(), DEFAULT_MESSAGES_PER_SECOND, DEFAULT_BURST);
  }

  /** With a sender of messages, for its family. */
  public TooBigRules withSource(IpAddress source) {
    return new TooBigRules(
        layer,
        mtu,
        source.v6() ? source4 : Optional.of(source),
        source.v6() ? Optional.of(source) : source6,
        messagesPerSecond,
        burst);
  }

  /** With another limit of messages. */
  public TooBigRules withLimit(int newMessagesPerSecond, int newBurst) {
    return new TooBigRules(layer, mtu, source4, source6, newMessagesPerSecond, newBurst);
  }

  int mtuOfVersion(boolean v4) {
    return v4 ? mtu : Math.max(mtu, IPV6_MTU_MIN);
  }
}
