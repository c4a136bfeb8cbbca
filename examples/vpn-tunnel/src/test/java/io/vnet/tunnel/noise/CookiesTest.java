package io.vnet.tunnel.noise;

import static io.vnet.tunnel.KnownAnswers.hex;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PrivateKey;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * mac1, mac2 and cookies: the test cases C1 to C6 and C8 of the protocol's page at the level of
 * functions, with each provider.
 */
@ParameterizedClass
@MethodSource("io.vnet.tunnel.crypto.TestedProviders#all")
class CookiesTest {
  private static final Endpoint SOURCE4 = Endpoint.parse("192.0.2.7:51820");
  private static final Endpoint SOURCE6 = Endpoint.parse("[2001:db8::7]:51820");

  private final Crypto crypto;
  private final Identity initiator;
  private final Identity responder;
  private final PeerIdentity initiatorsPeer;
  private final byte[] secret = hex("cookie_secret");
  private final byte[] initiation = hex("initiation");
  private final byte[] response = hex("response");

  CookiesTest(Crypto crypto) {
    this.crypto = crypto;
    initiator = Identity.of(crypto, PrivateKey.of(hex("si_priv")));
    responder = Identity.of(crypto, PrivateKey.of(hex("sr_priv")));
    initiatorsPeer = PeerIdentity.of(crypto, initiator, responder.publicKey());
  }

  private static byte[] flipped(byte[] message, int bit) {
    byte[] other = message.clone();
    other[bit / 8] ^= (byte) (1 << bit % 8);
    return other;
  }

  @Test
  void mac1_of_the_known_messages_is_right() {
    assertThat(Macs.isSigned(crypto, responder, initiation)).isTrue();
    assertThat(Macs.isSigned(crypto, initiator, response)).isTrue();
    assertThat(Macs.isSigned(crypto, responder, hex("initiation_with_mac2"))).isTrue();
    assertThat(Macs.mac1(initiation)).isEqualTo(hex("initiation_mac1"));
  }

  @Test
  void C1_mac1_with_any_bit_changed_is_wrong() {
    for (int bit = 0; bit < 132 * 8; bit++) {
      assertThat(Macs.isSigned(crypto, responder, flipped(initiation, bit))).isFalse();
    }
    for (int bit = 0; bit < 76 * 8; bit++) {
      assertThat(Macs.isSigned(crypto, initiator, flipped(response, bit))).isFalse();
    }
  }

  @Test
  void C1_mac1_made_with_another_key_is_wrong() {
    assertThat(Macs.isSigned(crypto, initiator, initiation)).isFalse();
    assertThat(Macs.isSigned(crypto, responder, response)).isFalse();
  }

  @Test
  void C2_mac1_does_not_depend_on_mac2() {
    byte[] garbage = initiation.clone();
    Arrays.fill(garbage, 132, 148, (byte) 0x77);
    assertThat(Macs.isSigned(crypto, responder, garbage)).isTrue();
  }

  @Test
  void signing_changes_one_mac_alone() {
    byte[] message = initiation.clone();
    Arrays.fill(message, 116, 148, (byte) 0x55);
    Macs.sign(crypto, initiatorsPeer, message);
    assertThat(Arrays.copyOf(message, 132)).isEqualTo(Arrays.copyOf(initiation, 132));
    assertThat(Arrays.copyOfRange(message, 132, 148)).containsOnly(0x55);
  }

  @Test
  void the_known_cookies_and_mac2() {
    assertThat(Cookies.of(crypto, secret, SOURCE4)).isEqualTo(hex("cookie4"));
    assertThat(Cookies.of(crypto, secret, SOURCE6)).isEqualTo(hex("cookie6"));

    byte[] signed = initiation.clone();
    Macs.signWithCookie(crypto, hex("cookie4"), signed);
    assertThat(signed).isEqualTo(hex("initiation_with_mac2"));
    assertThat(Arrays.copyOfRange(signed, 132, 148)).isEqualTo(hex("initiation_mac2"));
  }

  @Test
  void an_ipv4_mapped_source_counts_as_ipv4() {
    assertThat(Cookies.of(crypto, secret, Endpoint.parse("[::ffff:192.0.2.7]:51820")))
        .isEqualTo(hex("cookie4"));
  }

  @Test
  void C3_a_reply_opens_with_the_mac1_that_was_sent() {
    byte[] reply4 =
        Cookies.reply(crypto, responder, hex("cookie4"), initiation, hex("cookie_nonce"));
    byte[] reply6 =
        Cookies.reply(crypto, responder, hex("cookie6"), initiation, hex("cookie_nonce"));

    assertThat(reply4).isEqualTo(hex("cookie_reply4"));
    assertThat(reply6).isEqualTo(hex("cookie_reply6"));
    assertThat(Cookies.open(crypto, initiatorsPeer, Macs.mac1(initiation), reply4))
        .isEqualTo(hex("cookie4"));
    assertThat(Cookies.open(crypto, initiatorsPeer, Macs.mac1(initiation), reply6))
        .isEqualTo(hex("cookie6"));
  }

