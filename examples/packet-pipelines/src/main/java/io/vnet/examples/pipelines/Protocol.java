package io.vnet.examples.pipelines;

import io.vnet.api.header.EtherTypes;
import io.vnet.api.header.EthernetView;
import io.vnet.api.header.HeaderStatus;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.header.Ipv6View;
import io.vnet.api.packet.Layer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What a packet carries, as far as its headers tell. */
enum Protocol {
  ARP("ARP"),
  ICMP("ICMP"),
  TCP("TCP"),
  UDP("UDP"),
  IPV4("other IPv4"),
  ICMPV6("ICMPv6"),
  TCP_V6("TCP over IPv6"),
  UDP_V6("UDP over IPv6"),
  IPV6("other IPv6"),
  OTHER("other Ethernet"),
  MALFORMED("malformed");

  private final String label;

  Protocol(String label) {
    this.label = label;
  }

  /** The protocol of a whole packet: an Ethernet frame on layer 2, an IP packet on layer 3. */
  static Protocol of(Layer layer, MemorySegment packet) {
    int length = (int) packet.byteSize();
    if (layer == Layer.L3) {
      boolean six = length > 0 && packet.get(ValueLayout.JAVA_BYTE, 0) >> 4 == 6;
      return six ? ipv6(packet, 0, length) : ipv4(packet, 0, length);
    }
    EthernetView frame = new EthernetView();
    if (frame.wrap(packet, 0, length) != HeaderStatus.OK) {
      return MALFORMED;
    }
    return switch (frame.type()) {
      case EtherTypes.ARP -> ARP;
      case EtherTypes.IPV4 -> ipv4(packet, frame.payloadOffset(), frame.payloadLength());
      case EtherTypes.IPV6 -> ipv6(packet, frame.payloadOffset(), frame.payloadLength());
      default -> OTHER;
    };
  }

  private static Protocol ipv4(MemorySegment packet, long offset, int length) {
    Ipv4View ip = new Ipv4View();
    if (ip.wrap(packet, offset, length) != HeaderStatus.OK) {
      return MALFORMED;
    }
    return switch (ip.protocol()) {
      case IpProtocols.ICMP -> ICMP;
      case IpProtocols.TCP -> TCP;
      case IpProtocols.UDP -> UDP;
      default -> IPV4;
    };
  }

  private static Protocol ipv6(MemorySegment packet, long offset, int length) {
    Ipv6View ip = new Ipv6View();
    if (ip.wrap(packet, offset, length) != HeaderStatus.OK) {
      return MALFORMED;
    }
    return switch (ip.protocol()) {
      case IpProtocols.ICMPV6 -> ICMPV6;
      case IpProtocols.TCP -> TCP_V6;
      case IpProtocols.UDP -> UDP_V6;
      default -> IPV6;
    };
  }

  @Override
  public String toString() {
    return label;
  }
}
