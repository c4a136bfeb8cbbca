package io.vnet.examples.pipelines;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.header.EthernetView;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which protocol a packet's bytes are, whatever they are. */
class ProtocolTest {
  private static final int SCTP = 132;

  private static Protocol ofFrame(Packet frame) {
    return Protocol.of(Layer.L2, frame.segment());
  }

  private static Protocol ofIpPacketIn(Packet frame) {
    return Protocol.of(Layer.L3, frame.segment().asSlice(EthernetView.HEADER_BYTES));
  }

  @ParameterizedTest
  @CsvSource({"1,ICMP", "6,TCP", "17,UDP", "132,IPV4", "58,IPV4"})
  void an_IPv4_packet_is_what_its_protocol_field_says(int number, Protocol expected) {
    assertThat(ofFrame(Traffic.ipv4(number))).isEqualTo(expected);
    assertThat(ofIpPacketIn(Traffic.ipv4(number))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"58,ICMPV6", "6,TCP_V6", "17,UDP_V6", "132,IPV6", "1,IPV6"})
  void an_IPv6_packet_is_what_its_next_header_says(int number, Protocol expected) {
    assertThat(ofFrame(Traffic.ipv6(number))).isEqualTo(expected);
    assertThat(ofIpPacketIn(Traffic.ipv6(number))).isEqualTo(expected);
  }

  @Test
  void a_frame_with_two_VLAN_tags_is_what_is_behind_them() {
    byte[] plain = Traffic.ipv4(IpProtocols.UDP).toByteArray();
    byte[] tags = HexFormat.of().parseHex("88a800648100000a");
    byte[] tagged = new byte[plain.length + tags.length];
    System.arraycopy(plain, 0, tagged, 0, 12);
    System.arraycopy(tags, 0, tagged, 12, tags.length);
    System.arraycopy(plain, 12, tagged, 12 + tags.length, plain.length - 12);

    assertThat(ofFrame(Packet.of(tagged))).isEqualTo(Protocol.UDP);
  }

  @Test
  void an_unknown_ethernet_type_is_other() {
    byte[] frame = Traffic.arp().toByteArray();
    frame[12] = (byte) 0x88;
    frame[13] = (byte) 0xCC;

    assertThat(ofFrame(Traffic.arp())).isEqualTo(Protocol.ARP);
    assertThat(ofFrame(Packet.of(frame))).isEqualTo(Protocol.OTHER);
  }

  @ParameterizedTest
  @CsvSource({"L2,13", "L2,33", "L3,1", "L3,19"})
  void a_packet_cut_short_is_malformed(Layer layer, int bytes) {
    byte[] packet = Traffic.ipv4(SCTP).toByteArray();
    int from = layer == Layer.L3 ? EthernetView.HEADER_BYTES : 0;

    assertThat(Protocol.of(layer, MemorySegment.ofArray(packet).asSlice(from, bytes)))
        .isEqualTo(Protocol.MALFORMED);
  }

  @ParameterizedTest
  @CsvSource({"0", "21", "245"})
  void an_IP_packet_of_no_known_version_is_malformed(int firstByte) {
    byte[] packet = new byte[60];
    packet[0] = (byte) firstByte;

    assertThat(Protocol.of(Layer.L3, MemorySegment.ofArray(packet))).isEqualTo(Protocol.MALFORMED);
  }

  @Test
  void nothing_at_all_is_malformed() {
    assertThat(Protocol.of(Layer.L2, MemorySegment.NULL)).isEqualTo(Protocol.MALFORMED);
    assertThat(Protocol.of(Layer.L3, MemorySegment.NULL)).isEqualTo(Protocol.MALFORMED);
  }
}
