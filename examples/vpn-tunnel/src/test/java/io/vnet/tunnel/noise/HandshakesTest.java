package io.vnet.tunnel.noise;

import static io.vnet.tunnel.KnownAnswers.hex;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a handshake refuses, and that a refusal changes nothing: the test cases H3 to H8 and H10 of
 * the protocol's page at the level of functions, with each provider.
 */
@ParameterizedClass
@MethodSource("io.vnet.tunnel.crypto.TestedProviders#all")
class HandshakesTest {
  private static final PresharedKey NO_KEY = PresharedKey.of(new byte[32]);
  private static final int INITIATOR_INDEX = 0x80000001;
  private static final int RESPONDER_INDEX = 0;
  private static final int EPHEMERAL_AT = 8;
  private static final int STATIC_AT = 40;
  private static final int INITIATION_END = 116;
  private static final int RESPONSE_EPHEMERAL_AT = 12;
  private static final int EMPTY_AT = 44;
  private static final int RESPONSE_END = 60;

  private final Crypto crypto;
  private final Identity initiator;
  private final Identity responder;
  private final PeerIdentity initiatorsPeer;
  private final PeerIdentity respondersPeer;

  HandshakesTest(Crypto crypto) {
    this.crypto = crypto;
    initiator = Identity.of(crypto, PrivateKey.of(hex("si_priv")));
    responder = Identity.of(crypto, PrivateKey.of(hex("sr_priv")));
    initiatorsPeer = PeerIdentity.of(crypto, initiator, responder.publicKey());
    respondersPeer = PeerIdentity.of(crypto, responder, initiator.publicKey());
  }

  private Handshakes.Initiation initiation() {
    return requireNonNull(
        Handshakes.initiate(
            crypto, initiator, initiatorsPeer, INITIATOR_INDEX, hex("timestamp"), hex("ei_priv")));
  }

  private Handshakes.@Nullable Consumed consumed(byte[] message) {
    Handshakes.Opened opened = Handshakes.open(crypto, responder, message);
    return opened == null ? null : Handshakes.consume(crypto, opened, respondersPeer);
  }

  private Handshakes.Response response(byte[] initiation, PresharedKey presharedKey) {
    return requireNonNull(
        Handshakes.respond(
            crypto,
            requireNonNull(consumed(initiation)),
            respondersPeer,
            presharedKey,
            RESPONDER_INDEX,
            hex("er_priv")));
  }

  private @Nullable TransportKeys finished(Handshakes.Initiation initiation, byte[] response) {
    return Handshakes.finish(crypto, initiator, initiation, NO_KEY, response);
  }

  private static byte[] flipped(byte[] message, int bit) {
    byte[] other = message.clone();
    other[bit / 8] ^= (byte) (1 << bit % 8);
    return other;
  }

  @Test
  void both_sides_have_the_same_keys_crosswise() {
    Handshakes.Initiation initiation = initiation();
    Handshakes.Response response = response(initiation.message(), NO_KEY);
    TransportKeys keys = requireNonNull(finished(initiation, response.message()));

    assertThat(keys.send()).isEqualTo(response.keys().receive()).isNotEqualTo(keys.receive());
    assertThat(keys.receive()).isEqualTo(response.keys().send());
    assertThat(keys.localIndex()).isEqualTo(INITIATOR_INDEX);
    assertThat(keys.remoteIndex()).isEqualTo(RESPONDER_INDEX);
    assertThat(response.keys().localIndex()).isEqualTo(RESPONDER_INDEX);
    assertThat(response.keys().remoteIndex()).isEqualTo(INITIATOR_INDEX);
  }

