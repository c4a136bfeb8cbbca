package io.vnet.tunnel.core;

import static io.vnet.api.header.HeaderFields.IPV4_DESTINATION;
import static io.vnet.api.header.HeaderFields.IPV4_SOURCE;
import static io.vnet.api.header.HeaderFields.IPV6_DESTINATION;
import static io.vnet.api.header.HeaderFields.IPV6_SOURCE;

import io.vnet.api.address.Endpoint;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.header.Ipv6View;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Handshakes;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Macs;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.noise.RateLimiter;
import io.vnet.tunnel.routing.AllowedIps;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * The protocol of one tunnel. See the package for threads.
 *
 * <p>Handshakes go through works, so that no key is agreed on, on the packets' thread:
 *
 * <pre>
 *   expire:   begin a handshake --InitiationMade--> send, wait for the response
 *   handshake(initiation)       --InitiationConsumed--> replay and flood rules, begin a handshake
 *                               --ResponseMade--> keypair is "next", send
 *   handshake(response)         --HandshakeFinished--> keypair is "current", send what is staged
 *   handshake(cookie reply)     --CookieWon--> keep for the next handshake message
 *   handshake(any, under load)  --CookieReply--> send
 * </pre>
 *
 * <p>All decisions fall here on the core's thread, when a work is given out and when its result
 * comes back; a result is void if what it was made for ({@link PendingHandshake}, the private key,
 * the peer) is no longer there.
 *
 * <p><b>Cost:</b> {@code keypair}, {@code byDestination} and {@code bySource} allocate nothing and
 * take no lock.
 */
public final class TunnelCore {
  /** How many received handshake messages wait at most. */
  static final int WAITING_MAX = 1024;

  /** How many of them are load: an eighth. */
  static final int WAITING_UNDER_LOAD = WAITING_MAX / 8;

  private static final int LIMITED_ADDRESSES = 65_536;

  /** Of all peers together: what traffic into ten thousand dead tunnels may cost. */
  private static final long STAGED_BYTES_MAX = 64L << 20;

  private static final PresharedKey NO_PRESHARED_KEY =
      PresharedKey.of(new byte[PresharedKey.BYTES]);

  private final Crypto crypto;
  private final CoreOutput output;
  private final Drops drops = new Drops();
  private final AllowedIps<Peer> allowedIps = new AllowedIps<>();
  private final IndexTable indexes;

  /** In the order in which they were made. */
  private final Map<PublicKey, Peer> peers = new LinkedHashMap<>();

  /** The same, for works. */
  private final ConcurrentMap<PublicKey, Peer> peersByKey = new ConcurrentHashMap<>();

  private final HandshakeWorks works;
  private final HandshakeLoad load;
  private final Jitter jitter;

  private @Nullable PrivateKey privateKey;
  private @Nullable Identity identity;
  private boolean up;
  private long stagedBytes;

  /** What turns a monotonic time into one of the wall clock; renewed whenever both are given. */
  private long unixMinusNow;

  /**
   * @param crypto whose primitives are used
   * @param entropy for keys, indices and jitter
   * @param output where decisions go
   */
  public TunnelCore(Crypto crypto, Entropy entropy, CoreOutput output) {
    this.crypto = crypto;
    this.output = output;
    this.indexes = new IndexTable(entropy);
    this.works =
        new HandshakeWorks(crypto, entropy, drops, new RateLimiter(LIMITED_ADDRESSES), peersByKey);
    this.load = new HandshakeLoad(entropy, WAITING_UNDER_LOAD);
    this.jitter = new Jitter(entropy);
  }

  // Configuration.

  /**
   * Applies a change but for port and mark, which are the caller's; he has taken care of what can
   * fail before.
   *
   * @param now monotonic, in nanoseconds, as everywhere here
   */
  public void change(TunnelChange change, long now) {
    change.privateKey().ifPresent(key -> setPrivateKey(key, now));
    if (change.replacePeers()) {
      List.copyOf(peers.values()).forEach(this::remove);
    }
    Set<Peer> touched = new LinkedHashSet<>();
    Set<Peer> kept = new LinkedHashSet<>(); // Whose persistent keepalive was turned on.
    for (PeerChange peerChange : change.peers()) {
      apply(peerChange, now, touched, kept);
    }
    if (!up) {
      return;
    }
    for (Peer peer : touched) {
      if (peers.get(peer.publicKey()) != peer) {
        continue; // Removed by the same change.
      }
      if (!peer.isRunning()) {
        peer.start(now);
      } else if (kept.contains(peer) && peer.persistentKeepaliveSeconds() > 0) {
        peer.sendKeepalive(now);
      } else {
        peer.sendStaged(now);
      }
      peer.announce(now);
    }
  }

