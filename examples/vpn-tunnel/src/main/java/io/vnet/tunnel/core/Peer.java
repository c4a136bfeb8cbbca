package io.vnet.tunnel.core;

import io.vnet.api.address.Endpoint;
import io.vnet.api.packet.Packet;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Tai64n;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The other end: its handshake, keypair slots, timers, endpoint and staged packets. Times are
 * monotonic, in nanoseconds.
 *
 * <p><b>Sending</b> a batch's packets for one peer: {@link #beginSending}; a keypair: one {@link
 * Keypair#takeCounter} a packet, then {@link #sent} once; none, or no counter left: {@link #stage}
 * each packet.
 *
 * <p><b>Sending what is staged</b>, at {@link CoreOutput#flush}: {@link #beginSending}; a keypair:
 * {@link #takeKeepalive} and an empty message if it says so; then, while there are {@linkplain
 * #stagedPackets staged packets} and counters, {@link #pollStaged}; {@link #sent} once.
 *
 * <p><b>Receiving</b> messages one after the other under one keypair from one endpoint: each is
 * opened and {@linkplain Keypair#accept accepted}, then {@link #received} once.
 *
 * <p><b>Owner:</b> the core's thread; works read the identity and the key, nothing else.
 *
 * <p><b>Cost:</b> {@code beginSending}, {@code sent} and {@code received} read and write some
 * fields once for a batch, allocate nothing and take no lock; timers are fields. Staging allocates:
 * it happens only while there are no keys. An idle peer without keys has no queue and takes less
 * than a kilobyte, with its prefix and its places in the tables.
 */
public final class Peer {
  /** How many packets wait at most. */
  static final int STAGED_MAX = 1024;

  private static final byte[] NO_STAMP = new byte[Tai64n.BYTES];

  private final TunnelCore core;
  private final PublicKey publicKey;
  private final PeerTimers timers = new PeerTimers();
  private final KeypairSlots keypairs;
  private final StagedPackets staged;

  private volatile @Nullable LazyPeerIdentity identity;
  private PresharedKey presharedKey;
  private @Nullable Endpoint endpoint;
  private int persistentKeepaliveSeconds;
  private boolean running;

  private @Nullable PendingHandshake handshake;

  private int attempts;
  private boolean needsAnotherKeepalive;

  /** Whether the keepalive that is on its way to be sent is followed by another one. */
  private boolean keepaliveFollows;

  private boolean sentLastMinute;
  private long lastSentHandshake;

  /** The greatest stamp of an initiation that was taken, for as long as the peer exists. */
  private byte[] greatestStamp = NO_STAMP;

  private boolean hasTakenInitiation;
  private long lastInitiation;
  private byte @Nullable [] lastStampSent;
  private byte @Nullable [] lastMac1Sent;
  private byte @Nullable [] cookie;
  private long cookieReceived;

  private long sentBytes;
  private long receivedBytes;
  private long lastHandshakeUnixNanos;

  Peer(TunnelCore core, PublicKey publicKey, PresharedKey presharedKey) {
    this.core = core;
    this.publicKey = publicKey;
    this.presharedKey = presharedKey;
    this.keypairs = new KeypairSlots(core.indexes());
    this.staged = new StagedPackets(core, STAGED_MAX);
  }

  /** Its name. */
  public PublicKey publicKey() {
    return publicKey;
  }

  /** Where it is; null: nobody knows yet. */
  public @Nullable Endpoint endpoint() {
    return endpoint;
  }

  // Sending.

  /**
   * The keypair to send under now.
   *
   * @return null: there is none that may be used, or no endpoint: stage
   */
  public @Nullable Keypair beginSending(long now) {
    Keypair keypair = keypairs.current();
    return keypair != null && endpoint != null && keypair.isSendable(now) ? keypair : null;
  }

  /**
   * Says that messages under the current keypair were handed to the outside port.
   *
   * @param bytes of UDP payload
   * @param data whether one at least was no keepalive
   */
  public void sent(long now, long bytes, boolean data) {
    sentBytes += bytes;
    if (!running) {
      return;
    }
    anySent(now);
    if (keepaliveFollows) {
      keepaliveFollows = false;
      if (!data) {
        timers.keepalive = now + Protocol.KEEPALIVE_TIMEOUT;
      }
    }
    if (data && timers.newHandshake == PeerTimers.OFF) {
      timers.newHandshake =
          now + Protocol.KEEPALIVE_TIMEOUT + Protocol.REKEY_TIMEOUT + core.jitter();
    }
    Keypair keypair = keypairs.current();
    if (keypair != null && keypair.isUsedUp(now)) {
      wantHandshake(now);
    }
    if (staged.packets() > 0 && beginSending(now) == null) {
      wantKeys(now);
    }
    announce(now);
  }

  /**
   * Keeps a packet, finished and not padded, until it can be sent, and wants a handshake. If too
   * many wait the oldest is dropped.
   */
  public void stage(Packet packet, long now) {
    if (!running) {
      core.drops().count(TunnelDrop.STAGED_DROPPED, 1);
      return;
    }
    staged.add(packet);
    sendStaged(now);
    announce(now);
  }

  /** Takes the keepalive that waits to be sent before anything else; false: none does. */
  public boolean takeKeepalive() {
    return staged.takeKeepalive();
  }

  /** How many packets are staged. */
  public int stagedPackets() {
    return staged.packets();
  }

  /**
   * The next staged packet, which stays staged.
   *
   * @return null: there is none
   */
  public @Nullable Packet peekStaged() {
    return staged.peek();
  }

  /**
   * The next staged packet.
   *
   * @return null: there is none
   */
  public @Nullable Packet pollStaged() {
    return staged.poll();
  }

  /**
   * Says that {@link CoreOutput#flush} was answered as far as it could be: if something is staged
   * nevertheless, as the keys have become too old since, or are used up, others are wanted.
   */
  public void stillStaged(long now) {
    if (!staged.isEmpty() && beginSending(now) == null) {
      wantKeys(now);
      announce(now);
    }
  }

  // Receiving.

  /**
   * Says that authentic, accepted messages came; before their packets are passed on.
   *
   * @param keypair under which
   * @param from where the last of them came from
   * @param bytes of UDP payload
   * @param data whether one at least was no keepalive
   */
  public void received(long now, Keypair keypair, Endpoint from, long bytes, boolean data) {
    if (!running) {
      return;
    }
    movedTo(from);
    if (keypairs.confirm(keypair)) {
      handshakeComplete(core.unixNanos(now));
      sendStaged(now);
    }
    receivedBytes += bytes;
    Keypair inUse = keypairs.current();
    if (!sentLastMinute && inUse != null && inUse.isInLastMinute(now)) {
      sentLastMinute = true;
      wantHandshake(now);
    }
    anyReceived(now);
    if (data) {
      if (timers.keepalive == PeerTimers.OFF) {
        timers.keepalive = now + Protocol.KEEPALIVE_TIMEOUT;
      } else {
        needsAnotherKeepalive = true;
      }
    }
    announce(now);
  }

  /** When {@link TunnelCore#expire} is to be called for it; {@link Long#MAX_VALUE}: not at all. */
  public long deadline() {
    return timers.earliest();
  }

  // Its life.

  boolean isRunning() {
    return running;
  }

  /** A handshake may be begun at once. */
  void start(long now) {
    running = true;
    permitHandshake(now);
    if (persistentKeepaliveSeconds > 0) {
      sendKeepalive(now);
    }
    announce(now);
  }

  /** Timers are off, keys and handshake erased, staged packets dropped. */
  void stop() {
    running = false;
    timers.cancelAll();
    timers.announced = PeerTimers.OFF; // Whoever keeps deadlines may forget them now.
    attempts = 0;
    needsAnotherKeepalive = false;
    keepaliveFollows = false;
    sentLastMinute = false;
    eraseKeys();
  }

  // Settings.

  @Nullable LazyPeerIdentity identity() {
    return identity;
  }

  PresharedKey presharedKey() {
    return presharedKey;
  }

  void presharedKey(PresharedKey key) {
    presharedKey = key;
  }

  /** Where it is to be, until it shows up elsewhere. */
  void endpoint(Endpoint configured, long now) {
    if (endpoint == null) {
      permitHandshake(now); // What has been tried went nowhere.
    }
    endpoint = configured;
  }

  /** The own address to it is chosen anew. */
  void forgetSource() {
    if (endpoint != null) {
      endpoint = endpoint.withoutSource();
    }
  }

  int persistentKeepaliveSeconds() {
    return persistentKeepaliveSeconds;
  }

  void persistentKeepaliveSeconds(int seconds) {
    persistentKeepaliveSeconds = seconds;
    if (seconds == 0) {
      timers.persistentKeepalive = PeerTimers.OFF;
    }
  }

  /** Another private key: no handshake goes on, nothing is sent under the keypairs. */
  void identity(@Nullable Identity own, long now) {
    identity = own == null ? null : new LazyPeerIdentity(own, publicKey);
    endHandshake();
    permitHandshake(now);
    lastStampSent = null;
    lastMac1Sent = null;
    cookie = null;
    keypairs.retire();
  }

  // Handshakes.

  @Nullable PendingHandshake handshake() {
    return handshake;
  }

  /** Begins one, in place of another. */
  PendingHandshake beginHandshake(long now) {
    endHandshake();
    PendingHandshake begun = new PendingHandshake(this, core.indexes().draw(), now);
    core.indexes().put(begun.localIndex(), begun);
    handshake = begun;
    return begun;
  }

  /** Gives up the one that goes on, if one does. */
  void endHandshake() {
    PendingHandshake ended = handshake;
    if (ended != null) {
      handshake = null;
      core.indexes().remove(ended.localIndex(), ended);
      ended.erase();
    }
  }

  /** Wants one as soon as the rules allow; it is {@link TunnelCore#expire} that begins it. */
  void wantHandshake(long now) {
    attempts = 0;
    if (running
        && timers.beginHandshake == PeerTimers.OFF
        && identity != null
        && !mustNotInitiate(now)) {
      timers.beginHandshake = now;
    }
  }

  /**
   * Whether an initiation would come too soon after a handshake message, or while one is being made
   * and has not been for so long that it must have been lost.
   */
  boolean mustNotInitiate(long now) {
    PendingHandshake begun = handshake;
    return now - lastSentHandshake < Protocol.REKEY_TIMEOUT
        || (begun != null
            && begun.initiation() == null
            && now - begun.begun() < Protocol.LOST_AFTER_TIME);
  }

  /** The moment after which {@link #mustNotInitiate} may be asked again. */
  long nextAttempt(long now) {
    long permitted = lastSentHandshake + Protocol.REKEY_TIMEOUT;
    return (permitted > now ? permitted : now + Protocol.REKEY_TIMEOUT) + core.jitter();
  }

  void handshakeSent(long now) {
    lastSentHandshake = now;
  }

  private void permitHandshake(long now) {
    lastSentHandshake = now - Protocol.REKEY_TIMEOUT;
  }

  /** Whether an initiation was sent, or would have been, and none is to be before this moment. */
  void initiated(long now) {
    handshakeSent(now);
    timers.retransmit = now + Protocol.REKEY_TIMEOUT + core.jitter();
  }

  /**
   * The stamp of an initiation to this peer; newer than all before it, whatever the clock does.
   *
   * <p>It is the peer who compares stamps, so each has its own last one: were it one for all, ten
   * thousand initiations within a tick of 16 ms would put the stamps minutes ahead of the clock.
   */
  byte[] nextStamp(long unixNanos) {
    byte[] stamp = Tai64n.of(unixNanos);
    byte[] last = lastStampSent;
    if (last != null && !Tai64n.isNewer(stamp, last)) {
      stamp = Tai64n.next(last);
    }
    lastStampSent = stamp;
    return stamp;
  }

  /**
   * Takes an authentic initiation's stamp, or refuses it.
   *
   * @return why it is refused; null: it is taken
   */
  @Nullable TunnelDrop takeInitiation(byte[] stamp, long now) {
    if (!Tai64n.isNewer(stamp, greatestStamp)) {
      return TunnelDrop.INITIATION_REPLAY;
    }
    if (hasTakenInitiation && now - lastInitiation < Protocol.INITIATION_INTERVAL) {
      return TunnelDrop.INITIATION_FLOOD;
    }
    greatestStamp = stamp;
    hasTakenInitiation = true;
    lastInitiation = now;
    return null;
  }

  /** mac1 of the last handshake message, if no cookie has answered it. */
  byte @Nullable [] lastMac1Sent() {
    return lastMac1Sent;
  }

  /** The cookie to sign with; null: none is held. */
  byte @Nullable [] cookie(long now) {
    if (cookie != null && now - cookieReceived >= Protocol.COOKIE_TIME) {
      cookie = null;
    }
    return cookie;
  }

  /** Takes the cookie that answers to a mac1, one for each. */
  boolean takeCookie(byte[] mac1, byte[] won, long now) {
    if (!Arrays.equals(lastMac1Sent, mac1)) {
      return false;
    }
    lastMac1Sent = null;
    cookie = won;
    cookieReceived = now;
    return true;
  }

  /** Says that a handshake message was sent. */
  void handshakeMessageSent(int bytes, byte[] mac1) {
    sentBytes += bytes;
    lastMac1Sent = mac1;
  }

  /** Says that an authentic handshake message came. */
  void handshakeMessageReceived(int bytes, Endpoint from, long now) {
    movedTo(from);
    receivedBytes += bytes;
    anyReceived(now);
  }

  /** Keys of a handshake that this side initiated: they are used at once. */
  void becomeCurrent(Keypair keypair, long now) {
    handshake = null;
    keypairs.becomeCurrent(keypair);
    timers.zeroKeys = now + Protocol.ERASE_AFTER_TIME;
  }

  /** Keys of a handshake that the other side initiated: used when it has shown that it has them. */
  void becomeNext(Keypair keypair, long now) {
    handshake = null;
    keypairs.becomeNext(keypair);
    timers.zeroKeys = now + Protocol.ERASE_AFTER_TIME;
  }

  void handshakeComplete(long unixNanos) {
    timers.retransmit = PeerTimers.OFF;
    attempts = 0;
    sentLastMinute = false;
    lastHandshakeUnixNanos = unixNanos;
  }

  @Nullable Keypair current() {
    return keypairs.current();
  }

  @Nullable Keypair previous() {
    return keypairs.previous();
  }

  @Nullable Keypair next() {
    return keypairs.next();
  }

  // Timers.

  PeerTimers timers() {
    return timers;
  }

  /** Tells of the deadline if nobody is going to ask for it in time. */
  void announce(long now) {
    long deadline = timers.earliest();
    long announced = timers.announced;
    boolean isCovered = announced <= deadline && (announced > now || announced == deadline);
    if (!isCovered && deadline != PeerTimers.OFF) {
      timers.announced = deadline;
      core.output().deadline(this);
    }
  }

  int attempts() {
    return attempts;
  }

  void countAttempt() {
    attempts++;
  }

  /** With anything that is sent to it. */
  void anySent(long now) {
    timers.keepalive = PeerTimers.OFF;
    anyTraversal(now);
  }

  private void anyReceived(long now) {
    timers.newHandshake = PeerTimers.OFF;
    anyTraversal(now);
  }

  private void anyTraversal(long now) {
    if (persistentKeepaliveSeconds > 0) {
      timers.persistentKeepalive = now + persistentKeepaliveSeconds * Protocol.SECOND;
    }
  }

  /** Nobody answers: what waits is dropped. */
  void giveUp(long now) {
    timers.keepalive = PeerTimers.OFF;
    staged.drop();
    if (timers.zeroKeys == PeerTimers.OFF) {
      timers.zeroKeys = now + Protocol.ERASE_AFTER_TIME;
    }
  }

  void keepaliveDue(long now) {
    if (needsAnotherKeepalive) {
      needsAnotherKeepalive = false;
      keepaliveFollows = true; // Sending this one, later, cancels what is armed now.
      timers.keepalive = now + Protocol.KEEPALIVE_TIMEOUT;
    }
    sendKeepalive(now);
  }

  /** Sends an empty message, or what is staged, which does as well. */
  void sendKeepalive(long now) {
    staged.addKeepalive();
    sendStaged(now);
  }

  /** Has what is staged sent, or wants the keys for that. */
  void sendStaged(long now) {
    if (staged.isEmpty()) {
      return;
    }
    if (beginSending(now) != null) {
      core.output().flush(this);
    } else {
      wantKeys(now);
    }
  }

  /**
   * Wants keys for what is staged. If it is too soon for a handshake, one is tried when it no
   * longer is: nothing waits for the next packet from above to be remembered.
   */
  private void wantKeys(long now) {
    wantHandshake(now);
    if (running
        && identity != null
        && timers.beginHandshake == PeerTimers.OFF
        && timers.retransmit == PeerTimers.OFF) {
      timers.retransmit = nextAttempt(now);
    }
  }

  void eraseKeys() {
    keypairs.eraseAll();
    endHandshake();
    staged.drop();
  }

  private void movedTo(Endpoint from) {
    if (!from.equals(endpoint)) {
      endpoint = from;
    }
  }

  // Statistics.

  long sentBytes() {
    return sentBytes;
  }

  long receivedBytes() {
    return receivedBytes;
  }

  /** 0: never. */
  long lastHandshakeUnixNanos() {
    return lastHandshakeUnixNanos;
  }

  /** Its key. */
  @Override
  public String toString() {
    return publicKey.toString();
  }
}
