package io.vnet.api.offload;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Builds and checks TCP and UDP packets a byte at a time: a twin of what is tested that shares
 * nothing with it, its checksum included.
 */
final class Craft {
  static final int FIN = 1;
  static final int SYN = 2;
  static final int RST = 4;
  static final int PSH = 8;
  static final int ACK = 16;
  static final int URG = 32;
  static final int ECE = 64;
  static final int CWR = 128;

  final boolean v4;
  final boolean udp;
  byte[] frame = {};
  byte[] source;
  byte[] destination;
  int sourcePort = 80;
  int destinationPort = 4000;
  long sequence = 1000;
  long acknowledgment = 0x7000_0000;
  int window = 501;
  int flags = ACK;
  int urgent;
  int reserved;

  /** What the TCP header says is its length, in words; 0: the truth. */
  int dataOffset;

  byte[] options = {};

  /** How much too large the length fields are; checksums are right for the true bytes. */
  int ipLengthError;

  int udpLengthError;
  int id = 77;
  int fragment = 0x4000;
  int tos;
  int ttl = 64;
  int flowLabel;
  byte[] ipOptions = {};
  byte[] extension = {};
  int extensionType = -1;
  byte[] payload = {};

  private Craft(boolean v4, boolean udp) {
    this.v4 = v4;
    this.udp = udp;
    source = new byte[v4 ? 4 : 16];
    destination = new byte[v4 ? 4 : 16];
    source[0] = 10;
    destination[0] = 10;
    source[source.length - 1] = 1;
    destination[destination.length - 1] = 2;
  }

  static Craft packet(String kind) {
    return new Craft(kind.endsWith("4"), kind.startsWith("udp"));
  }

  /** The same, to be changed on its own. */
  Craft copy() {
    Craft copy = new Craft(v4, udp);
    copy.frame = frame;
    copy.source = source.clone();
    copy.destination = destination.clone();
    copy.sourcePort = sourcePort;
    copy.destinationPort = destinationPort;
    copy.sequence = sequence;
    copy.acknowledgment = acknowledgment;
    copy.window = window;
    copy.flags = flags;
    copy.urgent = urgent;
    copy.reserved = reserved;
    copy.dataOffset = dataOffset;
    copy.options = options;
    copy.ipLengthError = ipLengthError;
    copy.udpLengthError = udpLengthError;
    copy.id = id;
    copy.fragment = fragment;
    copy.tos = tos;
    copy.ttl = ttl;
    copy.flowLabel = flowLabel;
    copy.ipOptions = ipOptions;
    copy.extension = extension;
    copy.extensionType = extensionType;
    copy.payload = payload;
    return copy;
  }

  /** The packet that this sender makes next. */
  Craft following(byte[] nextPayload) {
    Craft following = copy();
    following.sequence = sequence + payload.length & 0xFFFF_FFFFL;
    following.id = id + 1 & 0xFFFF;
    following.payload = nextPayload;
    return following;
  }

  /** The segments of this as a super-packet, each built from its own fields. */
  List<byte[]> segments(int gsoSize) {
    List<byte[]> segments = new ArrayList<>();
    int count = Math.max(1, (payload.length + gsoSize - 1) / gsoSize);
    for (int i = 0; i < count; i++) {
      Craft segment = copy();
      int from = i * gsoSize;
      segment.payload = Arrays.copyOfRange(payload, from, Math.min(from + gsoSize, payload.length));
      segment.id = id + i & 0xFFFF;
      segment.sequence = sequence + from & 0xFFFF_FFFFL;
      if (i > 0) {
        segment.flags &= ~CWR;
      }
      if (i < count - 1) {
        segment.flags &= ~(FIN | PSH);
      }
      segments.add(segment.build());
    }
    return segments;
  }

  int ipStart() {
    return frame.length;
  }

  int transportStart() {
    return frame.length + (v4 ? 20 + ipOptions.length : 40 + extension.length);
  }

  int payloadStart() {
    return transportStart() + (udp ? 8 : 20 + options.length);
  }

  int protocol() {
    return udp ? 17 : 6;
  }

  int checksumField() {
    return transportStart() + (udp ? 6 : 16);
  }

  /** A finished packet. */
  byte[] build() {
    byte[] packet = raw();
    int checksum = complement(transportSum(packet));
    put16(packet, checksumField(), udp && checksum == 0 ? 0xFFFF : checksum);
    return packet;
  }

  /** A packet whose checksum field holds the sum of the pseudo header alone. */
  byte[] buildPartial() {
    byte[] packet = raw();
    put16(packet, checksumField(), fold(sum(pseudoHeader(packet.length - transportStart()))));
    return packet;
  }