  @Test
  void random_handshakes_complete() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int round = 0; round < 20; round++) {
      Identity a = Identity.of(crypto, PrivateKey.of(bytes(random, 32)));
      Identity b = Identity.of(crypto, PrivateKey.of(bytes(random, 32)));
      PeerIdentity bOfA = PeerIdentity.of(crypto, a, b.publicKey());
      PeerIdentity aOfB = PeerIdentity.of(crypto, b, a.publicKey());
      PresharedKey shared = PresharedKey.of(bytes(random, 32));
      byte[] stamp = bytes(random, 12);
      Handshakes.Initiation initiation =
          requireNonNull(
              Handshakes.initiate(crypto, a, bOfA, random.nextInt(), stamp, bytes(random, 32)));
      Handshakes.Opened opened =
          requireNonNull(Handshakes.open(crypto, b, initiation.message()), "seed " + seed);
      assertThat(opened.initiator()).as("seed " + seed).isEqualTo(a.publicKey());
      Handshakes.Consumed consumed = requireNonNull(Handshakes.consume(crypto, opened, aOfB));
      assertThat(consumed.timestamp()).as("seed " + seed).isEqualTo(stamp);
      Handshakes.Response response =
          requireNonNull(
              Handshakes.respond(
                  crypto, consumed, aOfB, shared, random.nextInt(), bytes(random, 32)));
      TransportKeys keys =
          requireNonNull(Handshakes.finish(crypto, a, initiation, shared, response.message()));
      assertThat(keys.send()).as("seed " + seed).isEqualTo(response.keys().receive());
      assertThat(keys.receive()).as("seed " + seed).isEqualTo(response.keys().send());
    }
  }

  private static byte[] bytes(Random random, int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  @Test
  void H3_another_preshared_key_is_answered_and_the_response_dropped() {
    Handshakes.Initiation initiation = initiation();
    byte[] response = response(initiation.message(), PresharedKey.of(hex("psk"))).message();

    assertThat(finished(initiation, response)).isNull();
    assertThat(
            Handshakes.finish(crypto, initiator, initiation, PresharedKey.of(hex("psk")), response))
        .isNotNull();
  }

  @Test
  void H4_an_unknown_initiator_is_named_and_no_other_peer_consumes_it() {
    Identity stranger = Identity.of(crypto, PrivateKey.of(hex("er_priv")));
    PeerIdentity strangersPeer = PeerIdentity.of(crypto, stranger, responder.publicKey());
    Handshakes.Initiation initiation =
        requireNonNull(
            Handshakes.initiate(
                crypto, stranger, strangersPeer, 1, hex("timestamp"), hex("ei_priv")));
    Handshakes.Opened opened =
        requireNonNull(Handshakes.open(crypto, responder, initiation.message()));

    assertThat(opened.initiator()).isEqualTo(stranger.publicKey());
    assertThat(Handshakes.consume(crypto, opened, respondersPeer)).isNull();
  }

  @Test
  void an_initiation_to_somebody_else_is_not_opened() {
    Identity other = Identity.of(crypto, PrivateKey.of(hex("er_priv")));
    assertThat(Handshakes.open(crypto, other, initiation().message())).isNull();
  }

  @Test
  void H5_any_flipped_bit_is_silence() {
    byte[] message = initiation().message();
    for (int bit = EPHEMERAL_AT * 8; bit < INITIATION_END * 8; bit++) {
      assertThat(consumed(flipped(message, bit))).as("bit " + bit).isNull();
    }
    int topBitOfTheEphemeral = (STATIC_AT - 1) * 8 + 7;
    assertThat(Handshakes.open(crypto, responder, flipped(message, topBitOfTheEphemeral)))
        .as("which X25519 ignores")
        .isNull();
    assertThat(consumed(message)).isNotNull();
  }

  @Test
  void H6_an_ephemeral_of_small_order_is_silence() {
    Handshakes.Initiation initiation = initiation();
    byte[] response = response(initiation.message(), NO_KEY).message();
    for (int i = 0; i < 8; i++) {
      byte[] low = hex("x25519_low_" + i);
      byte[] bad = initiation.message();
      System.arraycopy(low, 0, bad, EPHEMERAL_AT, 32);
      assertThat(Handshakes.open(crypto, responder, bad)).as("low_" + i).isNull();

      bad = response.clone();
      System.arraycopy(low, 0, bad, RESPONSE_EPHEMERAL_AT, 32);
      assertThat(finished(initiation, bad)).as("low_" + i).isNull();
    }
    assertThat(finished(initiation, response)).isNotNull();
  }

  /** Sealed under the key that a zero agreement would give: only the check for zero refuses it. */
  @Test
  void H6_even_if_it_is_sealed_for_the_zero_secret() {
    byte[] low = hex("x25519_low_0");
    SymmetricState state = SymmetricState.start(crypto, responder.startHash());
    state.mixEphemeral(low);
    byte[] sealed = state.seal(state.mixKeyForCipher(new byte[32]), hex("si_pub"));
    byte[] message = initiation().message();
    System.arraycopy(low, 0, message, EPHEMERAL_AT, 32);
    System.arraycopy(sealed, 0, message, STATIC_AT, sealed.length);

    assertThat(Handshakes.open(crypto, responder, message)).isNull();
  }

  @Test
  void H7_a_response_to_another_index_is_no_response() {
    Handshakes.Initiation initiation = initiation();
    byte[] response = response(initiation.message(), NO_KEY).message();
    for (int bit = 8 * 8; bit < 12 * 8; bit++) {
      assertThat(finished(initiation, flipped(response, bit))).as("bit " + bit).isNull();
    }
  }

  @Test
  void H8_after_a_wrong_response_the_right_one_completes() {
    Handshakes.Initiation initiation = initiation();
    Handshakes.Response response = response(initiation.message(), NO_KEY);
    byte[] message = response.message();
    for (int bit = RESPONSE_EPHEMERAL_AT * 8; bit < RESPONSE_END * 8; bit++) {
      assertThat(finished(initiation, flipped(message, bit))).as("bit " + bit).isNull();
    }
    for (int bit = EMPTY_AT * 8; bit < RESPONSE_END * 8; bit++) {
      assertThat(finished(initiation, flipped(message, bit))).as("tag bit " + bit).isNull();
    }
    TransportKeys keys = requireNonNull(finished(initiation, message));
    assertThat(keys.send()).isEqualTo(response.keys().receive());
  }

  @Test
  void H10_a_peer_with_a_key_of_small_order_takes_no_part() {
    for (int i = 0; i < 8; i++) {
      PublicKey low = PublicKey.of(hex("x25519_low_" + i));
      PeerIdentity peer = PeerIdentity.of(crypto, initiator, low);

      assertThat(peer.isUsable()).isFalse();
      assertThat(peer.publicKey()).isEqualTo(low);
      assertThat(Handshakes.initiate(crypto, initiator, peer, 1, hex("timestamp"), hex("ei_priv")))
          .isNull();
      Handshakes.Opened opened =
          requireNonNull(Handshakes.open(crypto, responder, initiation().message()));
      PeerIdentity responders = PeerIdentity.of(crypto, responder, low);
      assertThat(Handshakes.consume(crypto, opened, responders)).isNull();
      Handshakes.Consumed consumed = requireNonNull(consumed(initiation().message()));
      assertThat(Handshakes.respond(crypto, consumed, responders, NO_KEY, 1, hex("er_priv")))
          .isNull();
    }
    assertThat(initiatorsPeer.isUsable()).isTrue();
  }

  /** Whoever has a key of small order can make such an initiation without any private key. */
  @Test
  void H10_not_even_by_the_zero_secret() {
    byte[] low = hex("x25519_low_1");
    byte[] ephemeral = crypto.publicKey(hex("ei_priv"));
    SymmetricState state = SymmetricState.start(crypto, responder.startHash());
    state.mixEphemeral(ephemeral);
    byte[] key =
        requireNonNull(state.mixAgreementForCipher(hex("ei_priv"), responder.publicKey().bytes()));
    byte[] message = initiation().message();
    byte[] sealedStatic = state.seal(key, low);
    byte[] sealedStamp = state.seal(state.mixKeyForCipher(new byte[32]), hex("timestamp"));
    System.arraycopy(sealedStatic, 0, message, STATIC_AT, sealedStatic.length);
    System.arraycopy(sealedStamp, 0, message, STATIC_AT + 48, sealedStamp.length);

    Handshakes.Opened opened = requireNonNull(Handshakes.open(crypto, responder, message));
    assertThat(opened.initiator()).isEqualTo(PublicKey.of(low));
    PeerIdentity peer = PeerIdentity.of(crypto, responder, PublicKey.of(low));
    assertThat(Handshakes.consume(crypto, opened, peer)).isNull();
  }

  @Test
  void other_types_and_lengths_are_silence() {
    Handshakes.Initiation initiation = initiation();
    byte[] message = initiation.message();
    byte[] response = response(message, NO_KEY).message();
    for (int length = 0; length < 200; length++) {
      if (length != message.length) {
        assertThat(Handshakes.open(crypto, responder, Arrays.copyOf(message, length))).isNull();
      }
      if (length != response.length) {
        assertThat(finished(initiation, Arrays.copyOf(response, length))).isNull();
      }
    }
    for (int bit = 0; bit < 32; bit++) {
      assertThat(Handshakes.open(crypto, responder, flipped(message, bit))).isNull();
      assertThat(finished(initiation, flipped(response, bit))).isNull();
    }
  }

  @Test
  void macs_are_not_looked_at() {
    Handshakes.Initiation initiation = initiation();
    byte[] message = initiation.message();
    Arrays.fill(message, INITIATION_END, message.length, (byte) 0x5a);
    byte[] response = response(message, NO_KEY).message();
    Arrays.fill(response, RESPONSE_END, response.length, (byte) 0x5a);
    assertThat(finished(initiation, response)).isNotNull();
  }

  @Test
  void what_a_step_is_handed_stays_as_it_is() {
    byte[] ephemeral = new byte[32];
    Arrays.fill(ephemeral, (byte) 0xff);
    byte[] stamp = hex("timestamp");
    Handshakes.Initiation initiation =
        requireNonNull(Handshakes.initiate(crypto, initiator, initiatorsPeer, 1, stamp, ephemeral));
    byte[] message = initiation.message();
    byte[] before = message.clone();
    Handshakes.Opened opened = requireNonNull(Handshakes.open(crypto, responder, message));
    Handshakes.Consumed consumed =
        requireNonNull(Handshakes.consume(crypto, opened, respondersPeer));
    Handshakes.Consumed again = requireNonNull(Handshakes.consume(crypto, opened, respondersPeer));
    byte[] first =
        requireNonNull(Handshakes.respond(crypto, consumed, respondersPeer, NO_KEY, 2, ephemeral))
            .message();
    byte[] second =
        requireNonNull(Handshakes.respond(crypto, again, respondersPeer, NO_KEY, 2, ephemeral))
            .message();
    byte[] third =
        requireNonNull(Handshakes.respond(crypto, consumed, respondersPeer, NO_KEY, 2, ephemeral))
            .message();
    TransportKeys keys = requireNonNull(finished(initiation, first));
    TransportKeys same = requireNonNull(finished(initiation, first));

    assertThat(second).isEqualTo(first);
    assertThat(third).isEqualTo(first);
    assertThat(same.send()).isEqualTo(keys.send());
    assertThat(message).isEqualTo(before);
    assertThat(stamp).isEqualTo(hex("timestamp"));
    assertThat(ephemeral).containsOnly(0xff);
    assertThat(initiatorsPeer.staticSecret()).isEqualTo(hex("i_ss"));
    assertThat(initiatorsPeer.startHash()).isEqualTo(hex("i_h_rs"));
    assertThat(initiator.privateBytes()).isEqualTo(hex("si_priv"));
  }

  @Test
  void what_is_erased_leads_nowhere() {
    Handshakes.Initiation initiation = initiation();
    byte[] message = initiation.message();
    byte[] response = response(message, NO_KEY).message();
    initiation.erase();
    assertThat(initiation.state().chainingKey()).containsOnly(0);
    assertThat(initiation.state().hash()).containsOnly(0);
    assertThat(finished(initiation, response)).isNull();

    Handshakes.Opened opened = requireNonNull(Handshakes.open(crypto, responder, message));
    opened.erase();
    assertThat(opened.state().chainingKey()).containsOnly(0);
    assertThat(Handshakes.consume(crypto, opened, respondersPeer)).isNull();

    Handshakes.Consumed consumed = requireNonNull(consumed(message));
    consumed.erase();
    assertThat(consumed.state().chainingKey()).containsOnly(0);
    assertThat(Handshakes.respond(crypto, consumed, respondersPeer, NO_KEY, 1, hex("er_priv")))
        .isNull();

    TransportKeys keys = response(message, NO_KEY).keys();
    keys.erase();
    assertThat(keys.send()).containsOnly(0);
    assertThat(keys.receive()).containsOnly(0);
  }

  /**
   * What is left of an erased initiation is known to everybody, so that a response to it could be
   * made by somebody who has no private key: but for the mark that it is erased, this one is right.
   */
  @Test
  void a_response_to_the_zeros_of_an_erased_initiation_is_refused() {
    Handshakes.Initiation initiation = initiation();
    initiation.erase();
    byte[] forger = hex("er_priv");
    SymmetricState state = initiation.state().copy(crypto);
    state.mixEphemeral(crypto.publicKey(forger));
    state.mixAgreement(forger, crypto.publicKey(new byte[32]));
    state.mixAgreement(forger, initiator.publicKey().bytes());
    byte[] tag = state.seal(state.mixPresharedKey(NO_KEY), new byte[0]);
    byte[] response = new byte[92];
    response[0] = 2;
    System.arraycopy(initiation.message(), 4, response, 8, 4);
    System.arraycopy(crypto.publicKey(forger), 0, response, RESPONSE_EPHEMERAL_AT, 32);
    System.arraycopy(tag, 0, response, EMPTY_AT, tag.length);

    assertThat(finished(initiation, response)).isNull();
  }

  @Test
  void misuse_is_refused() {
    assertThatThrownBy(() -> Identity.of(crypto, PrivateKey.of(new byte[32])))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() ->
            Handshakes.initiate(crypto, initiator, initiatorsPeer, 1, new byte[11], hex("ei_priv")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() ->
            Handshakes.initiate(
                crypto, initiator, initiatorsPeer, 1, hex("timestamp"), new byte[31]))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