  private void apply(PeerChange change, long now, Set<Peer> touched, Set<Peer> kept) {
    PublicKey key = change.publicKey();
    if (identity != null && identity.publicKey().equals(key)) {
      return;
    }
    Peer peer = peers.get(key);
    if (change.remove()) {
      if (peer != null) {
        remove(peer);
      }
      return;
    }
    if (peer == null) {
      if (change.updateOnly()) {
        return;
      }
      peer = add(key, now);
    }
    change.presharedKey().ifPresent(peer::presharedKey);
    if (change.endpoint().isPresent()) {
      peer.endpoint(change.endpoint().get(), now);
    }
    if (change.persistentKeepalive().isPresent()) {
      int seconds = change.persistentKeepalive().getAsInt();
      if (peer.persistentKeepaliveSeconds() == 0 && seconds > 0) {
        kept.add(peer);
      }
      peer.persistentKeepaliveSeconds(seconds);
    }
    if (change.replaceAllowedIps()) {
      allowedIps.removeAll(peer);
    }
    for (PeerChange.AllowedIpChange allowedIp : change.allowedIps()) {
      if (allowedIp.remove()) {
        allowedIps.remove(allowedIp.prefix(), peer);
      } else {
        allowedIps.put(allowedIp.prefix(), peer);
      }
    }
    touched.add(peer);
  }

  private Peer add(PublicKey key, long now) {
    Peer peer = new Peer(this, key, NO_PRESHARED_KEY);
    peer.identity(identity, now);
    peers.put(key, peer);
    peersByKey.put(key, peer);
    output.added(peer);
    return peer;
  }

  private void remove(Peer peer) {
    peers.remove(peer.publicKey());
    peersByKey.remove(peer.publicKey());
    allowedIps.removeAll(peer);
    peer.stop();
    output.removed(peer);
  }

  private void setPrivateKey(PrivateKey key, long now) {
    PrivateKey newKey = key.isZero() ? null : key;
    if (newKey == null ? privateKey == null : newKey.equals(privateKey)) {
      return;
    }
    Identity newIdentity = newKey == null ? null : Identity.of(crypto, newKey);
    Peer self = newIdentity == null ? null : peers.get(newIdentity.publicKey());
    if (self != null) {
      remove(self);
    }
    privateKey = newKey;
    identity = newIdentity;
    load.forgetSecret();
    for (Peer peer : peers.values()) {
      peer.identity(newIdentity, now);
      peer.sendStaged(now);
      peer.announce(now);
    }
  }

  /** All but port and mark, which are the caller's and 0 here. */
  public TunnelStatus status() {
    List<PeerStatus> statuses = new ArrayList<>(peers.size());
    for (Peer peer : peers.values()) {
      statuses.add(status(peer));
    }
    return new TunnelStatus(Optional.ofNullable(privateKey), 0, 0, up, statuses, drops.snapshot());
  }

  private PeerStatus status(Peer peer) {
    long handshake = peer.lastHandshakeUnixNanos();
    return new PeerStatus(
        peer.publicKey(),
        peer.presharedKey().isZero() ? Optional.empty() : Optional.of(peer.presharedKey()),
        Optional.ofNullable(peer.endpoint()),
        handshake == 0
            ? Optional.empty()
            : Optional.of(
                Instant.ofEpochSecond(
                    Math.floorDiv(handshake, Protocol.SECOND),
                    Math.floorMod(handshake, Protocol.SECOND))),
        peer.sentBytes(),
        peer.receivedBytes(),
        peer.persistentKeepaliveSeconds(),
        allowedIps.of(peer));
  }

  /** Starts the peers: the outside port is open. */
  public void up(long now) {
    if (!up) {
      up = true;
      peers.values().forEach(peer -> peer.start(now));
    }
  }

  /** Stops the peers: keys are erased, staged packets dropped, timers off. */
  public void down(long now) {
    up = false;
    peers.values().forEach(Peer::stop);
  }

