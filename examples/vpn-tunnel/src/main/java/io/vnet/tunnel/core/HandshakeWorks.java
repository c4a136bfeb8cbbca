package io.vnet.tunnel.core;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Cookies;
import io.vnet.tunnel.noise.Handshakes;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Macs;
import io.vnet.tunnel.noise.PeerIdentity;
import io.vnet.tunnel.noise.RateLimiter;
import io.vnet.tunnel.noise.TransportKeys;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.Arrays;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The works of one core and what they come to.
 *
 * <p><b>Threads:</b> works are made on the core's thread and run on any. They see what is handed to
 * them (immutable values, and arrays that nobody else writes to) and what is safe on any thread:
 * crypto, entropy, drops, the rate limiter, the peers by key and the count of waiting messages. The
 * secrets of an initiation may be erased while its response is being looked at: then the response
 * does not open, or its result finds that nobody waits for it.
 */
@SuppressWarnings("ArrayRecordComponent") // Nobody compares what is carried here.
final class HandshakeWorks {
  private final Crypto crypto;
  private final Entropy entropy;
  private final Drops drops;
  private final RateLimiter limiter;
  private final ConcurrentMap<PublicKey, Peer> peers;
  private final AtomicInteger waiting = new AtomicInteger();

  /** Of the last message under load: a flood comes from few places, or costs a cookie each. */
  private volatile @Nullable KnownCookie lastCookie;

  HandshakeWorks(
      Crypto crypto,
      Entropy entropy,
      Drops drops,
      RateLimiter limiter,
      ConcurrentMap<PublicKey, Peer> peers) {
    this.crypto = crypto;
    this.entropy = entropy;
    this.drops = drops;
    this.limiter = limiter;
    this.peers = peers;
  }

  /** A message under load without its cookie. */
  record CookieReply(byte[] message, Endpoint to) implements HandshakeResult {}

  /** An authentic initiation, perhaps a replayed one. */
  record InitiationConsumed(Identity own, Peer peer, Handshakes.Consumed consumed, Endpoint from)
      implements HandshakeResult {
    @Override
    public void erase() {
      consumed.erase();
    }
  }

  /** The response to an initiation, signed; null: there can be none. */
  record ResponseMade(PendingHandshake handshake, @Nullable Response response)
      implements HandshakeResult {
    @Override
    public void erase() {
      if (response != null) {
        response.keys().erase();
      }
    }
  }

  /** A response's message and the responder's keys. */
  record Response(byte[] message, TransportKeys keys) {}

  /** An initiation of one's own, signed; null: the peer's key allows none. */
  record InitiationMade(PendingHandshake handshake, @Nullable Initiation initiation)
      implements HandshakeResult {
    @Override
    public void erase() {
      if (initiation != null) {
        initiation.secrets().erase();
      }
    }
  }

  /** An initiation's message and what its sender keeps. */
  record Initiation(byte[] message, Handshakes.Initiation secrets) {}

  /** An authentic response. */
  record HandshakeFinished(PendingHandshake handshake, TransportKeys keys, Endpoint from)
      implements HandshakeResult {
    @Override
    public void erase() {
      keys.erase();
    }
  }

  /** A cookie that answers to a mac1. */
  record CookieWon(Peer peer, byte[] mac1, byte[] cookie) implements HandshakeResult {
    @Override
    public void erase() {
      Arrays.fill(cookie, (byte) 0);
    }
  }

  /**
   * What load asks of initiations and responses.
   *
   * @param cookieSecret 32 bytes
   * @param now of the messages' reception
   */
  record Load(byte[] cookieSecret, long now) {}

  /** How many received messages were given out and are not done. */
  int waiting() {
    return waiting.get();
  }

  /** Whether a message has the cookie of its source; safe on any thread. */
  boolean hasCookie(byte[] message, Endpoint from, Load load) {
    return Cookies.isSigned(crypto, cookie(load.cookieSecret(), from), message);
  }

  /** To open an initiation. */
  HandshakeWork initiationReceived(
      byte[] message, Endpoint from, Identity own, @Nullable Load load) {
    return new Received() {
      @Override
      @Nullable HandshakeResult open() {
        HandshakeResult reply = admit(message, from, own, load);
        return reply != null || !admitted ? reply : consume(message, from, own);
      }
    };
  }

  /** To open the response to a handshake that waits for it. */
  HandshakeWork responseReceived(
      byte[] message,
      Endpoint from,
      PendingHandshake handshake,
      Handshakes.Initiation initiation,
      PresharedKey presharedKey,
      Identity own,
      @Nullable Load load) {
    return new Received() {
      @Override
      @Nullable HandshakeResult open() {
        HandshakeResult reply = admit(message, from, own, load);
        if (reply != null || !admitted) {
          return reply;
        }
        TransportKeys keys = Handshakes.finish(crypto, own, initiation, presharedKey, message);
        if (keys == null) {
          drops.count(TunnelDrop.BAD_HANDSHAKE, 1);
          return null;
        }
        return new HandshakeFinished(handshake, keys, from);
      }
    };
  }

