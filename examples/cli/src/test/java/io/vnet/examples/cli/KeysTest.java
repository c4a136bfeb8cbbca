package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys in the text of the tool wg; no message ever has one in it. */
class KeysTest {
  private static final String PRIVATE = "AAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A=";
  private static final String PUBLIC = "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=";

  private static String publicKey(String input) {
    return Keys.pair(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)))
        .publicKey()
        .base64();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", " \r\n\t\n"})
  void a_public_key_is_made_of_a_private_one_whatever_white_space_follows(String end) {
    assertThat(publicKey(PRIVATE + end)).isEqualTo(PUBLIC);
  }

  @ParameterizedTest
  @CsvSource({
    "'', '44 base64 characters wanted, 0 given'",
    "'abc\n', '44 base64 characters wanted, 4 given'",
    "'AAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A=x', 'something follows the key'",
    "'AAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A-', 'not the base64 text of 32 bytes'",
    "' AIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A=', 'not the base64 text of 32 bytes'",
    "'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'no private key has no public key'"
  })
  void anything_else_is_refused_and_not_repeated(String input, String reason) {
    assertThatThrownBy(() -> publicKey(input))
        .hasMessageStartingWith("read private key: EINVAL, ")
        .hasMessageContaining(reason)
        .hasMessageNotContaining("BAUGBwgJ");
  }

  @Test
  void new_keys_are_clamped_and_never_the_same() {
    Outcome first = Outcome.ofVnet("genkey");
    Outcome second = Outcome.ofVnet("genkey");
    assertThat(first.exitCode()).isZero();
    String key = first.outLines().getFirst();
    assertThat(first.out()).isEqualTo(key + System.lineSeparator());
    assertThat(PrivateKey.fromBase64(key).base64()).isEqualTo(key);
    assertThat(second.outLines()).isNotEqualTo(first.outLines());
  }

  @Test
  void new_preshared_keys_are_32_bytes() {
    Outcome first = Outcome.ofVnet("genpsk");
    assertThat(first.exitCode()).isZero();
    String key = first.outLines().getFirst();
    assertThat(PresharedKey.fromBase64(key).base64()).isEqualTo(key);
    assertThat(Outcome.ofVnet("genpsk").out()).isNotEqualTo(first.out());
  }
}