  /** The outside port was opened anew: own addresses in endpoints are forgotten. */
  public void outsideChanged() {
    peers.values().forEach(Peer::forgetSource);
  }

  /** What went nowhere; safe on any thread. */
  public Drops drops() {
    return drops;
  }

  // The packets' path.

  /** The keypair that one's own index names; null: none. Whether it is of use is its to say. */
  public @Nullable Keypair keypair(int localIndex) {
    return indexes.get(localIndex) instanceof Keypair keypair ? keypair : null;
  }

  /** Whose the destination of an IP packet is; null: nobody's, or no IP packet. */
  public @Nullable Peer byDestination(MemorySegment segment, long offset, int length) {
    return find(segment, offset, length, IPV4_DESTINATION, IPV6_DESTINATION);
  }

  /** Whose the source of an IP packet is; null: nobody's, or no IP packet. */
  public @Nullable Peer bySource(MemorySegment segment, long offset, int length) {
    return find(segment, offset, length, IPV4_SOURCE, IPV6_SOURCE);
  }

  private @Nullable Peer find(
      MemorySegment segment, long offset, int length, int place4, int place6) {
    if (length < Ipv4View.HEADER_BYTES) {
      return null;
    }
    int version = segment.get(ValueLayout.JAVA_BYTE, offset) >> 4 & 15;
    if (version == 4) {
      return allowedIps.find4(segment, offset + place4);
    }
    return version == 6 && length >= Ipv6View.HEADER_BYTES
        ? allowedIps.find6(segment, offset + place6)
        : null;
  }

  // Handshake messages.

  /** A message of type 1, 2 or 3 and of its right length, which is given away. */
  public void handshake(byte[] message, Endpoint from, long now, long unixNanos) {
    readClocks(now, unixNanos);
    int type = message.length < Messages.COOKIE_REPLY_BYTES ? 0 : word(message, 0);
    TunnelDrop refused =
        switch (type) {
          case Messages.INITIATION -> initiationReceived(message, from, now);
          case Messages.RESPONSE -> responseReceived(message, from, now);
          case Messages.COOKIE_REPLY -> cookieReceived(message);
          default -> TunnelDrop.MALFORMED;
        };
    if (refused != null) {
      drops.count(refused, 1);
    }
  }

  private @Nullable TunnelDrop initiationReceived(byte[] message, Endpoint from, long now) {
    if (message.length != Messages.INITIATION_BYTES) {
      return TunnelDrop.MALFORMED;
    }
    Identity own = identity;
    if (!up || own == null) {
      return TunnelDrop.BAD_HANDSHAKE;
    }
    HandshakeWorks.Load loaded = load.at(now, works.waiting());
    TunnelDrop refused = refusal(message, from, loaded);
    if (refused == null) {
      output.work(works.initiationReceived(message, from, own, loaded));
    }
    return refused;
  }

  private @Nullable TunnelDrop responseReceived(byte[] message, Endpoint from, long now) {
    if (message.length != Messages.RESPONSE_BYTES) {
      return TunnelDrop.MALFORMED;
    }
    if (!(indexes.get(word(message, 8)) instanceof PendingHandshake handshake)) {
      return TunnelDrop.UNKNOWN_INDEX;
    }
    Handshakes.Initiation initiation = handshake.initiation();
    Identity own = identity;
    if (initiation == null || own == null) {
      return TunnelDrop.UNKNOWN_INDEX;
    }
    HandshakeWorks.Load loaded = load.at(now, works.waiting());
    TunnelDrop refused = refusal(message, from, loaded);
    if (refused == null) {
      output.work(
          works.responseReceived(
              message, from, handshake, initiation, handshake.peer().presharedKey(), own, loaded));
    }
    return refused;
  }

  private @Nullable TunnelDrop cookieReceived(byte[] message) {
    if (message.length != Messages.COOKIE_REPLY_BYTES) {
      return TunnelDrop.MALFORMED;
    }
    Peer peer =
        switch (indexes.get(word(message, 4))) {
          case PendingHandshake handshake -> handshake.peer();
          case Keypair keypair -> keypair.peer();
          case null, default -> null;
        };
    LazyPeerIdentity seen = peer == null ? null : peer.identity();
    byte[] mac1 = peer == null ? null : peer.lastMac1Sent();
    if (peer == null || seen == null || mac1 == null) {
      return TunnelDrop.BAD_COOKIE;
    }
    if (works.waiting() >= WAITING_MAX) {
      return TunnelDrop.HANDSHAKE_QUEUE_FULL;
    }
    output.work(works.cookieReceived(message, peer, seen, mac1));
    return null;
  }

