package io.vnet.tunnel.crypto;

import static io.vnet.tunnel.KnownAnswers.hex;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The primitives on arrays, with each provider: the test cases P1 to P4 of the protocol's page, its
 * known answers, and what is refused.
 */
@ParameterizedClass
@MethodSource("io.vnet.tunnel.crypto.TestedProviders#all")
class CryptoTest {
  private static final byte[] NOTHING = {};
  private static final long COUNTER = 0x0102030405060708L;

  private final Crypto crypto;

  CryptoTest(Crypto crypto) {
    this.crypto = crypto;
  }

  @Test
  void P1_blake2s() {
    assertThat(crypto.hash()).isEqualTo(hex("b2s_empty"));
    assertThat(crypto.hash(NOTHING)).isEqualTo(hex("b2s_empty"));
    assertThat(crypto.hash("abc".getBytes(StandardCharsets.US_ASCII))).isEqualTo(hex("b2s_abc"));
    byte[] block = hex("b2s_64_in");
    assertThat(crypto.hash(block)).isEqualTo(hex("b2s_64"));
    for (int cut = 0; cut <= block.length; cut++) {
      assertThat(
              crypto.hash(Arrays.copyOf(block, cut), Arrays.copyOfRange(block, cut, block.length)))
          .isEqualTo(hex("b2s_64"));
    }
    assertThat(crypto.hash(block, new byte[] {64})).isEqualTo(hex("b2s_65"));
  }

  @Test
  void P1_keyed_blake2s_of_16_bytes() {
    byte[] key = hex("b2s_keyed_key");
    byte[] text = hex("b2s_keyed_in");
    assertThat(crypto.mac(key, text, 0, 3)).isEqualTo(hex("b2s_mac16"));
    assertThat(crypto.mac(Arrays.copyOf(key, 16), text, 0, 3)).isEqualTo(hex("b2s_mac16_key16"));
    assertThat(crypto.mac(key, new byte[] {9, 9, 0, 1, 2, 9}, 2, 3)).isEqualTo(hex("b2s_mac16"));
  }

