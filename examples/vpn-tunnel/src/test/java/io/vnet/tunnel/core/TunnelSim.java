package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.packet.Packet;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Tunnels' cores in a world of their own: one thread, virtual time, and a network in memory that
 * delays, loses, doubles and reorders. Everything random comes from one seed, so a run can be had
 * again.
 *
 * <pre>
 *   TunnelSim sim = new TunnelSim(1);
 *   TunnelSim.Node a = sim.node();
 *   TunnelSim.Node b = sim.node();
 *   sim.join(a, b);
 *   a.say(b, "hello");
 *   sim.run(1);
 *   assertThat(b.heard()).containsExactly("hello");
 * </pre>
 */
public final class TunnelSim {
  /** A second of virtual time, in nanoseconds. */
  public static final long SECOND = 1_000_000_000L;

  /** A millisecond of it. */
  public static final long MILLI = 1_000_000L;

  private static final long START = 5_000 * SECOND;
  private static final long UNIX_START = 1_767_225_600L * SECOND;
  private static final int MTU = 1420;
  private static final int PORT = 51820;
  private static final int EVENTS_AT_ONCE_MAX = 1_000_000;
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final Crypto CRYPTO = CryptoProviders.choose();

  /** A datagram on its way. */
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
  public record Datagram(long time, Endpoint from, Endpoint to, byte[] bytes) {
    /** Its first byte. */
    public int type() {
      return bytes.length == 0 ? 0 : bytes[0];
    }

    /** A little-endian word of it. */
    public int word(int offset) {
      return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(offset);
    }
  }

  /**
   * What the network does to datagrams, and how long works take.
   *
   * @param loss probability
   * @param doubling probability
   * @param delayMin in nanoseconds
   * @param delayMax in nanoseconds
   * @param workMax in nanoseconds
   */
  public record Weather(double loss, double doubling, long delayMin, long delayMax, long workMax) {
    /** Nothing is lost, everything takes 10 ms, works take no time. */
    public static final Weather CALM = new Weather(0, 0, 10 * MILLI, 10 * MILLI, 0);
  }

  private record Event(long time, long order, Runnable action) {}

