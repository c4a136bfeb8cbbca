package io.vnet.api.offload;

import java.util.HexFormat;

/** Offload words for crafted packets, and Ethernet headers to put before them. */
final class TestWords {
  static final byte[] ETHERNET4 = HexFormat.of().parseHex("0200000000020200000000010800");
  static final byte[] ETHERNET6 = HexFormat.of().parseHex("02000000000202000000000186dd");
  static final byte[] VLAN4 = HexFormat.of().parseHex("020000000002020000000001810060070800");
  static final byte[] VLAN6 = HexFormat.of().parseHex("0200000000020200000000018100600786dd");

  private TestWords() {}

  static byte[] frame(boolean v4, boolean vlan) {
    return vlan ? (v4 ? VLAN4 : VLAN6) : v4 ? ETHERNET4 : ETHERNET6;
  }

  /** The word of a super-packet. */
  static long of(Craft craft, int gsoSize) {
    int tcp = craft.v4 ? Offload.TCPV4 : Offload.TCPV6;
    return Offload.of(
        Offload.NEEDS_CSUM,
        craft.udp ? Offload.UDP_L4 : tcp,
        gsoSize,
        craft.transportStart(),
        craft.checksumField() - craft.transportStart());
  }

  /** The word of a single packet that needs its checksum. */
  static long checksum(Craft craft) {
    return Offload.of(
        Offload.NEEDS_CSUM,
        Offload.NONE,
        0,
        craft.transportStart(),
        craft.checksumField() - craft.transportStart());
  }
}