  /** To open the reply to a message with this mac1. */
  HandshakeWork cookieReceived(byte[] message, Peer peer, LazyPeerIdentity identity, byte[] mac1) {
    return new Received() {
      @Override
      @Nullable HandshakeResult open() {
        byte[] cookie = Cookies.open(crypto, identity.get(crypto), mac1, message);
        if (cookie == null) {
          drops.count(TunnelDrop.BAD_COOKIE, 1);
          return null;
        }
        return new CookieWon(peer, mac1, cookie);
      }
    };
  }

  /** To make an initiation; the cookie is null if none is held. */
  HandshakeWork initiation(
      PendingHandshake handshake,
      LazyPeerIdentity identity,
      byte[] timestamp,
      byte @Nullable [] cookie) {
    return () -> {
      PeerIdentity peer = identity.get(crypto);
      byte[] ephemeral = random(Crypto.KEY_BYTES);
      Handshakes.Initiation initiation =
          Handshakes.initiate(
              crypto, identity.own(), peer, handshake.localIndex(), timestamp, ephemeral);
      Arrays.fill(ephemeral, (byte) 0);
      return new InitiationMade(
          handshake,
          initiation == null
              ? null
              : new Initiation(signed(initiation.message(), peer, cookie), initiation));
    };
  }

  /** To answer an initiation; the cookie is null if none is held. */
  HandshakeWork response(
      PendingHandshake handshake,
      LazyPeerIdentity identity,
      Handshakes.Consumed consumed,
      PresharedKey presharedKey,
      byte @Nullable [] cookie) {
    return new HandshakeWork() {
      @Override
      public HandshakeResult run() {
        PeerIdentity peer = identity.get(crypto);
        byte[] ephemeral = random(Crypto.KEY_BYTES);
        Handshakes.Response response =
            Handshakes.respond(
                crypto, consumed, peer, presharedKey, handshake.localIndex(), ephemeral);
        Arrays.fill(ephemeral, (byte) 0);
        consumed.erase();
        return new ResponseMade(
            handshake,
            response == null
                ? null
                : new Response(signed(response.message(), peer, cookie), response.keys()));
      }

      @Override
      public void erase() {
        consumed.erase();
      }
    };
  }

  /** A cookie, and whose it is under which secret. */
  private record KnownCookie(byte[] secret, Endpoint from, byte[] cookie) {}

  @SuppressWarnings("ReferenceEquality") // A secret is the one array of the core's.
  private byte[] cookie(byte[] secret, Endpoint from) {
    KnownCookie last = lastCookie;
    if (last != null && last.secret() == secret && last.from().equals(from)) {
      return last.cookie();
    }
    byte[] cookie = Cookies.of(crypto, secret, from);
    lastCookie = new KnownCookie(secret, from, cookie);
    return cookie;
  }

  private byte[] signed(byte[] message, PeerIdentity receiver, byte @Nullable [] cookie) {
    Macs.sign(crypto, receiver, message);
    if (cookie != null) {
      Macs.signWithCookie(crypto, cookie, message);
    }
    return message;
  }

  private byte[] random(int bytes) {
    byte[] random = new byte[bytes];
    entropy.fill(random);
    return random;
  }

  private @Nullable HandshakeResult consume(byte[] message, Endpoint from, Identity own) {
    Handshakes.Opened opened = Handshakes.open(crypto, own, message);
    if (opened == null) {
      drops.count(TunnelDrop.BAD_HANDSHAKE, 1);
      return null;
    }
    Peer peer = peers.get(opened.initiator());
    if (peer == null) {
      opened.erase();
      drops.count(TunnelDrop.UNKNOWN_PEER, 1);
      return null;
    }
    LazyPeerIdentity identity = peer.identity();
    Handshakes.Consumed consumed =
        identity != null && identity.own() == own && identity.get(crypto).isUsable()
            ? Handshakes.consume(crypto, opened, identity.get(crypto))
            : null;
    opened.erase();
    if (consumed == null) {
      drops.count(TunnelDrop.BAD_HANDSHAKE, 1);
      return null;
    }
    return new InitiationConsumed(own, peer, consumed, from);
  }

  /** A received message; it waits from when it is made until it is done. */
  private abstract class Received implements HandshakeWork {
    /** Whether {@link #admit} let the message pass. */
    boolean admitted;

    Received() {
      waiting.incrementAndGet();
    }

    abstract @Nullable HandshakeResult open();

    @Override
    public final @Nullable HandshakeResult run() {
      try {
        return open();
      } finally {
        waiting.decrementAndGet();
      }
    }

    /**
     * mac1 and, under load, mac2 and the address's rate: no peer is looked up, and no key agreed
     * on, for a message that these refuse.
     *
     * @return the reply to a message without its cookie; null: it is admitted, or there is none
     */
    @Nullable HandshakeResult admit(
        byte[] message, Endpoint from, Identity own, @Nullable Load load) {
      if (!Macs.isSigned(crypto, own, message)) {
        drops.count(TunnelDrop.BAD_MAC1, 1);
        return null;
      }
      if (load != null) {
        byte[] cookie = cookie(load.cookieSecret(), from);
        if (!Cookies.isSigned(crypto, cookie, message)) {
          byte[] nonce = random(Crypto.NONCE_BYTES);
          return new CookieReply(Cookies.reply(crypto, own, cookie, message, nonce), from);
        }
        if (!limiter.isAllowed(from.address(), load.now())) {
          drops.count(TunnelDrop.RATE_LIMITED, 1);
          return null;
        }
      }
      admitted = true;
      return null;
    }
  }
}