  private final SplittableRandom random;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::time).thenComparingLong(Event::order));
  private final Map<String, Node> nodes = new HashMap<>();
  private final List<Node> all = new ArrayList<>();
  private final List<Datagram> sent = new ArrayList<>();
  private final MemorySegment sealed = Arena.ofAuto().allocate(1 << 16);
  private final MemorySegment opened = Arena.ofAuto().allocate(1 << 16);
  private Weather weather = Weather.CALM;
  private Predicate<Datagram> passes = _ -> true;
  private boolean recording = true;
  private long now = START;
  private long clockError;
  private long order;

  /** A world that does the same for the same seed. */
  public TunnelSim(long seed) {
    random = new SplittableRandom(seed);
  }

  /** The monotonic time. */
  public long now() {
    return now;
  }

  /** The wall clock. */
  public long unixNanos() {
    return UNIX_START + (now - START) + clockError;
  }

  /** Sets the wall clock forward or back. */
  public void shiftClock(long nanos) {
    clockError += nanos;
  }

  /** Chance, from the seed. */
  public SplittableRandom random() {
    return random;
  }

  /** From now on. */
  public void weather(Weather newWeather) {
    weather = newWeather;
  }

  /** Which datagrams are let through from now on; all others vanish. */
  public void letThrough(Predicate<Datagram> filter) {
    passes = filter;
  }

  /** Forgets and no longer records what is sent: for long runs. */
  public void doNotRecord() {
    recording = false;
    sent.clear();
  }

  /** All datagrams that were sent, the lost ones, too. */
  public List<Datagram> sent() {
    return sent;
  }

  /** Those of one type by one node. */
  public List<Datagram> sent(Node by, int type) {
    return sent.stream()
        .filter(d -> d.type() == type && d.from().port() == by.endpoint.port())
        .filter(d -> d.from().address().equals(by.endpoint.address()))
        .toList();
  }

  /** A node that is up, has a key, an address outside and one inside, and no peers. */
  public Node node() {
    int number = all.size() + 1;
    byte[] key = new byte[PrivateKey.BYTES];
    random.nextBytes(key);
    Node node = new Node(number, PrivateKey.of(key));
    all.add(node);
    nodes.put(place(node.endpoint), node);
    node.change(TunnelChange.NONE.withPrivateKey(node.privateKey));
    node.up();
    return node;
  }

  /** Makes two nodes each other's peers; both know where the other one is. */
  public void join(Node a, Node b) {
    a.change(a.peerChange(b));
    b.change(b.peerChange(a));
  }

  /** Joins them and lets the first one's handshake succeed; the second's keys are confirmed. */
  public void handshake(Node a, Node b) {
    join(a, b);
    a.say(b, "first");
    run(1);
    assertThat(b.heard()).contains("first");
  }

  /** Lets time pass. */
  public void run(double seconds) {
    runUntil(now + (long) (seconds * SECOND));
  }

  /** Lets time pass up to a moment. */
  public void runUntil(long end) {
    int atOnce = 0;
    while (true) {
      Event next = events.peek();
      if (next == null || next.time() > end) {
        break;
      }
      events.remove();
      atOnce = next.time() > now ? 0 : atOnce + 1;
      assertThat(atOnce).as("events at one moment").isLessThan(EVENTS_AT_ONCE_MAX);
      now = Math.max(now, next.time());
      next.action().run();
    }
    now = end;
  }

  /** Lets time pass until something holds, but not longer. */
  public boolean runUntil(Predicate<TunnelSim> holds, double seconds) {
    long end = now + (long) (seconds * SECOND);
    while (!holds.test(this)) {
      Event next = events.peek();
      if (next == null || next.time() > end) {
        now = end;
        return holds.test(this);
      }
      runUntil(Math.max(now, next.time()));
    }
    return true;
  }

  /** Does something later. */
  public void after(long nanos, Runnable action) {
    events.add(new Event(now + nanos, order++, action));
  }

  /** Puts a datagram onto the network, whoever made it; it arrives at once. */
  public void inject(Endpoint from, Node to, byte[] bytes) {
    to.datagram(bytes.clone(), from);
  }

  private void transmit(Node by, byte[] bytes, Endpoint to) {
    Datagram datagram = new Datagram(now, by.endpoint, to, bytes.clone());
    if (recording) {
      sent.add(datagram);
    }
    if (!passes.test(datagram) || random.nextDouble() < weather.loss()) {
      return;
    }
    int copies = random.nextDouble() < weather.doubling() ? 2 : 1;
    for (int i = 0; i < copies; i++) {
      after(between(weather.delayMin(), weather.delayMax()), () -> arrive(datagram));
    }
  }

  private void arrive(Datagram datagram) {
    Node to = nodes.get(place(datagram.to()));
    if (to != null) {
      to.datagram(datagram.bytes().clone(), datagram.from());
    }
  }

  private long between(long min, long max) {
    return max > min ? random.nextLong(min, max + 1) : min;
  }

  private static String place(Endpoint endpoint) {
    return endpoint.withoutSource().toString();
  }

  /**
   * An IP packet with a text.
   *
   * @param source an address; it says which version
   */
  public static byte[] packet(String source, String destination, String text) {
    byte[] payload = text.getBytes(StandardCharsets.UTF_8);
    IpAddress from = IpAddress.parse(source);
    ByteBuffer packet = ByteBuffer.allocate((from.v6() ? 40 : 20) + payload.length);
    if (from.v6()) {
      packet.putInt(0x6000_0000).putShort((short) payload.length).put((byte) 59).put((byte) 64);
    } else {
      packet.putShort((short) 0x4500).putShort((short) packet.capacity()).putInt(0);
      packet.put((byte) 64).put((byte) 253).putShort((short) 0);
    }
    return packet
        .put(from.toByteArray())
        .put(IpAddress.parse(destination).toByteArray())
        .put(payload)
        .array();
  }

  /** One tunnel's core and the least that it needs around it. */
  public final class Node implements CoreOutput {
    private final int number;
    private final PrivateKey privateKey;
    private final PublicKey publicKey;
    private final TrackedCrypto crypto = new TrackedCrypto(CRYPTO);
    private final TunnelCore core;
    private final Map<PublicKey, Peer> peers = new HashMap<>();
    private final Deque<Peer> flushes = new ArrayDeque<>();
    private final List<String> heard = new ArrayList<>();
    private final List<Long> counters = new ArrayList<>();
    private final Deque<HandshakeWork> heldWorks = new ArrayDeque<>();
    private final Deque<HandshakeResult> heldResults = new ArrayDeque<>();
    private boolean holdsWorks;
    private boolean holdsResults;
    private boolean isInCall;
    private int announcements;
    private boolean looksFirst;
    private long routed;
    private long dataSent;
    private Endpoint endpoint;

    Node(int number, PrivateKey privateKey) {
      this.number = number;
      this.privateKey = privateKey;
      this.publicKey = Identity.of(crypto, privateKey).publicKey();
      this.endpoint =
          Endpoint.of(IpAddress.v4(0x0A64_0000 + number), PORT); // 10.100.0.0/16, outside.
      this.core = new TunnelCore(crypto, random::nextBytes, this);
    }

    /** Its core. */
    public TunnelCore core() {
      return core;
    }

    /** Its key. */
    public PublicKey publicKey() {
      return publicKey;
    }

    /** Its own secret. */
    public PrivateKey privateKey() {
      return privateKey;
    }

    /** Its primitives. */
    TrackedCrypto crypto() {
      return crypto;
    }

    /** Where it is, outside. */
    public Endpoint endpoint() {
      return endpoint;
    }

    /** Its IPv4 address inside the tunnels. */
    public String address() {
      return "10.0." + (number >> 8) + "." + (number & 255);
    }

    /** Its IPv6 address inside. */
    public String address6() {
      return "fd00::" + Integer.toHexString(number);
    }

    /** Goes to another place, at once. */
    public void moveTo(Endpoint place) {
      nodes.remove(place(endpoint));
      endpoint = place;
      nodes.put(place(place), this);
    }

    /** What makes another node its peer. */
    public PeerChange peerChange(Node other) {
      return PeerChange.of(other.publicKey)
          .withEndpoint(other.endpoint)
          .withAllowedIps(
              List.of(IpPrefix.parse(other.address()), IpPrefix.parse(other.address6())));
    }

    /** What it knows of another node; it has to be its peer. */
    public Peer peer(Node other) {
      return Objects.requireNonNull(peers.get(other.publicKey));
    }

    /** Whether it is its peer. */
    public boolean knows(Node other) {
      return peers.containsKey(other.publicKey);
    }

    /** Changes its configuration. */
    public void change(TunnelChange change) {
      call(() -> core.change(change, now));
    }

    /** Changes that of one peer. */
    public void change(PeerChange change) {
      change(TunnelChange.NONE.withPeers(List.of(change)));
    }

    /** Starts its peers. */
    public void up() {
      call(() -> core.up(now));
    }

    /** Stops them. */
    public void down() {
      call(() -> core.down(now));
    }

    /** What went nowhere for a reason. */
    public long drops(TunnelDrop reason) {
      return core.drops().snapshot().getOrDefault(reason, 0L);
    }

    /** All that went nowhere. */
    public Map<TunnelDrop, Long> drops() {
      return core.drops().snapshot();
    }

    /** The status of a peer. */
    public PeerStatus status(Node other) {
      return core.status().peers().stream()
          .filter(status -> status.publicKey().equals(other.publicKey))
          .findFirst()
          .orElseThrow();
    }

    /** Serves deadlines in the other way from now on. */
    void looksFirst() {
      looksFirst = true;
    }

    /** How often a deadline was told. */
    int announcements() {
      return announcements;
    }

    /** Sends a text to another node through the tunnel. */
    public void say(Node other, String text) {
      route(packet(address(), other.address(), text));
    }

    /** Sends a packet to whoever its destination belongs to. */
    public void route(byte[] packet) {
      MemorySegment.copy(packet, 0, opened, BYTE, 0, packet.length);
      Peer peer = core.byDestination(opened, 0, packet.length);
      if (peer == null) {
        core.drops().count(TunnelDrop.NO_PEER, 1);
        return;
      }
      routed++;
      call(() -> route(peer, packet));
    }

    private void route(Peer peer, byte[] packet) {
      Keypair keypair = peer.beginSending(now);
      long counter = keypair == null ? Keypair.REJECT_AFTER_MESSAGES : keypair.takeCounter();
      if (keypair == null || counter == Keypair.REJECT_AFTER_MESSAGES) {
        peer.stage(Packet.of(packet), now);
      } else {
        peer.sent(now, transport(peer, keypair, counter, packet), true);
      }
    }

    /** Seals and sends a message; returns its length. */
    private int transport(Peer peer, Keypair keypair, long counter, byte[] packet) {
      byte[] message = seal(keypair, counter, packet);
      transmit(this, message, Objects.requireNonNull(peer.endpoint()));
      dataSent += packet.length > 0 ? 1 : 0;
      return message.length;
    }

    /** A transport message as it goes over the network. */
    byte[] seal(Keypair keypair, long counter, byte[] packet) {
      int padded = packet.length + Padding.bytes(packet.length, MTU);
      MemorySegment text = opened;
      MemorySegment.copy(packet, 0, text, BYTE, 0, packet.length);
      text.asSlice(packet.length, padded - packet.length).fill((byte) 0);
      keypair.sendCipher().seal(counter, text, 0, padded, sealed, Messages.TRANSPORT_HEADER_BYTES);
      byte[] message = sealed.asSlice(0, padded + Messages.TRANSPORT_OVERHEAD_BYTES).toArray(BYTE);
      ByteBuffer.wrap(message)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putInt(Messages.TRANSPORT)
          .putInt(keypair.remoteIndex())
          .putLong(counter);
      return message;
    }

    /** A datagram arrives. */
    void datagram(byte[] bytes, Endpoint from) {
      if (bytes.length >= Messages.TRANSPORT_OVERHEAD_BYTES
          && Arrays.equals(bytes, 0, 4, new byte[] {Messages.TRANSPORT, 0, 0, 0}, 0, 4)) {
        call(() -> transportReceived(bytes, from));
      } else {
        call(() -> core.handshake(bytes, from, now, unixNanos()));
      }
    }

    private void transportReceived(byte[] bytes, Endpoint from) {
      ByteBuffer message = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      long counter = message.getLong(8);
      Keypair keypair = core.keypair(message.getInt(4));
      if (keypair == null) {
        core.drops().count(TunnelDrop.UNKNOWN_INDEX, 1);
      } else if (!keypair.isReceivable(now)
          || Long.compareUnsigned(counter, Keypair.REJECT_AFTER_MESSAGES) >= 0) {
        core.drops().count(TunnelDrop.EXPIRED_KEY, 1);
      } else {
        MemorySegment.copy(bytes, 0, sealed, BYTE, 0, bytes.length);
        int text = bytes.length - Messages.TRANSPORT_OVERHEAD_BYTES;
        if (!keypair
            .receiveCipher()
            .open(
                counter,
                sealed,
                Messages.TRANSPORT_HEADER_BYTES,
                bytes.length - Messages.TRANSPORT_HEADER_BYTES,
                opened,
                0)) {
          core.drops().count(TunnelDrop.BAD_TAG, 1);
        } else if (!keypair.accept(counter)) {
          core.drops().count(TunnelDrop.REPLAY, 1);
        } else {
          Peer peer = keypair.peer();
          counters.add(counter);
          peer.received(now, keypair, from, bytes.length, text > 0);
          if (text > 0) {
            deliver(peer, text);
          }
        }
      }
    }

    private void deliver(Peer peer, int length) {
      if (core.bySource(opened, 0, length) != peer) {
        core.drops().count(TunnelDrop.DISALLOWED_SOURCE, 1);
        return;
      }
      boolean v6 = opened.get(BYTE, 0) >> 4 == 6;
      int header = v6 ? 40 : 20;
      int total = (opened.get(BYTE, v6 ? 4 : 2) & 255) << 8 | (opened.get(BYTE, v6 ? 5 : 3) & 255);
      byte[] payload = opened.asSlice(header, v6 ? total : total - header).toArray(BYTE);
      heard.add(new String(payload, StandardCharsets.UTF_8));
    }

    /** Texts that came through tunnels. */
    public List<String> heard() {
      return heard;
    }

    /** Counters of the messages that were accepted. */
    List<Long> counters() {
      return counters;
    }

    // Works.

    /** From now on works are kept until {@link #doHeldWorks}. */
    void holdWorks() {
      holdsWorks = true;
    }

    /** From now on works are done and their results kept until {@link #completeHeld}. */
    void holdResults() {
      holdsResults = true;
    }

    int heldWorks() {
      return heldWorks.size();
    }

    int heldResults() {
      return heldResults.size();
    }

    /** Does what was kept, and keeps nothing any more. */
    void doHeldWorks() {
      holdsWorks = false;
      while (!heldWorks.isEmpty()) {
        perform(heldWorks.remove());
      }
    }

    /** Does some of what was kept. */
    void doHeldWorks(int count) {
      for (int i = 0; i < count; i++) {
        perform(heldWorks.remove());
      }
    }

    /** Forgets what was kept, and keeps nothing any more. */
    void dropHeldWorks() {
      holdsWorks = false;
      heldWorks.clear();
    }

    /** Hands in what was kept, and keeps nothing any more. */
    void completeHeld() {
      holdsResults = false;
      while (!heldResults.isEmpty()) {
        complete(heldResults.remove());
      }
    }

    HandshakeResult takeHeldResult() {
      return heldResults.remove();
    }

    private void perform(HandshakeWork work) {
      HandshakeResult result = work.run();
      if (result != null) {
        if (holdsResults) {
          heldResults.add(result);
        } else {
          complete(result);
        }
      }
    }

    void complete(HandshakeResult result) {
      call(() -> core.complete(result, now, unixNanos()));
    }

    /** Calls the core, then sends what may be sent. */
    void call(Runnable body) {
      assertThat(isInCall).as("the core is called within a call of the core").isFalse();
      isInCall = true;
      body.run();
      isInCall = false;
      while (!flushes.isEmpty()) {
        flushNow(flushes.remove());
      }
    }

    private void flushNow(Peer peer) {
      Keypair keypair = peer.beginSending(now);
      if (keypair == null) {
        return; // Removed since, or moved to other keys.
      }
      long bytes = 0;
      boolean data = false;
      if (peer.takeKeepalive()) {
        bytes += transport(peer, keypair, keypair.takeCounter(), new byte[0]);
      }
      while (peer.stagedPackets() > 0) {
        long counter = keypair.takeCounter();
        if (counter == Keypair.REJECT_AFTER_MESSAGES) {
          break;
        }
        Packet packet = Objects.requireNonNull(peer.pollStaged());
        bytes += transport(peer, keypair, counter, packet.toByteArray());
        data = true;
      }
      if (bytes > 0) {
        peer.sent(now, bytes, data);
      }
    }

    @Override
    public void send(byte[] message, Endpoint to) {
      transmit(this, message, to);
    }

    @Override
    public void work(HandshakeWork work) {
      if (holdsWorks) {
        heldWorks.add(work);
      } else {
        after(between(0, weather.workMax()), () -> perform(work));
      }
    }

    @Override
    public void flush(Peer peer) {
      assertThat(peer.beginSending(now)).as("keys to flush under").isNotNull();
      flushes.add(peer);
    }

    @Override
    public void deadline(Peer peer) {
      announcements++;
      wakeAt(peer);
    }

    /** There are two ways to serve deadlines: to look first, or to let the core look. */
    private void wakeAt(Peer peer) {
      after(
          Math.max(0, peer.deadline() - now),
          () -> {
            if (!looksFirst || peer.deadline() <= now) {
              call(() -> core.expire(peer, now, unixNanos()));
            } else if (peer.deadline() < Long.MAX_VALUE) {
              wakeAt(peer);
            }
          });
    }

    @Override
    public void added(Peer peer) {
      assertThat(peers.put(peer.publicKey(), peer)).isNull();
    }

    @Override
    public void removed(Peer peer) {
      assertThat(peers.remove(peer.publicKey())).isSameAs(peer);
    }

    /** The keypairs of all slots: each has two open ciphers, and nothing else has. */
    Stream<Keypair> keypairs() {
      return peers.values().stream()
          .flatMap(peer -> Stream.of(peer.previous(), peer.current(), peer.next()))
          .filter(Objects::nonNull);
    }

    /** What holds at any moment. */
    void checkInvariants() {
      assertThat(crypto.openCiphers()).isEqualTo(2 * (int) keypairs().count());
      long handshakes = peers.values().stream().filter(peer -> peer.handshake() != null).count();
      assertThat(core.indexes().size()).isEqualTo((int) (keypairs().count() + handshakes));
      keypairs().forEach(k -> assertThat(core.keypair(k.localIndex())).isSameAs(k));
      long staged = 0;
      for (Peer peer : peers.values()) {
        assertThat(peer.stagedPackets()).isLessThanOrEqualTo(Peer.STAGED_MAX);
        staged += peer.stagedPackets();
        assertThat(
                peer.stagedPackets() == 0
                    || peer.identity() == null
                    || peer.timers().beginHandshake != PeerTimers.OFF
                    || peer.timers().retransmit != PeerTimers.OFF)
            .as("who has something to send works on it")
            .isTrue();
      }
      assertThat(
              dataSent
                  + staged
                  + drops(TunnelDrop.STAGED_DROPPED)
                  + drops(TunnelDrop.STAGED_OVERFLOW))
          .as("every packet is sent, waits or is counted")
          .isEqualTo(routed);
    }
  }

  /** All nodes. */
  public List<Node> nodes() {
    return all;
  }

  /** Does something with each node. */
  public void each(Consumer<Node> action) {
    all.forEach(action);
  }
}
