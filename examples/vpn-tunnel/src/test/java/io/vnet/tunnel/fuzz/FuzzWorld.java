package io.vnet.tunnel.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.testkit.TestPort;
import io.vnet.tunnel.core.CoreOutput;
import io.vnet.tunnel.core.HandshakeResult;
import io.vnet.tunnel.core.HandshakeWork;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.TunnelCore;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Cookies;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Macs;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.path.DataPath;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.testkit.HeldIsland;
import io.vnet.tunnel.testkit.NoEnd;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A tunnel's core and data path between two ports, its peers in a certain phase, and what was said
 * to get there.
 *
 * <p>Two peers: the first one is in the phase; the second one has a session in any case. The third
 * far end is nobody's peer.
 */
final class FuzzWorld implements AutoCloseable {
  static final Crypto CRYPTO = CryptoProviders.choose();
  static final Endpoint PLACE = Endpoint.parse("192.0.2.1:51820");

  private static final long SECOND = 1_000_000_000L;
  private static final long START = 5_000 * SECOND;
  private static final long UNIX_START = 1_767_225_600L * SECOND;
  private static final int WAITING_UNDER_LOAD = 128;

  /**
   * A datagram on its way to the tunnel, or several of one length and the last perhaps shorter.
   *
   * @param word of a train
   */
  record Arrival(MemorySegment bytes, Endpoint from, long word) {
    static Arrival of(byte[] datagram, Endpoint from) {
      return new Arrival(MemorySegment.ofArray(datagram), from, 0);
    }
  }

  /** A packet at the inside port and its offload word. */
  record InsidePacket(Packet packet, long word) {}

  /**
   * A message of a handshake that took place, or would.
   *
   * @param fresh whether it would count if it came as it is
   */
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
  record Genuine(byte[] bytes, boolean fresh) {}

  private final SplittableRandom random;
  private final HeldIsland island = new HeldIsland();
  private final ArrayDeque<HandshakeWork> works = new ArrayDeque<>();
  private final Map<PublicKey, Peer> peers = new HashMap<>();
  private final Outside outside = new Outside();
  private final Inside inside = new Inside();
  private final PublicKey publicKey;
  private final TunnelCore core;
  private final DataPath path;
  private final FarEnd first;
  private final FarEnd second;
  private final FarEnd stranger;
  private final List<Genuine> genuine = new ArrayList<>();
  private final List<Session> sessions = new ArrayList<>();
  private byte @Nullable [] cookie;
  private long now = START;

  @SuppressWarnings("EnumOrdinal") // Goes into a seed, and is not stored.
  FuzzWorld(long seed, Phase phase) {
    // The phases of one seed differ in more than what came before.
    random = new SplittableRandom(seed * Phase.values().length + phase.ordinal());
    PrivateKey key = randomKey();
    publicKey = Identity.of(CRYPTO, key).publicKey();
    core = new TunnelCore(CRYPTO, random::nextBytes, new Output());
    path = new DataPath(inside, core, new NoEnd(), island, () -> now);
    path.start();
    path.use(outside);
    core.change(TunnelChange.NONE.withPrivateKey(key), now);
    core.up(now);
    first = new FarEnd(this, 2, publicKey);
    second = new FarEnd(this, 3, publicKey);
    stranger = new FarEnd(this, 4, publicKey);
    meet(first, List.of("10.9.0.2/32", "fd09::2/128"));
    meet(second, List.of("10.9.0.3/32", "fd09::3/128", "10.8.0.0/16", "fd08::/64"));
    settle();
    enter(phase);
  }

  // What is in it.

  SplittableRandom random() {
    return random;
  }

  long now() {
    return now;
  }

  long unixNanos() {
    return UNIX_START + now - START;
  }

  PrivateKey randomKey() {
    byte[] key = new byte[PrivateKey.BYTES];
    random.nextBytes(key);
    return PrivateKey.of(key);
  }

  TunnelCore core() {
    return core;
  }

  /** Who is in the phase. */
  FarEnd first() {
    return first;
  }

  /** Who has a session in any case. */
  FarEnd second() {
    return second;
  }

  /** Who is nobody's peer. */
  FarEnd stranger() {
    return stranger;
  }

  List<Genuine> genuine() {
    return genuine;
  }

  /** That the tunnel has keys of. */
  List<Session> sessions() {
    return sessions;
  }

  /** What the first peer has to sign with; null: no cookie is asked for. */
  byte @Nullable [] cookie() {
    return cookie;
  }

  // What can be done.

  /** Datagrams arrive, as one batch if they have room, and all is done that follows from it. */
  void arrive(List<Arrival> arrivals) {
    outside.arrived.addAll(arrivals);
    settle();
  }