  @Test
  void a_mac_without_key_or_beyond_the_text_is_refused() {
    byte[] key = hex("b2s_keyed_key");
    assertThatThrownBy(() -> crypto.mac(NOTHING, new byte[3], 0, 3))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> crypto.mac(new byte[33], new byte[3], 0, 3))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> crypto.mac(key, new byte[3], 1, 3))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void P1_hmac_and_the_derivation_over_it() {
    assertThat(crypto.hmac(hex("hmac_key"), hex("hmac_in"))).isEqualTo(hex("hmac"));
    assertThat(crypto.hmac(hex("hmac_key"))).isEqualTo(hex("hmac_empty_in"));
    assertThat(crypto.hmac(hex("hmac_key"), NOTHING)).isEqualTo(hex("hmac_empty_in"));

    byte[] t0 = crypto.hmac(hex("kdf_key"), hex("kdf_in"));
    byte[] t1 = crypto.hmac(t0, new byte[] {1});
    byte[] t2 = crypto.hmac(t0, t1, new byte[] {2});
    assertThat(t1).isEqualTo(hex("kdf_t1"));
    assertThat(t2).isEqualTo(hex("kdf_t2"));
    assertThat(crypto.hmac(t0, t2, new byte[] {3})).isEqualTo(hex("kdf_t3"));

    t0 = crypto.hmac(hex("kdf_key"), NOTHING);
    t1 = crypto.hmac(t0, new byte[] {1});
    assertThat(t1).isEqualTo(hex("kdf_empty_t1"));
    assertThat(crypto.hmac(t0, t1, new byte[] {2})).isEqualTo(hex("kdf_empty_t2"));
  }

  @Test
  void an_hmac_key_longer_than_a_block_is_refused() {
    assertThat(crypto.hmac(new byte[64], NOTHING)).hasSize(32);
    assertThatThrownBy(() -> crypto.hmac(new byte[65], NOTHING))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void P1_x25519() {
    byte[] shared = new byte[32];
    for (String name : new String[] {"x25519_a", "x25519_b", "x25519_base"}) {
      assertThat(crypto.agree(clamped(hex(name + "_k")), hex(name + "_u"), shared)).isTrue();
      assertThat(shared).as(name).isEqualTo(hex(name + "_out"));
    }
    assertThat(crypto.publicKey(hex("x25519_base_k"))).isEqualTo(hex("x25519_base_out"));
    assertThat(crypto.publicKey(hex("si_priv"))).isEqualTo(hex("si_pub"));
    assertThat(crypto.publicKey(hex("sr_priv"))).isEqualTo(hex("sr_pub"));
    assertThat(clamped(hex("x25519_clamp_in"))).isEqualTo(hex("x25519_clamp_out"));
  }

  private static byte[] clamped(byte[] key) {
    key[0] &= (byte) 248;
    key[31] = (byte) ((key[31] & 127) | 64);
    return key;
  }

  @Test
  void the_top_bit_of_a_point_is_ignored() {
    byte[] point = hex("x25519_a_u");
    point[31] |= (byte) 0x80;
    byte[] shared = new byte[32];
    assertThat(crypto.agree(clamped(hex("x25519_a_k")), point, shared)).isTrue();
    assertThat(shared).isEqualTo(hex("x25519_a_out"));
  }

  @Test
  void P2_points_of_small_order_give_no_secret() {
    for (int i = 0; i < 8; i++) {
      byte[] shared = new byte[32];
      Arrays.fill(shared, (byte) 0xa5);
      assertThat(crypto.agree(hex("x25519_base_k"), hex("x25519_low_" + i), shared))
          .as("low_" + i)
          .isFalse();
      assertThat(shared).as("low_" + i).isEqualTo(new byte[32]);
    }
    assertThat(crypto.agree(hex("x25519_base_k"), hex("si_pub"), new byte[32]))
        .as("and the next is not affected")
        .isTrue();
  }

  @Test
  void keys_of_another_length_are_refused() {
    byte[] key = new byte[32];
    for (int length : new int[] {0, 31, 33}) {
      byte[] wrong = new byte[length];
      assertThatThrownBy(() -> crypto.agree(wrong, key, new byte[32]))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> crypto.agree(key, wrong, new byte[32]))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> crypto.agree(key, key, wrong))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> crypto.publicKey(wrong))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> crypto.seal(wrong, 0, NOTHING, NOTHING))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> crypto.open(wrong, 0, new byte[16], NOTHING))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> crypto.transportCipher(wrong))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> crypto.sealWithNonce(key, wrong, NOTHING, NOTHING))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void P1_chacha20_poly1305() {
    assertThat(crypto.seal(hex("aead_key"), 0, NOTHING, NOTHING))
        .isEqualTo(hex("aead_wg_empty_counter0"));
    assertThat(crypto.seal(hex("aead_key"), COUNTER, NOTHING, NOTHING))
        .isEqualTo(hex("aead_wg_empty_counter_big"));
    byte[] message = hex("data_i2r_0");
    assertThat(crypto.seal(hex("t_i2r"), 0, hex("inner_padded"), NOTHING))
        .isEqualTo(Arrays.copyOfRange(message, 16, message.length));
  }

  @Test
  void the_same_text_can_be_sealed_twice() {
    byte[] once = crypto.seal(hex("aead_key"), 7, hex("aead_pt"), hex("aead_aad"));
    assertThat(crypto.seal(hex("aead_key"), 7, hex("aead_pt"), hex("aead_aad"))).isEqualTo(once);
  }

  @Test
  void P1_hchacha20() {
    assertThat(HChaCha20.subkey(hex("hchacha_key"), hex("hchacha_nonce")))
        .isEqualTo(hex("hchacha_out"));
    assertThat(HChaCha20.subkey(hex("xaead_key"), Arrays.copyOf(hex("xaead_nonce"), 16)))
        .isEqualTo(hex("xaead_subkey"));
  }

  @Test
  void P1_xchacha20_poly1305() {
    assertThat(
            crypto.sealWithNonce(
                hex("xaead_key"), hex("xaead_nonce"), hex("xaead_pt"), hex("xaead_aad")))
        .isEqualTo(hex("xaead_ct"));
    assertThat(
            crypto.openWithNonce(
                hex("xaead_key"), hex("xaead_nonce"), hex("xaead_ct"), hex("xaead_aad")))
        .isEqualTo(hex("xaead_pt"));
  }

  @Test
  void P3_any_flipped_bit_is_refused() {
    byte[] key = hex("aead_key");
    byte[] additional = hex("aead_aad");
    byte[] plain = hex("aead_pt");
    byte[] sealed = crypto.seal(key, COUNTER, plain, additional);
    for (int bit = 0; bit < sealed.length * 8; bit++) {
      assertThat(crypto.open(key, COUNTER, flipped(sealed, bit), additional)).isNull();
    }
    for (int bit = 0; bit < additional.length * 8; bit++) {
      assertThat(crypto.open(key, COUNTER, sealed, flipped(additional, bit))).isNull();
    }
    for (int bit = 0; bit < 64; bit++) {
      assertThat(crypto.open(key, COUNTER ^ 1L << bit, sealed, additional)).isNull();
    }
    for (int bit = 0; bit < key.length * 8; bit++) {
      assertThat(crypto.open(flipped(key, bit), COUNTER, sealed, additional)).isNull();
    }
    assertThat(crypto.open(key, COUNTER, sealed, additional)).isEqualTo(plain);
  }

  @Test
  void P3_any_flipped_bit_is_refused_with_a_long_nonce() {
    byte[] key = hex("xaead_key");
    byte[] nonce = hex("xaead_nonce");
    byte[] sealed = hex("xaead_ct");
    byte[] additional = hex("xaead_aad");
    for (int bit = 0; bit < sealed.length * 8; bit++) {
      assertThat(crypto.openWithNonce(key, nonce, flipped(sealed, bit), additional)).isNull();
    }
    for (int bit = 0; bit < nonce.length * 8; bit++) {
      assertThat(crypto.openWithNonce(key, flipped(nonce, bit), sealed, additional)).isNull();
    }
    for (int bit = 0; bit < additional.length * 8; bit++) {
      assertThat(crypto.openWithNonce(key, nonce, sealed, flipped(additional, bit))).isNull();
    }
  }

  private static byte[] flipped(byte[] bytes, int bit) {
    byte[] other = bytes.clone();
    other[bit / 8] ^= (byte) (1 << bit % 8);
    return other;
  }

  @Test
  void P4_fewer_than_16_bytes_are_refused() {
    for (int length = 0; length < 16; length++) {
      assertThat(crypto.open(hex("aead_key"), 0, new byte[length], NOTHING)).isNull();
      assertThat(
              crypto.openWithNonce(hex("xaead_key"), hex("xaead_nonce"), new byte[length], NOTHING))
          .isNull();
    }
  }

  @Test
  void arguments_stay_as_they_are() {
    byte[] key = hex("aead_key");
    byte[] text = hex("aead_pt");
    byte[] additional = hex("aead_aad");
    byte[] sealed = crypto.seal(key, 1, text, additional);
    byte[] sealedBefore = sealed.clone();
    crypto.open(key, 1, sealed, additional);
    byte[] privateKey = hex("si_priv");
    byte[] point = hex("sr_pub");
    crypto.agree(privateKey, point, new byte[32]);
    crypto.hmac(key, text);

    assertThat(key).isEqualTo(hex("aead_key"));
    assertThat(text).isEqualTo(hex("aead_pt"));
    assertThat(additional).isEqualTo(hex("aead_aad"));
    assertThat(sealed).isEqualTo(sealedBefore);
    assertThat(privateKey).isEqualTo(hex("si_priv"));
    assertThat(point).isEqualTo(hex("sr_pub"));
  }

  @Test
  void long_texts_do_too() {
    byte[] plain = new byte[100_000];
    new Random(5).nextBytes(plain);
    byte[] sealed = crypto.seal(hex("aead_key"), 3, plain, plain);
    assertThat(crypto.open(hex("aead_key"), 3, sealed, plain)).isEqualTo(plain);
    assertThat(sealed).isEqualTo(new PortableCrypto().seal(hex("aead_key"), 3, plain, plain));
  }

  @Test
  void many_threads_can_use_one_at_once() throws Exception {
    manyThreads(Executors.newFixedThreadPool(8));
  }

  @Test
  void virtual_threads_can_too() throws Exception {
    manyThreads(Executors.newVirtualThreadPerTaskExecutor());
  }

  private void manyThreads(ExecutorService executor) throws Exception {
    try (ExecutorService threads = executor) {
      List<Callable<Boolean>> works = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        int seed = i;
        works.add(() -> isRightMoreThanOnce(seed));
      }
      for (Future<Boolean> result : threads.invokeAll(works)) {
        assertThat(result.get()).isTrue();
      }
    }
  }

  private boolean isRightMoreThanOnce(int seed) {
    Random random = new Random(seed);
    byte[] key = new byte[32];
    byte[] shared = new byte[32];
    for (int i = 0; i < 100; i++) {
      random.nextBytes(key);
      byte[] text = new byte[random.nextInt(700)];
      random.nextBytes(text);
      byte[] sealed = crypto.seal(key, i, text, key);
      boolean right =
          Arrays.equals(text, requireNonNull(crypto.open(key, i, sealed, key)))
              && crypto.open(key, i + 1, sealed, key) == null
              && crypto.agree(hex("er_priv"), hex("si_pub"), shared)
              && Arrays.equals(shared, hex("r_se"))
              && !crypto.agree(hex("er_priv"), hex("x25519_low_2"), shared)
              && Arrays.equals(crypto.hmac(hex("hmac_key"), hex("hmac_in")), hex("hmac"));
      if (!right) {
        return false;
      }
    }
    return true;
  }
}
