package io.vnet.io.udp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Endpoints are remembered, told apart, and bounded. */
class EndpointTableTest {
  private static final long SEED = 0x656e64;
  private final SocketAddresses from = new SocketAddresses();

  private SocketAddresses v4(int address, int port) {
    from.v6 = false;
    from.high = 0;
    from.low = address & 0xFFFF_FFFFL;
    from.port = port;
    from.scopeId = 0;
    from.hasSource = false;
    return from;
  }

  @Test
  void the_same_addresses_are_one_object() {
    EndpointTable table = new EndpointTable(16, SEED);
    Endpoint first = table.find(v4(1, 10));
    Endpoint second = table.find(v4(2, 10));
    assertThat(first).isEqualTo(Endpoint.parse("0.0.0.1:10"));
    assertThat(second).isNotEqualTo(first);
    assertThat(table.find(v4(1, 10))).isSameAs(first);
    assertThat(table.find(v4(2, 10))).isSameAs(second);
    assertThat(table.made()).isEqualTo(2);
  }

  @Test
  void every_part_tells_endpoints_apart() {
    EndpointTable table = new EndpointTable(64, SEED);
    from.v6 = true;
    from.high = 0xfe80L << 48;
    from.low = 1;
    from.port = 9;
    from.scopeId = 2;
    from.hasSource = true;
    from.sourceHigh = from.high;
    from.sourceLow = 7;
    from.sourceInterface = 2;
    Endpoint whole = table.find(from);
    assertThat(whole)
        .isEqualTo(
            Endpoint.parse("[fe80::1%2]:9")
                .withSource(new Endpoint.Source(IpAddress.parse("fe80::7"), 2)));
    from.sourceInterface = 3;
    Endpoint otherInterface = table.find(from);
    from.sourceLow = 8;
    Endpoint otherSource = table.find(from);
    from.hasSource = false;
    Endpoint noSource = table.find(from);
    from.scopeId = 3;
    Endpoint otherScope = table.find(from);
    assertThat(new Endpoint[] {whole, otherInterface, otherSource, noSource, otherScope})
        .doesNotHaveDuplicates();
    assertThat(noSource.source()).isEmpty();
    assertThat(otherScope.scopeId()).isEqualTo(3);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, SEED, -1})
  void a_flood_from_made_up_sources_leaves_no_more_than_there_are_places(long seed) {
    EndpointTable table = new EndpointTable(64, seed);
    Random random = new Random(SEED);
    for (int i = 0; i < 100_000; i++) {
      assertThat(table.find(v4(random.nextInt(), random.nextInt(65536))).port())
          .isEqualTo(from.port);
    }
    assertThat(table.size()).isEqualTo(64);
    assertThat(table.made()).isGreaterThan(90_000);
    // And it still works.
    Endpoint known = table.find(v4(5, 5));
    table.find(v4(6, 6));
    assertThat(table.find(v4(5, 5))).isSameAs(known);
  }

  @Test
  void as_many_endpoints_as_half_of_the_places_are_nearly_all_remembered() {
    EndpointTable table = new EndpointTable(1024, SEED);
    for (int round = 0; round < 10; round++) {
      for (int i = 0; i < 512; i++) {
        table.find(v4(0x0A00_0000 + i, 51820));
      }
    }
    // Without memory it would be 5120.
    assertThat(table.made()).isBetween(512L, 1500L);
  }
}
