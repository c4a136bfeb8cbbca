package io.vnet.tunnel.key;

import static io.vnet.tunnel.KnownAnswers.hex;
import static io.vnet.tunnel.KnownAnswers.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Keys as text: the known answers, what is refused, and the code without branches against that of
 * the JDK.
 */
class KeyTextTest {
  private static final String SI_PRIVATE = "AAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A=";
  private static final String SI_PUBLIC = "B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=";
  private static final String SR_PRIVATE = "QEJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpbXF1eX2A=";
  private static final String SR_PUBLIC = "ZLEBsdC+WocEvQePmJUAH8A+jp+VIvGI3RKNmEbUhGY=";

  /** Each kind of key, made from base64 and from hex. */
  record Kind(String name, Function<String, Object> fromBase64, Function<String, Object> fromHex) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Kind> kinds() {
    return Stream.of(
        new Kind("private", PrivateKey::fromBase64, PrivateKey::fromHex),
        new Kind("public", PublicKey::fromBase64, PublicKey::fromHex),
        new Kind("preshared", PresharedKey::fromBase64, PresharedKey::fromHex));
  }

  @Test
  void known_keys_both_ways() {
    assertThat(PrivateKey.fromBase64(SI_PRIVATE).bytes()).isEqualTo(hex("si_priv"));
    assertThat(PrivateKey.of(hex("si_priv")).base64()).isEqualTo(SI_PRIVATE);
    assertThat(PublicKey.fromBase64(SI_PUBLIC).bytes()).isEqualTo(hex("si_pub"));
    assertThat(PublicKey.of(hex("si_pub")).base64()).isEqualTo(SI_PUBLIC);
    assertThat(PrivateKey.fromBase64(SR_PRIVATE).hex()).isEqualTo(text("sr_priv"));
    assertThat(PrivateKey.fromHex(text("sr_priv")).base64()).isEqualTo(SR_PRIVATE);
    assertThat(PublicKey.fromBase64(SR_PUBLIC).hex()).isEqualTo(text("sr_pub"));
    assertThat(PublicKey.fromHex(text("sr_pub")).base64()).isEqualTo(SR_PUBLIC);
    assertThat(PresharedKey.fromHex(text("psk")).bytes()).isEqualTo(hex("psk"));
    assertThat(PresharedKey.fromBase64(PresharedKey.of(hex("psk")).base64()).hex())
        .isEqualTo(text("psk"));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void invalid_base64_is_refused_and_not_repeated(Kind kind) {
    String good = SI_PUBLIC;
    String body = good.substring(0, 43);
    Stream.of(
            "",
            body, // No final "=".
            good.substring(1), // 43 characters.
            good + "=", // 45.
            "A" + good,
            body + "A",
            body + "-",
            body + " ",
            "-" + good.substring(1),
            "_" + good.substring(1),
            "=" + good.substring(1),
            " " + good.substring(1),
            "\n" + good.substring(1),
            good.substring(0, 42) + "==", // 31 bytes.
            good.substring(0, 42) + "x=", // Last bits not zero.
            good.substring(0, 42) + "y=",
            good.substring(0, 42) + "z=",
            "\u0141" + good.substring(1), // 'A' in its low byte.
            good.substring(0, 20) + "\uff21" + good.substring(21))
        .forEach(bad ->
            assertThatThrownBy(() -> kind.fromBase64.apply(bad))
                .as("'" + bad + "'")
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(e -> assertDoesNotRepeat(e, bad)));
  }

  @ParameterizedTest
  @MethodSource("kinds")
  void invalid_hex_is_refused_and_not_repeated(Kind kind) {
    String good = text("si_pub");
    Stream.of(
            "",
            good.substring(1),
            good + "0",
            good + "00",
            "g" + good.substring(1),
            "G" + good.substring(1),
            " " + good.substring(1),
            "0x" + good.substring(2),
            good.substring(0, 63) + "\n",
            good.substring(0, 31) + "/" + good.substring(32),
            good.substring(0, 31) + ":" + good.substring(32),
            good.substring(0, 31) + "@" + good.substring(32),
            good.substring(0, 31) + "`" + good.substring(32),
            "\u0130" + good.substring(1), // '0' in its low byte.
            "\uff10" + good.substring(1))
        .forEach(bad ->
            assertThatThrownBy(() -> kind.fromHex.apply(bad))
                .as("'" + bad + "'")
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(e -> assertDoesNotRepeat(e, bad)));
  }

  /** No eight characters of it in a row. */
  private static void assertDoesNotRepeat(Throwable thrown, String text) {
    for (int i = 0; i + 8 <= text.length(); i++) {
      assertThat(String.valueOf(thrown.getMessage())).doesNotContain(text.substring(i, i + 8));
    }
    assertThat(thrown.getCause()).isNull();
  }

  static final long[] SEEDS = {1, 2, 3};

  @ParameterizedTest
  @FieldSource("SEEDS")
  void random_keys_read_and_write_as_the_jdk_does(long seed) {
    Random random = new Random(seed);
    byte[] bytes = new byte[32];
    for (int i = 0; i < 2_000; i++) {
      random.nextBytes(bytes);
      String base64 = Base64.getEncoder().encodeToString(bytes);
      String hex = HexFormat.of().formatHex(bytes);

      assertThat(KeyText.toBase64(bytes)).isEqualTo(base64);
      assertThat(KeyText.toHex(bytes)).isEqualTo(hex);
      assertThat(KeyText.fromBase64(base64)).isEqualTo(bytes);
      assertThat(KeyText.fromHex(hex)).isEqualTo(bytes);
      assertThat(KeyText.fromHex(hex.toUpperCase(Locale.ROOT))).isEqualTo(bytes);
    }
  }

  @Test
  void every_character_at_every_place_is_taken_or_refused_as_the_jdk_does() {
    String zeros = "A".repeat(43) + "=";
    List<String> wrong = new ArrayList<>();
    for (int at = 0; at < 44; at++) {
      for (char c = 0; c < 300; c++) {
        String text = zeros.substring(0, at) + c + zeros.substring(at + 1);
        if (isRead(KeyText::fromBase64, text) != isCanonicalBase64(text)) {
          wrong.add("base64 " + (int) c + " at " + at);
        }
      }
    }
    for (int at = 0; at < 64; at++) {
      for (char c = 0; c < 300; c++) {
        String text = "0".repeat(at) + c + "0".repeat(63 - at);
        if (isRead(KeyText::fromHex, text) != (c < 128 && HexFormat.isHexDigit(c))) {
          wrong.add("hex " + (int) c + " at " + at);
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  private static boolean isRead(Function<String, byte[]> reader, String text) {
    try {
      return reader.apply(text).length == 32;
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  /** The JDK takes set bits behind the last byte: what it writes again must be what it read. */
  private static boolean isCanonicalBase64(String text) {
    try {
      byte[] bytes = Base64.getDecoder().decode(text);
      return bytes.length == 32 && Base64.getEncoder().encodeToString(bytes).equals(text);
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  @Test
  void private_keys_are_clamped_and_others_are_not() {
    byte[] ones = new byte[32];
    Arrays.fill(ones, (byte) 0xff);
    assertThat(PrivateKey.of(ones).bytes()).isEqualTo(hex("x25519_clamp_out"));
    assertThat(PrivateKey.fromHex("f".repeat(64)).bytes()).isEqualTo(hex("x25519_clamp_out"));
    assertThat(PublicKey.of(ones).bytes()).isEqualTo(ones);
    assertThat(PresharedKey.of(ones).bytes()).isEqualTo(ones);
  }

  @Test
  void zeros_stand_for_none() {
    byte[] zeros = new byte[32];
    assertThat(PrivateKey.of(zeros).isZero()).isTrue();
    assertThat(PrivateKey.of(zeros).bytes()).isEqualTo(zeros);
    assertThat(PresharedKey.of(zeros).isZero()).isTrue();
    assertThat(PublicKey.of(zeros).isZero()).isTrue();
    for (int bit = 0; bit < 256; bit++) {
      byte[] one = new byte[32];
      one[bit / 8] = (byte) (1 << bit % 8);
      assertThat(PublicKey.of(one).isZero()).isFalse();
      assertThat(PresharedKey.of(one).isZero()).isFalse();
      assertThat(PrivateKey.of(one).isZero()).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 16, 31, 33, 64})
  void other_lengths_are_refused(int length) {
    byte[] bytes = new byte[length];
    assertThatThrownBy(() -> PrivateKey.of(bytes)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PublicKey.of(bytes)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PresharedKey.of(bytes)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void keys_are_values_and_cannot_be_changed_from_outside() {
    byte[] bytes = hex("si_pub");
    PublicKey key = PublicKey.of(bytes);
    bytes[0] ^= 1;
    key.bytes()[1] ^= 1;
    assertThat(key.bytes()).isEqualTo(hex("si_pub"));

    assertThat(key).isEqualTo(PublicKey.of(hex("si_pub"))).isNotEqualTo(PublicKey.of(bytes));
    assertThat(key).hasSameHashCodeAs(PublicKey.of(hex("si_pub")));
    assertThat(PrivateKey.of(hex("si_priv")))
        .isEqualTo(PrivateKey.of(hex("si_priv")))
        .isNotEqualTo(PrivateKey.of(hex("sr_priv")));
    assertThat(PresharedKey.of(hex("psk")))
        .isEqualTo(PresharedKey.of(hex("psk")))
        .isNotEqualTo(PresharedKey.of(new byte[32]));
  }

  @Test
  void every_single_bit_makes_another_key() {
    byte[] bytes = hex("psk");
    for (int bit = 0; bit < 256; bit++) {
      byte[] other = bytes.clone();
      other[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(PresharedKey.of(other)).isNotEqualTo(PresharedKey.of(bytes));
    }
  }
}
