package io.vnet.tunnel.noise;

import static io.vnet.tunnel.KnownAnswers.hex;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.tunnel.KnownAnswers;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The handshake of the known answers, byte by byte and state by state, with each provider (H1 and
 * its kin: the test cases "Handshake" of the protocol's page).
 */
@ParameterizedClass
@MethodSource("io.vnet.tunnel.crypto.TestedProviders#all")
class KnownHandshakeTest {
  private static final PresharedKey NO_KEY = PresharedKey.of(new byte[32]);

  private final Crypto crypto;
  private final Identity initiator;
  private final Identity responder;
  private final PeerIdentity initiatorsPeer;
  private final PeerIdentity respondersPeer;
  private final PresharedKey presharedKey = PresharedKey.of(hex("psk"));

  KnownHandshakeTest(Crypto crypto) {
    this.crypto = crypto;
    initiator = Identity.of(crypto, PrivateKey.of(hex("si_priv")));
    responder = Identity.of(crypto, PrivateKey.of(hex("sr_priv")));
    initiatorsPeer = PeerIdentity.of(crypto, initiator, responder.publicKey());
    respondersPeer = PeerIdentity.of(crypto, responder, initiator.publicKey());
  }

  private Handshakes.Initiation initiation() {
    return requireNonNull(
        Handshakes.initiate(
            crypto, initiator, initiatorsPeer, 0x11223344, hex("timestamp"), hex("ei_priv")));
  }

  private Handshakes.Consumed consumed() {
    Handshakes.Opened opened =
        requireNonNull(Handshakes.open(crypto, responder, hex("initiation")));
    assertThat(opened.initiator()).isEqualTo(initiator.publicKey());
    return requireNonNull(Handshakes.consume(crypto, opened, respondersPeer));
  }

  private Handshakes.Response response(PresharedKey key) {
    return requireNonNull(
        Handshakes.respond(crypto, consumed(), respondersPeer, key, 0xaabbccdd, hex("er_priv")));
  }

  /** The known messages have macs; the functions leave them to others. */
  private static byte[] withoutMacs(byte[] message) {
    byte[] bare = message.clone();
    Arrays.fill(bare, bare.length - 32, bare.length, (byte) 0);
    return bare;
  }

  @Test
  void identities_have_the_known_keys() {
    assertThat(initiator.publicKey().bytes()).isEqualTo(hex("si_pub"));
    assertThat(responder.publicKey().bytes()).isEqualTo(hex("sr_pub"));
    assertThat(responder.mac1Key()).isEqualTo(hex("mac1_key_r"));
    assertThat(initiator.mac1Key()).isEqualTo(hex("mac1_key_i"));
    assertThat(initiatorsPeer.mac1Key()).isEqualTo(hex("mac1_key_r"));
    assertThat(respondersPeer.mac1Key()).isEqualTo(hex("mac1_key_i"));
    assertThat(responder.cookieKey()).isEqualTo(hex("cookie_key_r"));
    assertThat(initiatorsPeer.cookieKey()).isEqualTo(hex("cookie_key_r"));
    assertThat(initiatorsPeer.staticSecret()).isEqualTo(hex("i_ss"));
    assertThat(respondersPeer.staticSecret()).isEqualTo(hex("i_ss"));
    assertThat(initiatorsPeer.startHash()).isEqualTo(hex("i_h_rs"));
    assertThat(responder.startHash()).isEqualTo(hex("i_h_rs"));
  }

  @Test
  void H1_initiation_as_initiator() {
    Handshakes.Initiation initiation = initiation();

    assertThat(initiation.message()).isEqualTo(withoutMacs(hex("initiation")));
    assertThat(initiation.senderIndex()).isEqualTo(0x11223344);
    assertThat(initiation.state().chainingKey()).isEqualTo(hex("i_ck_ss"));
    assertThat(initiation.state().hash()).isEqualTo(hex("i_h_t"));

    byte[] signed = initiation.message();
    Macs.sign(crypto, initiatorsPeer, signed);
    assertThat(signed).isEqualTo(hex("initiation"));
    assertThat(Macs.mac1(signed)).isEqualTo(hex("initiation_mac1"));
  }

  @Test
  void H1_initiation_as_responder() {
    Handshakes.Consumed consumed = consumed();

    assertThat(consumed.timestamp()).isEqualTo(hex("timestamp"));
    assertThat(consumed.remoteIndex()).isEqualTo(0x11223344);
    assertThat(consumed.state().chainingKey()).isEqualTo(hex("i_ck_ss"));
    assertThat(consumed.state().hash()).isEqualTo(hex("i_h_t"));
  }

  @Test
  void H1_response_as_responder() {
    Handshakes.Response response = response(presharedKey);

    assertThat(response.message()).isEqualTo(withoutMacs(hex("response")));
    assertKeys(response.keys(), "t_r2i", "t_i2r", 0xaabbccdd, 0x11223344);

    byte[] signed = response.message();
    Macs.sign(crypto, respondersPeer, signed);
    assertThat(signed).isEqualTo(hex("response"));
  }

  @Test
  void H1_response_as_responder_without_preshared_key() {
    Handshakes.Response response = response(NO_KEY);

    byte[] signed = response.message();
    Macs.sign(crypto, respondersPeer, signed);
    assertThat(signed).isEqualTo(hex("response_nopsk"));
    assertKeys(response.keys(), "t_r2i_nopsk", "t_i2r_nopsk", 0xaabbccdd, 0x11223344);
  }

  @Test
  void H1_response_as_initiator() {
    TransportKeys keys =
        Handshakes.finish(crypto, initiator, initiation(), presharedKey, hex("response"));
    assertKeys(requireNonNull(keys), "t_i2r", "t_r2i", 0x11223344, 0xaabbccdd);
  }

  @Test
  void H1_response_as_initiator_without_preshared_key() {
    TransportKeys keys =
        Handshakes.finish(crypto, initiator, initiation(), NO_KEY, hex("response_nopsk"));
    assertKeys(requireNonNull(keys), "t_i2r_nopsk", "t_r2i_nopsk", 0x11223344, 0xaabbccdd);
  }

  private static void assertKeys(
      TransportKeys keys, String send, String receive, int localIndex, int remoteIndex) {
    assertThat(keys.send()).isEqualTo(hex(send));
    assertThat(keys.receive()).isEqualTo(hex(receive));
    assertThat(keys.localIndex()).isEqualTo(localIndex);
    assertThat(keys.remoteIndex()).isEqualTo(remoteIndex);
  }

  @Test
  void start_values_are_the_hashes_that_they_stand_for() {
    byte[] construction = SymmetricState.CONSTRUCTION.getBytes(StandardCharsets.US_ASCII);
    byte[] identifier = SymmetricState.IDENTIFIER.getBytes(StandardCharsets.US_ASCII);
    byte[] chainingKey = crypto.hash(construction);

    assertThat(chainingKey).isEqualTo(hex("ck0"));
    assertThat(SymmetricState.CHAINING_KEY).isEqualTo(KnownAnswers.text("ck0"));
    assertThat(crypto.hash(chainingKey, identifier)).isEqualTo(hex("h0"));
    assertThat(SymmetricState.HASH).isEqualTo(KnownAnswers.text("h0"));
  }

  @Test
  void every_state_of_the_initiation_is_the_known_one() {
    SymmetricState state = SymmetricState.start(crypto, hex("i_h_rs"));
    assertState(state, "ck0", "i_h_rs");

    byte[] ephemeral = crypto.publicKey(hex("ei_priv"));
    assertThat(ephemeral).isEqualTo(hex("i_e_pub"));
    state.mixEphemeral(ephemeral);
    assertState(state, "i_ck_e", "i_h_e");

    assertThat(agreed("ei_priv", "sr_pub")).isEqualTo(hex("i_es"));
    byte[] key = requireNonNull(state.mixAgreementForCipher(hex("ei_priv"), hex("sr_pub")));
    assertThat(key).isEqualTo(hex("i_k_es"));
    assertState(state, "i_ck_es", "i_h_e");

    byte[] sealed = state.seal(key, hex("si_pub"));
    assertThat(key).as("erased after use").isEqualTo(new byte[32]);
    assertThat(sealed).isEqualTo(part("initiation", 40, 88));
    assertState(state, "i_ck_es", "i_h_s");

    key = state.mixKeyForCipher(hex("i_ss"));
    assertThat(key).isEqualTo(hex("i_k_ss"));
    assertThat(state.seal(key, hex("timestamp"))).isEqualTo(part("initiation", 88, 116));
    assertState(state, "i_ck_ss", "i_h_t");
  }

  @Test
  void every_state_of_the_response_is_the_known_one() {
    everyStateOfTheResponse(presharedKey, "");
  }

  @Test
  void every_state_of_the_response_without_preshared_key_is_the_known_one() {
    everyStateOfTheResponse(NO_KEY, "_nopsk");
  }

  private void everyStateOfTheResponse(PresharedKey presharedKey, String suffix) {
    SymmetricState state = initiation().state();

    byte[] ephemeral = crypto.publicKey(hex("er_priv"));
    assertThat(ephemeral).isEqualTo(hex("r_re_pub"));
    state.mixEphemeral(ephemeral);
    assertState(state, "r_ck_re", "r_h_re");

    assertThat(agreed("er_priv", "i_e_pub")).isEqualTo(hex("r_ee"));
    assertThat(state.mixAgreement(hex("er_priv"), hex("i_e_pub"))).isTrue();
    assertState(state, "r_ck_ee", "r_h_re");

    assertThat(agreed("er_priv", "si_pub")).isEqualTo(hex("r_se"));
    assertThat(state.mixAgreement(hex("er_priv"), hex("si_pub"))).isTrue();
    assertState(state, "r_ck_se", "r_h_re");

    byte[] key = state.mixPresharedKey(presharedKey);
    assertThat(key).isEqualTo(hex("r_k_psk" + suffix));
    assertState(state, "r_ck_psk" + suffix, "r_h_tau" + suffix);

    assertThat(state.seal(key, new byte[0])).isEqualTo(part("response" + suffix, 44, 60));
    assertState(state, "r_ck_psk" + suffix, "r_h_final" + suffix);

    byte[][] keys = state.split();
    assertThat(keys[0]).isEqualTo(hex("t_i2r" + suffix));
    assertThat(keys[1]).isEqualTo(hex("t_r2i" + suffix));
  }

  @Test
  void tau_is_the_second_output_of_the_derivation() {
    for (String suffix : new String[] {"", "_nopsk"}) {
      byte[] key = suffix.isEmpty() ? hex("psk") : new byte[32];
      byte[] t0 = crypto.hmac(hex("r_ck_se"), key);
      byte[] t1 = crypto.hmac(t0, new byte[] {1});
      assertThat(t1).isEqualTo(hex("r_ck_psk" + suffix));
      assertThat(crypto.hmac(t0, t1, new byte[] {2})).isEqualTo(hex("r_tau" + suffix));
    }
  }

  private static void assertState(SymmetricState state, String chainingKey, String hash) {
    assertThat(state.chainingKey()).as(chainingKey).isEqualTo(hex(chainingKey));
    assertThat(state.hash()).as(hash).isEqualTo(hex(hash));
  }

  private byte[] agreed(String privateKey, String publicKey) {
    byte[] shared = new byte[32];
    assertThat(crypto.agree(hex(privateKey), hex(publicKey), shared)).isTrue();
    return shared;
  }

  private static byte[] part(String name, int from, int to) {
    return Arrays.copyOfRange(hex(name), from, to);
  }
}