  private byte[] raw() {
    int transportBytes = payloadStart() - transportStart() + payload.length;
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(frame);
    out.writeBytes(v4 ? ipv4(transportBytes) : ipv6(transportBytes));
    out.writeBytes(ByteBuffer.allocate(4).putInt(sourcePort << 16 | destinationPort).array());
    if (udp) {
      out.writeBytes(
          ByteBuffer.allocate(4).putShort((short) (transportBytes + udpLengthError)).array());
    } else {
      ByteBuffer tcp = ByteBuffer.allocate(16);
      tcp.putInt((int) sequence).putInt((int) acknowledgment);
      int words = dataOffset == 0 ? (20 + options.length) / 4 : dataOffset;
      tcp.put((byte) ((words << 4) | reserved)).put((byte) flags);
      tcp.putShort((short) window).putShort((short) 0).putShort((short) urgent);
      out.writeBytes(tcp.array());
      out.writeBytes(options);
    }
    out.writeBytes(payload);
    return out.toByteArray();
  }

  private byte[] ipv4(int transportBytes) {
    int headerBytes = 20 + ipOptions.length;
    ByteBuffer ip = ByteBuffer.allocate(headerBytes);
    ip.put((byte) (0x40 | headerBytes / 4)).put((byte) tos);
    ip.putShort((short) (headerBytes + transportBytes + ipLengthError)).putShort((short) id);
    ip.putShort((short) fragment).put((byte) ttl).put((byte) protocol()).putShort((short) 0);
    ip.put(source).put(destination).put(ipOptions);
    put16(ip.array(), 10, complement(sum(ip.array())));
    return ip.array();
  }

  private byte[] ipv6(int transportBytes) {
    ByteBuffer ip = ByteBuffer.allocate(40 + extension.length);
    ip.putInt(6 << 28 | tos << 20 | flowLabel);
    ip.putShort((short) (extension.length + transportBytes + ipLengthError));
    ip.put((byte) (extension.length == 0 ? protocol() : extensionType)).put((byte) ttl);
    ip.put(source).put(destination).put(extension);
    return ip.array();
  }

  private byte[] pseudoHeader(int transportBytes) {
    ByteBuffer pseudo = ByteBuffer.allocate(source.length * 2 + 8);
    pseudo.put(source).put(destination).putInt(transportBytes).putInt(protocol());
    return pseudo.array();
  }

  private int transportSum(byte[] packet) {
    byte[] transport = Arrays.copyOfRange(packet, transportStart(), packet.length);
    return sum(pseudoHeader(transport.length)) + sum(transport);
  }

  /** What is wrong with the lengths and checksums of a packet laid out as this one; empty: none. */
  String faults(byte[] packet) {
    StringBuilder faults = new StringBuilder();
    int ip = ipStart();
    if (v4) {
      if (get16(packet, ip + 2) != packet.length - ip) {
        faults.append("total length ").append(get16(packet, ip + 2));
      }
      if (fold(sum(Arrays.copyOfRange(packet, ip, transportStart()))) != 0xFFFF) {
        faults.append(" IPv4 checksum");
      }
    } else if (get16(packet, ip + 4) != packet.length - ip - 40) {
      faults.append("payload length ").append(get16(packet, ip + 4));
    }
    int transport = transportStart();
    if (udp && get16(packet, transport + 4) != packet.length - transport) {
      faults.append(" UDP length ").append(get16(packet, transport + 4));
    }
    if (udp && get16(packet, checksumField()) == 0) {
      faults.append(" UDP checksum 0");
    }
    if (fold(transportSum(packet)) != 0xFFFF) {
      faults.append(" transport checksum");
    }
    return faults.toString();
  }

  static int get16(byte[] bytes, int at) {
    return ((bytes[at] & 0xFF) << 8) | (bytes[at + 1] & 0xFF);
  }

  static void put16(byte[] bytes, int at, int value) {
    bytes[at] = (byte) (value >> 8);
    bytes[at + 1] = (byte) value;
  }

  static int sum(byte[] bytes) {
    int sum = 0;
    for (int i = 0; i < bytes.length; i++) {
      sum += (bytes[i] & 0xFF) << (i % 2 == 0 ? 8 : 0);
    }
    return sum;
  }

  static int fold(int sum) {
    int folded = sum;
    while (folded > 0xFFFF) {
      folded = (folded & 0xFFFF) + (folded >>> 16);
    }
    return folded;
  }

  static int complement(int sum) {
    return fold(sum) ^ 0xFFFF;
  }
}