  /**
   * Why a message is not even looked at; null: it is. Under load nobody has more than his source's
   * share of the looking but by a cookie, which is tried here only when the share is used up.
   */
  private @Nullable TunnelDrop refusal(
      byte[] message, Endpoint from, HandshakeWorks.@Nullable Load now) {
    if (works.waiting() >= WAITING_MAX) {
      return TunnelDrop.HANDSHAKE_QUEUE_FULL;
    }
    if (now == null || load.hasShare(from.address(), now) || works.hasCookie(message, from, now)) {
      return null;
    }
    load.goesOn(now);
    return TunnelDrop.RATE_LIMITED;
  }

  /** What a work came to. */
  public void complete(HandshakeResult result, long now, long unixNanos) {
    readClocks(now, unixNanos);
    switch (result) {
      case HandshakeWorks.CookieReply reply -> complete(reply);
      case HandshakeWorks.InitiationConsumed consumed -> complete(consumed, now);
      case HandshakeWorks.ResponseMade made -> complete(made, now);
      case HandshakeWorks.InitiationMade made -> complete(made, now);
      case HandshakeWorks.HandshakeFinished finished -> complete(finished, now);
      case HandshakeWorks.CookieWon won -> complete(won, now);
    }
  }

  private void complete(HandshakeWorks.CookieReply reply) {
    drops.count(TunnelDrop.COOKIE_SENT, 1);
    if (up) {
      output.send(reply.message(), reply.to());
    }
  }

  private void complete(HandshakeWorks.InitiationConsumed result, long now) {
    Handshakes.Consumed consumed = result.consumed();
    Peer peer = result.peer();
    LazyPeerIdentity seen = peer.identity();
    if (!peer.isRunning() || seen == null || seen.own() != result.own()) {
      consumed.erase();
      drops.count(TunnelDrop.BAD_HANDSHAKE, 1);
      return;
    }
    TunnelDrop refused = peer.takeInitiation(consumed.timestamp(), now);
    if (refused != null) {
      consumed.erase();
      drops.count(refused, 1);
      return;
    }
    peer.handshakeMessageReceived(Messages.INITIATION_BYTES, result.from(), now);
    PendingHandshake handshake = peer.beginHandshake(now);
    peer.handshakeSent(now);
    output.work(works.response(handshake, seen, consumed, peer.presharedKey(), peer.cookie(now)));
    peer.announce(now);
  }

  private void complete(HandshakeWorks.ResponseMade made, long now) {
    PendingHandshake handshake = made.handshake();
    HandshakeWorks.Response response = made.response();
    Peer peer = handshake.peer();
    if (peer.handshake() != handshake) {
      if (response != null) {
        response.keys().erase();
      }
      return;
    }
    Endpoint endpoint = peer.endpoint();
    if (response == null || endpoint == null) {
      peer.endHandshake();
      return;
    }
    Keypair keypair = Keypair.of(crypto, peer, response.keys(), false, now);
    indexes.put(handshake.localIndex(), keypair);
    peer.becomeNext(keypair, now);
    peer.handshakeSent(now);
    peer.anySent(now);
    send(peer, response.message(), endpoint);
    peer.announce(now);
  }

  private void complete(HandshakeWorks.InitiationMade made, long now) {
    PendingHandshake handshake = made.handshake();
    HandshakeWorks.Initiation initiation = made.initiation();
    Peer peer = handshake.peer();
    if (peer.handshake() != handshake) {
      if (initiation != null) {
        initiation.secrets().erase();
      }
      return;
    }
    Endpoint endpoint = peer.endpoint();
    if (initiation == null || endpoint == null) {
      peer.endHandshake();
      return;
    }
    handshake.waitsFor(initiation.secrets());
    peer.initiated(now);
    peer.anySent(now);
    send(peer, initiation.message(), endpoint);
    peer.announce(now);
  }

