package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code vnet tunnel status} prints, from values and clocks that the test gives. */
class TunnelTableTest {
  private static final Instant NOW = Instant.ofEpochSecond(1_000_000);
  private static final PublicKey PEER =
      PublicKey.fromBase64("ZLEBsdC+WocEvQePmJUAH8A+jp+VIvGI3RKNmEbUhGY=");
  private static final PublicKey OTHER =
      PublicKey.fromBase64("B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=");
  private static final PrivateKey OWN =
      PrivateKey.fromBase64("AAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A=");

  private static TunnelStatus status(long received, long sent, Optional<Instant> handshake) {
    return new TunnelStatus(
        Optional.of(OWN),
        51820,
        0xca6c,
        true,
        List.of(
            new PeerStatus(
                PEER,
                Optional.empty(),
                Optional.of(Endpoint.parse("192.0.2.1:7")),
                handshake,
                sent,
                received,
                0,
                List.of(IpPrefix.parse("10.0.0.0/8"), IpPrefix.parse("fd00::/64")))),
        Map.of(TunnelDrop.NO_PEER, 3L, TunnelDrop.REPLAY, 12L));
  }

  @Test
  void a_tunnel_its_peers_and_its_drops_without_its_secret() {
    String text =
        new TunnelTable()
            .render(Map.of("wg0", status(1536, 100, Optional.of(NOW.minusSeconds(75)))), NOW, 0);
    assertThat(text.lines())
        .containsExactly(
            "wg0: public key B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=, port 51820, fwmark"
                + " 0xca6c",
            "dropped: replay 12, no peer 3",
            "PEER                                          ENDPOINT     HANDSHAKE   RECEIVED  SENT  "
                + " ALLOWED IPS",
            "ZLEBsdC+WocEvQePmJUAH8A+jp+VIvGI3RKNmEbUhGY=  192.0.2.1:7  1 min 15 s  1.50 KiB  100 B"
                + "  10.0.0.0/8, fd00::/64");
    assertThat(text).doesNotContain(OWN.base64());
  }

  @Test
  void from_the_second_time_on_there_are_rates() {
    TunnelTable table = new TunnelTable();
    table.render(Map.of("wg0", status(1000, 0, Optional.empty())), NOW, 0);
    String text =
        table.render(Map.of("wg0", status(1000 + 4096, 10, Optional.empty())), NOW, 2_000_000_000L);
    assertThat(text).contains("RECEIVED/S", "SENT/S", "never", "2.00 KiB", "5 B");
    String anew = table.render(Map.of("wg0", status(0, 10, Optional.empty())), NOW, 3_000_000_000L);
    assertThat(anew.lines().toList().getLast()).contains("  0 B", " -  ");
  }

  @Test
  void from_the_second_time_on_the_busiest_peers_come_first() {
    List<PublicKey> keys = List.of(PEER, OTHER, PublicKey.of(new byte[32]));
    TunnelTable table = new TunnelTable();
    assertThat(peers(table.render(Map.of("wg0", moved(keys, 9, 5, 7)), NOW, 0)))
        .containsExactlyElementsOf(keys);
    assertThat(peers(table.render(Map.of("wg0", moved(keys, 9, 8, 8)), NOW, 1_000_000_000L)))
        .containsExactly(keys.get(1), keys.get(2), keys.get(0));
  }

  private static TunnelStatus moved(List<PublicKey> keys, long... received) {
    List<PeerStatus> peers = new ArrayList<>();
    for (int i = 0; i < received.length; i++) {
      peers.add(
          new PeerStatus(
              keys.get(i),
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              0,
              received[i],
              0,
              List.of()));
    }
    return new TunnelStatus(Optional.of(OWN), 51820, 0, true, peers, Map.of());
  }

  private static List<PublicKey> peers(String text) {
    return text.lines().skip(2).map(line -> PublicKey.fromBase64(line.substring(0, 44))).toList();
  }

  @Test
  void nothing_is_said_to_be_nothing() {
    assertThat(new TunnelTable().render(Map.of(), NOW, 0).lines()).containsExactly("no tunnels");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 B",
    "1023, 1023 B",
    "1024, 1.00 KiB",
    "1048576, 1.00 MiB",
    "9223372036854775807, 8.00 EiB"
  })
  void bytes_have_a_unit(long bytes, String text) {
    assertThat(TunnelTable.bytes(bytes)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0 s",
    "59, 59 s",
    "60, 1 min 0 s",
    "3599, 59 min 59 s",
    "3600, 1 h 0 min",
    "90000, 1 d 1 h",
    "-5, in the future"
  })
  void a_handshake_has_an_age(long seconds, String age) {
    String text =
        new TunnelTable()
            .render(Map.of("wg0", status(0, 0, Optional.of(NOW.minusSeconds(seconds)))), NOW, 0);
    assertThat(text).contains("  " + age + "  ");
  }
}