  /** The tunnel's user sends packets, or super-packets, and all is done that follows from it. */
  void route(List<InsidePacket> packets) {
    inside.toSend.addAll(packets);
    settle();
  }

  /** Time passes, and nothing happens. */
  void waitSeconds(int seconds) {
    now += seconds * SECOND;
  }

  /** What is due of the first peer's is done. */
  void expire() {
    core.expire(peer(first), now, unixNanos());
    path.afterCore();
    settle();
  }

  /** What came out inside since the last time. */
  List<InsidePacket> takeDelivered() {
    List<InsidePacket> taken = List.copyOf(inside.delivered);
    inside.delivered.clear();
    return taken;
  }

  /** What was sent outside since the last time. */
  List<byte[]> takeSent() {
    List<byte[]> taken = List.copyOf(outside.sent);
    outside.sent.clear();
    return taken;
  }

  /** The same without a look at it. */
  void forgetSent() {
    outside.sent.clear();
  }

  private void settle() {
    path.schedule();
    run();
    while (!works.isEmpty()) {
      HandshakeResult result = works.remove().run();
      if (result != null) {
        core.complete(result, now, unixNanos());
        path.afterCoreSoon();
        run();
      }
    }
  }

  private void run() {
    island.runTasks();
  }

  // The phases.

  private void meet(FarEnd far, List<String> allowedIps) {
    core.change(
        TunnelChange.NONE.withPeers(
            List.of(
                PeerChange.of(far.publicKey())
                    .withEndpoint(far.place())
                    .withAllowedIps(allowedIps.stream().map(IpPrefix::parse).toList()))),
        now);
  }

  private Peer peer(FarEnd far) {
    return Objects.requireNonNull(peers.get(far.publicKey()));
  }

  private void enter(Phase phase) {
    switch (phase) {
      case NO_SESSION -> genuine.add(new Genuine(first.begin(), true));
      case INITIATED -> {
        byte[] initiation = initiate();
        withheldAnswers(initiation);
      }
      case INITIATED_WITH_COOKIE -> {
        byte[] initiation = initiate();
        say(first, cookieReply(initiation));
        first.receive(initiation);
        genuine.add(new Genuine(first.take(Messages.RESPONSE), true));
      }
      case RESPONDED -> respond();
      case ESTABLISHED_AS_INITIATOR -> establishAsInitiator();
      case ESTABLISHED_AS_RESPONDER -> establishAsResponder();
      case REKEYING_AS_INITIATOR -> {
        establishAsInitiator();
        now += 121 * SECOND;
        withheldAnswers(initiate());
      }
      case REKEYING_AS_RESPONDER -> {
        establishAsResponder();
        now += 121 * SECOND;
        respond();
      }
      case REKEYED -> {
        establishAsResponder();
        now += 121 * SECOND;
        establishAsResponder();
      }
      case UNDER_LOAD -> establishAsResponder();
      case EXPIRED -> {
        establishAsResponder();
        now += 181 * SECOND;
      }
      case DOWN, WITHOUT_PRIVATE_KEY -> establishAsInitiator();
    }
    // The last thing, so that it is young: an initiation that comes now is one too soon.
    establish(second, second.begin());
    switch (phase) {
      case UNDER_LOAD -> load();
      case DOWN -> {
        core.down(now);
        path.afterCore();
      }
      case WITHOUT_PRIVATE_KEY -> {
        core.change(
            TunnelChange.NONE.withPrivateKey(PrivateKey.of(new byte[PrivateKey.BYTES])), now);
        path.afterCore();
      }
      default -> {}
    }
    takeDelivered();
    takeSent();
    assertThat(inside.counters().dropped() + outside.counters().dropped()).isZero();
  }

  /** The first peer's session as it is now. */
  private Session session(FarEnd far) {
    Session session = new Session(far, far.keypair(), peer(far));
    sessions.add(session);
    return session;
  }

  private void say(FarEnd far, byte[] message) {
    genuine.add(new Genuine(message, false));
    arrive(List.of(Arrival.of(message, far.place())));
  }

  /** The tunnel's last message, which is of this type. */
  private byte[] answer(int type) {
    byte[] message = outside.sent.getLast();
    assertThat(message[0]).isEqualTo((byte) type);
    genuine.add(new Genuine(message, false)); // Somebody may send it back.
    return message;
  }

  /** The tunnel begins a handshake with the first peer. */
  private byte[] initiate() {
    route(List.of(new InsidePacket(first.flow(false).reversed().sized(60, 1), 0)));
    expire();
    return answer(Messages.INITIATION);
  }