  private void complete(HandshakeWorks.HandshakeFinished finished, long now) {
    PendingHandshake handshake = finished.handshake();
    Peer peer = handshake.peer();
    if (peer.handshake() != handshake) {
      finished.keys().erase();
      drops.count(TunnelDrop.UNKNOWN_INDEX, 1);
      return;
    }
    peer.handshakeMessageReceived(Messages.RESPONSE_BYTES, finished.from(), now);
    Keypair keypair = Keypair.of(crypto, peer, finished.keys(), true, now);
    indexes.put(handshake.localIndex(), keypair);
    handshake.erase();
    peer.becomeCurrent(keypair, now);
    peer.handshakeComplete(unixNanos(now));
    peer.sendKeepalive(now); // Or what is staged: the other side waits for one message.
    peer.announce(now);
  }

  private void complete(HandshakeWorks.CookieWon won, long now) {
    if (!won.peer().takeCookie(won.mac1(), won.cookie(), now)) {
      drops.count(TunnelDrop.BAD_COOKIE, 1);
    }
  }

  private void send(Peer peer, byte[] message, Endpoint to) {
    peer.handshakeMessageSent(message.length, Macs.mac1(message));
    output.send(message, to);
  }

  // Timers.

  /** A peer's deadline has come; too early does no harm. */
  public void expire(Peer peer, long now, long unixNanos) {
    readClocks(now, unixNanos);
    PeerTimers timers = peer.timers();
    long due = timers.earliest();
    while (due <= now && peer.isRunning()) {
      expire(peer, timers, due, now);
      due = timers.earliest();
    }
    peer.announce(now);
  }

  /** The first that is due; each is off before it acts, and is not armed again for the past. */
  private void expire(Peer peer, PeerTimers timers, long due, long now) {
    if (timers.beginHandshake == due) {
      timers.beginHandshake = PeerTimers.OFF;
      if (!peer.mustNotInitiate(now)) {
        initiate(peer, now);
      }
    } else if (timers.retransmit == due) {
      timers.retransmit = PeerTimers.OFF;
      retransmit(peer, now);
    } else if (timers.keepalive == due) {
      timers.keepalive = PeerTimers.OFF;
      peer.keepaliveDue(now);
    } else if (timers.newHandshake == due) {
      timers.newHandshake = PeerTimers.OFF;
      peer.forgetSource();
      peer.wantHandshake(now);
    } else if (timers.persistentKeepalive == due) {
      timers.persistentKeepalive =
          now + peer.persistentKeepaliveSeconds() * Protocol.SECOND; // If nothing can be sent.
      peer.sendKeepalive(now);
    } else {
      timers.zeroKeys = PeerTimers.OFF;
      peer.eraseKeys();
    }
  }

  private void retransmit(Peer peer, long now) {
    if (peer.attempts() > Protocol.ATTEMPTS_MAX) {
      peer.giveUp(now);
    } else if (peer.mustNotInitiate(now)) {
      peer.timers().retransmit = peer.nextAttempt(now);
    } else {
      peer.countAttempt();
      peer.forgetSource();
      initiate(peer, now);
    }
  }

  private void initiate(Peer peer, long now) {
    LazyPeerIdentity seen = peer.identity();
    if (seen == null) {
      return;
    }
    peer.initiated(now);
    if (peer.endpoint() == null) {
      peer.anySent(now);
      drops.count(TunnelDrop.NO_ENDPOINT, 1);
      return;
    }
    PendingHandshake handshake = peer.beginHandshake(now);
    output.work(
        works.initiation(handshake, seen, peer.nextStamp(unixNanos(now)), peer.cookie(now)));
  }

  // For peers.

  CoreOutput output() {
    return output;
  }

  IndexTable indexes() {
    return indexes;
  }

  /** 0 to 333 ms, in nanoseconds. */
  long jitter() {
    return jitter.nextNanos();
  }

  /** The wall clock's time, in nanoseconds since 1970, at a monotonic one. */
  long unixNanos(long now) {
    return now + unixMinusNow;
  }

  boolean mayStage(int bytes) {
    return stagedBytes + bytes <= STAGED_BYTES_MAX;
  }

  void staged(int bytes) {
    stagedBytes += bytes;
  }

  void unstaged(int bytes) {
    stagedBytes -= bytes;
  }

  private void readClocks(long now, long unixNanos) {
    unixMinusNow = unixNanos - now;
  }

  private static int word(byte[] message, int offset) {
    return (message[offset] & 255)
        | (message[offset + 1] & 255) << 8
        | (message[offset + 2] & 255) << 16
        | (message[offset + 3] & 255) << 24;
  }
}
