package io.vnet.examples.pipelines;

import io.vnet.api.address.MacAddress;
import io.vnet.api.header.ArpView;
import io.vnet.api.header.EtherTypes;
import io.vnet.api.header.EthernetView;
import io.vnet.api.header.IcmpView;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.header.Ipv6View;
import io.vnet.api.packet.Packet;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Frames between two stations that do not exist, with headers that are right and empty payloads.
 */
final class Traffic {
  private static final long LEFT_MAC = MacAddress.derivedFrom("left").bits();
  private static final long RIGHT_MAC = MacAddress.derivedFrom("right").bits();
  private static final int LEFT = 0x0A4D_0001;
  private static final int RIGHT = 0x0A4D_0002;
  private static final int IPV6_NEXT_HEADER = 6;
  private static final int UPPER_BYTES = 20;

  private Traffic() {}

  /** Ten frames: 1 ARP, 2 ICMP, 3 TCP, 2 UDP, 1 ICMPv6 and 1 UDP over IPv6. */
  static List<Packet> tenFrames() {
    return List.of(
        arp(),
        ipv4(IpProtocols.ICMP),
        ipv4(IpProtocols.ICMP),
        ipv4(IpProtocols.TCP),
        ipv4(IpProtocols.TCP),
        ipv4(IpProtocols.TCP),
        ipv4(IpProtocols.UDP),
        ipv4(IpProtocols.UDP),
        ipv6(IpProtocols.ICMPV6),
        ipv6(IpProtocols.UDP));
  }

  /** A question for an address. */
  static Packet arp() {
    MemorySegment frame = frame(ArpView.BYTES, EtherTypes.ARP);
    new ArpView()
        .build(
            frame,
            EthernetView.HEADER_BYTES,
            ArpView.BYTES,
            ArpView.REQUEST,
            LEFT_MAC,
            LEFT,
            0,
            RIGHT);
    return packet(frame);
  }

  /** An IPv4 packet whose payload is zeros. */
  static Packet ipv4(int protocol) {
    int bytes = Ipv4View.HEADER_BYTES + UPPER_BYTES;
    MemorySegment frame = frame(bytes, EtherTypes.IPV4);
    new Ipv4View()
        .build(frame, EthernetView.HEADER_BYTES, bytes, protocol, LEFT, RIGHT, UPPER_BYTES);
    return packet(frame);
  }

  /** An IPv6 packet from and to the unspecified address, with nothing behind its header. */
  static Packet ipv6(int protocol) {
    MemorySegment frame = frame(Ipv6View.HEADER_BYTES, EtherTypes.IPV6);
    frame.set(ValueLayout.JAVA_BYTE, EthernetView.HEADER_BYTES, (byte) 0x60);
    frame.set(ValueLayout.JAVA_BYTE, EthernetView.HEADER_BYTES + IPV6_NEXT_HEADER, (byte) protocol);
    return packet(frame);
  }

  /** A request for an echo, without a link-layer header. */
  static Packet ping(int sequence) {
    int icmpBytes = IcmpView.HEADER_BYTES + UPPER_BYTES;
    int bytes = Ipv4View.HEADER_BYTES + icmpBytes;
    MemorySegment packet = MemorySegment.ofArray(new byte[bytes]);
    new Ipv4View().build(packet, 0, bytes, IpProtocols.ICMP, LEFT, RIGHT, icmpBytes);
    new IcmpView()
        .buildEcho(
            packet, Ipv4View.HEADER_BYTES, icmpBytes, IcmpView.ECHO_REQUEST, 1, sequence & 0xFFFF);
    return packet(packet);
  }

  private static MemorySegment frame(int payloadBytes, int type) {
    int bytes = EthernetView.HEADER_BYTES + payloadBytes;
    MemorySegment frame = MemorySegment.ofArray(new byte[bytes]);
    new EthernetView().build(frame, 0, bytes, RIGHT_MAC, LEFT_MAC, type);
    return frame;
  }

  private static Packet packet(MemorySegment frame) {
    return Packet.of(frame, 0, (int) frame.byteSize());
  }
}