  @Test
  void a_response_is_replied_to_as_well() {
    PeerIdentity respondersPeer = PeerIdentity.of(crypto, responder, initiator.publicKey());
    byte[] reply = Cookies.reply(crypto, initiator, hex("cookie4"), response, hex("cookie_nonce"));

    assertThat(Arrays.copyOfRange(reply, 4, 8)).as("to its sender").isEqualTo(hex("index_r"));
    assertThat(Cookies.open(crypto, respondersPeer, Macs.mac1(response), reply))
        .isEqualTo(hex("cookie4"));
  }

  @Test
  void C4_right_mac2() {
    assertThat(Cookies.isSigned(crypto, hex("cookie4"), hex("initiation_with_mac2"))).isTrue();
    byte[] signed = response.clone();
    Macs.signWithCookie(crypto, hex("cookie6"), signed);
    assertThat(Cookies.isSigned(crypto, hex("cookie6"), signed)).isTrue();
  }

  @Test
  void C3_zero_or_changed_mac2_is_wrong() {
    assertThat(Cookies.isSigned(crypto, hex("cookie4"), initiation)).isFalse();
    byte[] signed = hex("initiation_with_mac2");
    for (int bit = 0; bit < signed.length * 8; bit++) {
      assertThat(Cookies.isSigned(crypto, hex("cookie4"), flipped(signed, bit))).isFalse();
    }
  }

  @Test
  void C5_a_cookie_holds_for_its_address_and_port_only() {
    byte[] signed = hex("initiation_with_mac2");
    for (String other :
        new String[] {
          "192.0.2.7:51821", "192.0.2.7:0", "192.0.2.8:51820", "[2001:db8::7]:51820", "[::]:51820"
        }) {
      byte[] cookie = Cookies.of(crypto, secret, Endpoint.parse(other));
      assertThat(Cookies.isSigned(crypto, cookie, signed)).as(other).isFalse();
    }
  }

  @Test
  void C6_a_cookie_ends_with_its_secret() {
    byte[] cookie = Cookies.of(crypto, hex("psk"), SOURCE4);
    assertThat(Cookies.isSigned(crypto, cookie, hex("initiation_with_mac2"))).isFalse();
  }

  @Test
  void C8_a_reply_with_any_bit_changed_is_refused() {
    byte[] mac1 = Macs.mac1(initiation);
    byte[] reply = hex("cookie_reply4");
    for (int bit = 0; bit < reply.length * 8; bit++) {
      boolean receiver = bit / 8 >= 4 && bit / 8 < 8; // Who it is for is looked up before.
      byte[] cookie = Cookies.open(crypto, initiatorsPeer, mac1, flipped(reply, bit));
      if (receiver) {
        assertThat(cookie).isEqualTo(hex("cookie4"));
      } else {
        assertThat(cookie).as("bit " + bit).isNull();
      }
    }
    for (int length = 0; length < 100; length++) {
      if (length != reply.length) {
        assertThat(Cookies.open(crypto, initiatorsPeer, mac1, Arrays.copyOf(reply, length)))
            .isNull();
      }
    }
  }

  @Test
  void C8_a_reply_to_another_message_or_by_another_peer_is_refused() {
    byte[] reply = hex("cookie_reply4");
    assertThat(Cookies.open(crypto, initiatorsPeer, Macs.mac1(response), reply)).isNull();
    PeerIdentity other = PeerIdentity.of(crypto, responder, initiator.publicKey());
    assertThat(Cookies.open(crypto, other, Macs.mac1(initiation), reply)).isNull();
  }

  @Test
  void a_cookie_that_was_won_signs_the_next_initiation() {
    byte[] reply =
        Cookies.reply(
            crypto,
            responder,
            Cookies.of(crypto, secret, SOURCE6),
            initiation,
            hex("cookie_nonce"));
    byte[] won = requireNonNull(Cookies.open(crypto, initiatorsPeer, Macs.mac1(initiation), reply));
    byte[] next =
        requireNonNull(
                Handshakes.initiate(
                    crypto, initiator, initiatorsPeer, 7, hex("tai64n_at"), hex("er_priv")))
            .message();
    Macs.sign(crypto, initiatorsPeer, next);
    Macs.signWithCookie(crypto, won, next);

    assertThat(Macs.isSigned(crypto, responder, next)).isTrue();
    assertThat(Cookies.isSigned(crypto, Cookies.of(crypto, secret, SOURCE6), next)).isTrue();
  }

  @Test
  void other_lengths_have_no_macs() {
    for (int length = 0; length < 200; length++) {
      byte[] message = Arrays.copyOf(initiation, length);
      if (length != 148 && length != 92) {
        assertThat(Macs.isSigned(crypto, responder, message)).isFalse();
        assertThat(Cookies.isSigned(crypto, hex("cookie4"), message)).isFalse();
        assertThatThrownBy(() -> Macs.sign(crypto, initiatorsPeer, message))
            .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Macs.mac1(message)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() ->
                Cookies.reply(crypto, responder, hex("cookie4"), message, hex("cookie_nonce")))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }
}