  private byte[] cookieReply(byte[] initiation) {
    byte[] given = new byte[16];
    byte[] nonce = new byte[Crypto.NONCE_BYTES];
    random.nextBytes(given);
    random.nextBytes(nonce);
    return Cookies.reply(CRYPTO, first.identity(), given, initiation, nonce);
  }

  private void withheldAnswers(byte[] initiation) {
    genuine.add(new Genuine(cookieReply(initiation), true));
    first.receive(initiation);
    genuine.add(new Genuine(first.take(Messages.RESPONSE), true));
  }

  /** The tunnel answers the first peer, who does not show that he has heard it. */
  private void respond() {
    say(first, first.begin());
    first.receive(answer(Messages.RESPONSE));
    session(first);
    first.take(Messages.TRANSPORT);
  }

  private void establishAsInitiator() {
    first.receive(initiate());
    say(first, first.take(Messages.RESPONSE));
    first.receive(answer(Messages.TRANSPORT));
    session(first);
  }

  private void establishAsResponder() {
    establish(first, first.begin());
  }

  private void establish(FarEnd far, byte[] initiation) {
    say(far, initiation);
    far.receive(answer(Messages.RESPONSE));
    Session session = session(far);
    assertThat(session.accept(session.takeNext())).isTrue();
    arrive(List.of(Arrival.of(far.take(Messages.TRANSPORT), far.place())));
    assertThat(inside.delivered).isNotEmpty();
  }

  /** More messages wait than the tunnel likes; then the first peer gets a cookie. */
  private void load() {
    for (int i = 0; i <= WAITING_UNDER_LOAD; i++) {
      byte[] junk = new byte[Messages.INITIATION_BYTES];
      junk[0] = Messages.INITIATION;
      outside.arrived.add(Arrival.of(junk, first.place()));
    }
    settle();
    byte[] refused = first.initiation(new byte[12]);
    say(first, refused);
    cookie =
        Cookies.open(CRYPTO, first.tunnel(), Macs.mac1(refused), answer(Messages.COOKIE_REPLY));
    assertThat(cookie).isNotNull();
  }

  @Override
  public void close() {
    path.close();
    core.down(now);
    first.end();
    second.end();
    stranger.end();
  }

  private final class Output implements CoreOutput {
    @Override
    public void send(byte[] message, Endpoint to) {
      path.send(message, to);
    }

    @Override
    public void work(HandshakeWork work) {
      works.add(work);
    }

    @Override
    public void flush(Peer peer) {
      path.wantsFlush(peer);
    }

    @Override
    public void deadline(Peer peer) {
      // Time stands still; initiate() says when one has come.
    }

    @Override
    public void added(Peer peer) {
      peers.put(peer.publicKey(), peer);
    }

    @Override
    public void removed(Peer peer) {
      peers.remove(peer.publicKey());
    }
  }

  /** Gives what has arrived, and keeps what is sent. */
  private static final class Outside extends TestPort {
    private final ArrayDeque<Arrival> arrived = new ArrayDeque<>();
    private final List<byte[]> sent = new ArrayList<>();

    Outside() {
      super("outside");
    }

    @Override
    public Layer layer() {
      return Layer.DATAGRAM;
    }

    @Override
    public int receive(PacketBatch into) {
      int packets = 0;
      for (Arrival next = arrived.peek();
          next != null && into.append(next.bytes, 0, (int) next.bytes.byteSize());
          next = arrived.peek()) {
        into.setOffload(into.count() - 1, next.word);
        into.setEndpoint(into.count() - 1, next.from);
        arrived.remove();
        packets++;
      }
      return packets;
    }

    @Override
    public int send(PacketBatch batch, int from) {
      for (int i = from; i < batch.count(); i++) {
        sent.add(batch.packet(i).toByteArray());
      }
      return batch.count() - from;
    }
  }

  /** Takes everything, super-packets too. */
  private static final class Inside extends TestPort {
    private static final Set<OffloadFeature> ALL = EnumSet.allOf(OffloadFeature.class);

    private final ArrayDeque<InsidePacket> toSend = new ArrayDeque<>();
    private final List<InsidePacket> delivered = new ArrayList<>();

    Inside() {
      super("inside");
    }

    @Override
    public Set<OffloadFeature> offloads() {
      return ALL;
    }

    @Override
    public int receive(PacketBatch into) {
      int packets = 0;
      for (InsidePacket next = toSend.peek();
          next != null && into.append(next.packet);
          next = toSend.peek()) {
        into.setOffload(into.count() - 1, next.word);
        toSend.remove();
        packets++;
      }
      return packets;
    }

    @Override
    public int send(PacketBatch batch, int from) {
      for (int i = from; i < batch.count(); i++) {
        delivered.add(new InsidePacket(batch.packet(i), batch.offload(i)));
      }
      return batch.count() - from;
    }
  }
}
