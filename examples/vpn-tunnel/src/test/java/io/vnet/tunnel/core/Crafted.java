package io.vnet.tunnel.core;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.noise.Cookies;
import io.vnet.tunnel.noise.Handshakes;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Macs;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.noise.PeerIdentity;
import io.vnet.tunnel.noise.Tai64n;
import java.util.Objects;

/** Handshake messages that a core would not make, by somebody who has a node's keys. */
final class Crafted {
  private Crafted() {}

  /** One node as another sees it. */
  static PeerIdentity identity(TunnelSim.Node of, TunnelSim.Node seenBy) {
    return PeerIdentity.of(
        of.crypto(), Identity.of(of.crypto(), seenBy.privateKey()), of.publicKey());
  }

  /** An initiation with its mac1. */
  static byte[] initiation(TunnelSim sim, TunnelSim.Node from, TunnelSim.Node to, byte[] stamp) {
    Crypto crypto = from.crypto();
    byte[] ephemeral = new byte[Crypto.KEY_BYTES];
    sim.random().nextBytes(ephemeral);
    byte[] message =
        Objects.requireNonNull(
                Handshakes.initiate(
                    crypto,
                    Identity.of(crypto, from.privateKey()),
                    identity(to, from),
                    sim.random().nextInt(),
                    stamp,
                    ephemeral))
            .message();
    return signed(message, from, to);
  }

  /** An initiation with the stamp of now and so many steps of 2^24 ns. */
  static byte[] initiation(TunnelSim sim, TunnelSim.Node from, TunnelSim.Node to, int steps) {
    return initiation(sim, from, to, Tai64n.of(sim.unixNanos() + ((long) steps << 24)));
  }

  /** With mac1 made anew; the same array. */
  static byte[] signed(byte[] message, TunnelSim.Node from, TunnelSim.Node to) {
    Macs.sign(from.crypto(), identity(to, from), message);
    return message;
  }

  /** With mac2 of the cookie in a reply to this very message; the same array. */
  static byte[] signedWithCookie(
      byte[] message, byte[] reply, byte[] refused, TunnelSim.Node from, TunnelSim.Node to) {
    Macs.signWithCookie(from.crypto(), cookie(reply, refused, from, to), message);
    return message;
  }

  /** The cookie in a reply to a message. */
  static byte[] cookie(byte[] reply, byte[] refused, TunnelSim.Node from, TunnelSim.Node to) {
    return Objects.requireNonNull(
        Cookies.open(from.crypto(), identity(to, from), Macs.mac1(refused), reply));
  }

  /** What looks like an initiation to somebody who does not look at it. */
  static byte[] junk(TunnelSim sim) {
    byte[] message = new byte[Messages.INITIATION_BYTES];
    sim.random().nextBytes(message);
    message[0] = Messages.INITIATION;
    message[1] = 0;
    message[2] = 0;
    message[3] = 0;
    return message;
  }

  /** A copy with one bit flipped. */
  static byte[] flipped(byte[] message, int bit) {
    byte[] copy = message.clone();
    copy[bit >> 3] ^= (byte) (1 << (bit & 7));
    return copy;
  }

  /** Has a node find that more messages wait than it likes; it is under load for a second then. */
  static void load(TunnelSim sim, TunnelSim.Node node) {
    node.holdWorks();
    for (int i = 0; i <= TunnelCore.WAITING_UNDER_LOAD; i++) {
      sim.inject(node.endpoint(), node, junk(sim));
    }
    node.doHeldWorks();
  }
}
