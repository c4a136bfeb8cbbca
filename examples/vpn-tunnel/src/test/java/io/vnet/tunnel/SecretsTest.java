package io.vnet.tunnel;

import static io.vnet.tunnel.KnownAnswers.hex;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.TestedProviders;
import io.vnet.tunnel.crypto.TransportCipher;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.noise.Handshakes;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.PeerIdentity;
import io.vnet.tunnel.noise.TransportKeys;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Whatever holds a secret does not show it as text, neither itself nor by what it is made of: of
 * each object and of all that its fields lead to within this module, {@code toString} is searched
 * for every secret in every form.
 */
class SecretsTest {
  private static final List<String> SECRETS =
      List.of(
          "si_priv",
          "sr_priv",
          "ei_priv",
          "er_priv",
          "psk",
          "i_ss",
          "i_es",
          "i_ck_ss",
          "i_h_t",
          "r_ck_psk",
          "t_i2r",
          "t_r2i");

  @Test
  void no_text_has_a_secret_in_it() throws IllegalAccessException {
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Crypto crypto : TestedProviders.list()) {
      PrivateKey initiatorsKey = PrivateKey.of(hex("si_priv"));
      Identity initiator = Identity.of(crypto, initiatorsKey);
      Identity responder = Identity.of(crypto, PrivateKey.of(hex("sr_priv")));
      PeerIdentity responderPeer = PeerIdentity.of(crypto, initiator, responder.publicKey());
      PeerIdentity initiatorPeer = PeerIdentity.of(crypto, responder, initiator.publicKey());
      PresharedKey presharedKey = PresharedKey.of(hex("psk"));
      Handshakes.Initiation initiation =
          requireNonNull(
              Handshakes.initiate(
                  crypto, initiator, responderPeer, 1, hex("timestamp"), hex("ei_priv")));
      Handshakes.Opened opened =
          requireNonNull(Handshakes.open(crypto, responder, initiation.message()));
      Handshakes.Consumed consumed =
          requireNonNull(Handshakes.consume(crypto, opened, initiatorPeer));
      Handshakes.Response response =
          requireNonNull(
              Handshakes.respond(crypto, consumed, initiatorPeer, presharedKey, 2, hex("er_priv")));
      TransportKeys keys =
          requireNonNull(
              Handshakes.finish(crypto, initiator, initiation, presharedKey, response.message()));
      try (TransportCipher cipher = crypto.transportCipher(hex("t_i2r"))) {
        for (Object holder :
            List.of(
                crypto,
                initiatorsKey,
                initiator,
                responderPeer,
                presharedKey,
                initiation,
                opened,
                consumed,
                response,
                keys,
                cipher)) {
          search(holder, seen);
        }
      }
    }
    assertThat(seen).as("objects looked at").hasSizeGreaterThan(30);
  }

  private static void search(Object object, Set<Object> seen) throws IllegalAccessException {
    if (!seen.add(object)) {
      return;
    }
    assertShowsNothing(object.toString());
    for (Field field : object.getClass().getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers())) {
        field.setAccessible(true);
        Object value = field.get(object);
        if (value != null && value.getClass().getName().startsWith("io.vnet.tunnel.")) {
          search(value, seen);
        }
      }
    }
  }

  private static void assertShowsNothing(String text) {
    for (String name : SECRETS) {
      byte[] secret = hex(name);
      String hex = HexFormat.of().formatHex(secret);
      String base64 = Base64.getEncoder().encodeToString(secret);
      String array = Arrays.toString(secret);
      assertThat(text.toLowerCase(Locale.ROOT)).doesNotContain(hex.substring(0, 12));
      assertThat(text).doesNotContain(base64.substring(0, 10));
      assertThat(text).doesNotContain(array.substring(1, 20));
    }
  }
}
