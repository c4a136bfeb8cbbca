package io.vnet.benchmarks.relay;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.KeyPair;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.noise.Handshakes;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Macs;
import io.vnet.tunnel.noise.PeerIdentity;
import io.vnet.tunnel.noise.Tai64n;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Objects;

/**
 * How many handshakes a responder can answer on one core: all that it does from the initiation to
 * the response and its keys, mac1 and mac2 included; each with new ephemeral keys.
 */
final class HandshakeRate {
  private static final Duration WARM_UP = Duration.ofSeconds(3);
  private static final Duration MEASURED = Duration.ofSeconds(3);

  /** Made before, as they are the initiator's work. */
  private static final int INITIATIONS = 64;

  private final Crypto crypto;
  private final SecureRandom random = new SecureRandom();
  private final PresharedKey presharedKey = PresharedKey.of(new byte[PresharedKey.BYTES]);
  private final Identity responder;
  private final PeerIdentity initiatorAsPeer;
  private final byte[][] initiations = new byte[INITIATIONS][];

  HandshakeRate(Crypto crypto) {
    this.crypto = crypto;
    KeyPair responderKeys = KeyPair.generate();
    KeyPair initiatorKeys = KeyPair.generate();
    responder = Identity.of(crypto, responderKeys.privateKey());
    Identity initiator = Identity.of(crypto, initiatorKeys.privateKey());
    PeerIdentity responderAsPeer = PeerIdentity.of(crypto, initiator, responderKeys.publicKey());
    initiatorAsPeer = PeerIdentity.of(crypto, responder, initiatorKeys.publicKey());
    for (int i = 0; i < INITIATIONS; i++) {
      Handshakes.Initiation initiation =
          Objects.requireNonNull(
              Handshakes.initiate(
                  crypto, initiator, responderAsPeer, i, Tai64n.of(i * 1_000_000_000L), fresh()));
      byte[] message = initiation.message();
      Macs.sign(crypto, responderAsPeer, message);
      initiations[i] = message;
    }
  }

  private byte[] fresh() {
    byte[] bytes = new byte[Crypto.KEY_BYTES];
    random.nextBytes(bytes);
    return bytes;
  }

  /** Answers for some seconds. */
  double perSecond(boolean quick) {
    run(quick ? Duration.ZERO : WARM_UP);
    return run(quick ? Duration.ZERO : MEASURED);
  }

  private double run(Duration length) {
    long began = System.nanoTime();
    long answered = 0;
    do {
      answer(initiations[(int) (answered % INITIATIONS)]);
      answered++;
    } while (System.nanoTime() - began < length.toNanos());
    return answered * 1e9 / (System.nanoTime() - began);
  }

  private void answer(byte[] message) {
    if (!Macs.isSigned(crypto, responder, message)) {
      throw new IllegalStateException("mac1 of an initiation is wrong");
    }
    Handshakes.Opened opened = Objects.requireNonNull(Handshakes.open(crypto, responder, message));
    if (!opened.initiator().equals(initiatorAsPeer.publicKey())) {
      throw new IllegalStateException("another initiator");
    }
    Handshakes.Consumed consumed =
        Objects.requireNonNull(Handshakes.consume(crypto, opened, initiatorAsPeer));
    Handshakes.Response response =
        Objects.requireNonNull(
            Handshakes.respond(crypto, consumed, initiatorAsPeer, presharedKey, 7, fresh()));
    byte[] answer = response.message();
    Macs.sign(crypto, initiatorAsPeer, answer);
    consumed.erase();
    response.keys().erase();
    Arrays.fill(answer, (byte) 0);
  }
}
