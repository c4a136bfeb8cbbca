package io.vnet.api.address;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Endpoints: text, parts, and what makes two of them one. */
class EndpointTest {
  @ParameterizedTest
  @CsvSource({
    "1.2.3.4:51820, 1.2.3.4, 51820, 0, 1.2.3.4:51820",
    "0.0.0.0:0, 0.0.0.0, 0, 0, 0.0.0.0:0",
    "[2001:db8:0::1]:65535, 2001:db8::1, 65535, 0, [2001:db8::1]:65535",
    "[fe80::1%2]:51820, fe80::1, 51820, 2, [fe80::1%2]:51820",
    "[fe80::1%4294967295]:1, fe80::1, 1, -1, [fe80::1%4294967295]:1",
    "[fe80::1%0]:1, fe80::1, 1, 0, [fe80::1]:1",
    "[::ffff:1.2.3.4]:5, ::ffff:1.2.3.4, 5, 0, [::ffff:1.2.3.4]:5"
  })
  void text_is_parsed_and_shown(String text, String address, int port, int scope, String shown) {
    Endpoint endpoint = Endpoint.parse(text);
    assertThat(endpoint.address()).isEqualTo(IpAddress.parse(address));
    assertThat(endpoint.port()).isEqualTo(port);
    assertThat(endpoint.scopeId()).isEqualTo(scope);
    assertThat(endpoint.source()).isEmpty();
    assertThat(endpoint).hasToString(shown);
    assertThat(Endpoint.parse(shown)).isEqualTo(endpoint).hasSameHashCodeAs(endpoint);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4:99999999999",
        "1.2.3:1",
        "1.2.3.4%2:1",
        "[1.2.3.4]:1",
        "::1:5",
        "[::1:5",
        "[::1]",
        "[::1]5",
        "[::1]x:5",
        "::1]:5",
        "[fe80::1%]:5",
        "[fe80::1%eth0]:5",
        "[fe80::1%4294967296]:5",
        "example.org:5",
        "1.2.3.4:5 "
      })
  void other_text_is_refused_and_named(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Endpoint.parse(text))
        .withMessageContaining("'" + text + "'");
  }

  @Test
  void parts_that_do_not_fit_are_refused() {
    IpAddress v4 = IpAddress.parse("1.2.3.4");
    IpAddress v6 = IpAddress.parse("::1");
    assertThatIllegalArgumentException().isThrownBy(() -> Endpoint.of(v4, 65536));
    assertThatIllegalArgumentException().isThrownBy(() -> Endpoint.of(v4, -1));
    assertThatIllegalArgumentException().isThrownBy(() -> new Endpoint(v4, 1, 2, Optional.empty()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Endpoint.of(v4, 1).withSource(new Endpoint.Source(v6, 0)));
    assertThatIllegalArgumentException().isThrownBy(() -> new Endpoint.Source(v4, -1));
  }

  @Test
  void a_source_is_part_of_it_and_not_of_its_text() {
    Endpoint plain = Endpoint.parse("192.0.2.1:9");
    Endpoint.Source source = new Endpoint.Source(IpAddress.parse("192.0.2.7"), 3);
    Endpoint sourced = plain.withSource(source);
    assertThat(sourced).isNotEqualTo(plain).hasToString("192.0.2.1:9");
    assertThat(sourced.source()).contains(source);
    assertThat(sourced.withoutSource()).isEqualTo(plain);
    assertThat(plain.withoutSource()).isSameAs(plain);
  }
}
