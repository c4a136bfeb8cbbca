package io.vnet.tunnel.fuzz;

import io.vnet.api.address.Endpoint;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.fuzz.FuzzWorld.Genuine;
import io.vnet.tunnel.noise.Macs;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.noise.Tai64n;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.testkit.IpFlow;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Makes datagrams for a world, one after the other, and says what each must come to. The order
 * counts: what is a replay depends on what was taken.
 */
final class HostileDatagrams {
  private static final long SECOND = 1_000_000_000L;
  private static final int KEPT = 64;
  private static final int[] INITIATION_FIELDS = {0, 4, 8, 40, 88, 116, 132, 148};
  private static final int[] RESPONSE_FIELDS = {0, 4, 8, 12, 44, 60, 76, 92};
  private static final int[] COOKIE_FIELDS = {0, 4, 8, 32, 48, 64};
  private static final List<Endpoint> PLACES =
      List.of(
          Endpoint.parse("192.0.2.2:51820"),
          Endpoint.parse("192.0.2.3:51820"),
          Endpoint.parse("192.0.2.2:1024"),
          Endpoint.parse("198.51.100.66:6"),
          Endpoint.parse("[2001:db8::66]:6"));

  /**
   * A datagram and what must become of it.
   *
   * @param reason why it is dropped; null: for any reason that there is, or not at all if it is
   *     accepted
   * @param session whose message is accepted: authentic, new and in time; null: it is not, and
   *     changes nothing
   * @param delivered what comes out inside; null: nothing
   */
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
  record Hostile(
      byte[] bytes,
      Endpoint from,
      int ecn,
      @Nullable TunnelDrop reason,
      @Nullable Session session,
      byte @Nullable [] delivered) {
    /** Whether it is accepted and there is nothing in it. */
    boolean isKeepalive() {
      return session != null && reason == null && delivered == null;
    }
  }

  /** An authentic message that was sent before. */
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares them.
  private record Sent(Session session, byte[] bytes, byte[] text, long counter) {}

  private final FuzzWorld world;
  private final Phase phase;
  private final SplittableRandom random;
  private final InnerPackets inner;
  private final List<Sent> sent = new ArrayList<>();

  /** Authentic initiations that must not be taken, and why. */
  private final List<Hostile> initiations = new ArrayList<>();

  HostileDatagrams(FuzzWorld world, Phase phase) {
    this.world = world;
    this.phase = phase;
    this.random = world.random();
    this.inner = new InnerPackets(random);
    long unixNanos = world.unixNanos();
    for (int i = 1; i <= 2; i++) {
      addInitiation(world.second(), unixNanos - i * SECOND, TunnelDrop.INITIATION_REPLAY);
      addInitiation(world.second(), unixNanos + i * SECOND, TunnelDrop.INITIATION_FLOOD);
      addInitiation(world.stranger(), unixNanos + i * SECOND, TunnelDrop.UNKNOWN_PEER);
    }
  }

  private void addInitiation(FarEnd by, long unixNanos, TunnelDrop reason) {
    boolean looked =
        switch (phase) {
          case UNDER_LOAD, DOWN, WITHOUT_PRIVATE_KEY -> false;
          default -> true;
        };
    byte[] message = by.initiation(Tai64n.of(unixNanos));
    initiations.add(new Hostile(message, by.place(), 0, looked ? reason : null, null, null));
  }

  /** Some more, at least one. */
  void addTo(List<Hostile> burst) {
    int kind = random.nextInt(100);
    if (kind < 12) {
      burst.add(handshake(false));
    } else if (kind < 18) {
      burst.add(handshake(true));
    } else if (kind < 22) {
      burst.add(replayedHandshake());
    } else if (kind < 23) {
      burst.add(initiations.get(random.nextInt(initiations.size())));
    } else if (kind < 30) {
      burst.add(junk());
    } else if (kind < 52) {
      burst.add(forged());
    } else if (kind < 62) {
      burst.add(replayed());
    } else if (kind < 65) {
      burst.add(unusual());
    } else if (kind < 67) {
      flow(burst);
    } else {
      Session session = session();
      boolean v6 = random.nextBoolean();
      byte[] text =
          random.nextInt(4) == 0
              ? inner.good(session.sender().flow(v6))
              : inner.odd(session.sender().flow(v6), notOf(session, v6));
      burst.add(authentic(session, counter(session), text));
    }
  }

  private Endpoint place() {
    return PLACES.get(random.nextInt(PLACES.size()));
  }

  private Session session() {
    return world.sessions().get(random.nextInt(world.sessions().size()));
  }

  private Hostile refused(byte[] bytes, @Nullable TunnelDrop reason) {
    return new Hostile(bytes, place(), random.nextInt(4), reason, null, null);
  }

  // Handshake messages.

  private Hostile handshake(boolean signed) {
    byte[] mutant;
    do {
      Genuine genuine = world.genuine().get(random.nextInt(world.genuine().size()));
      mutant = mutate(genuine.bytes().clone(), signed);
      boolean hasMacs =
          mutant.length == Messages.INITIATION_BYTES || mutant.length == Messages.RESPONSE_BYTES;
      if (hasMacs && signed) {
        world.first().signed(mutant);
        byte[] cookie = world.cookie();
        if (cookie != null && random.nextBoolean()) {
          Macs.signWithCookie(FuzzWorld.CRYPTO, cookie, mutant);
          return new Hostile(mutant, world.first().place(), 0, null, null, null);
        }
      }
    } while (isAuthentic(mutant));
    return refused(mutant, null);
  }

  /**
   * Whether its sender's keys vouch for it and it has not been taken before: they do so neither for
   * the sender's index of a handshake message (mac1 covers it) nor for the macs, nor for the
   * receiver's index of a cookie reply.
   */
  private boolean isAuthentic(byte[] mutant) {
    for (Genuine genuine : world.genuine()) {
      byte[] bytes = genuine.bytes();
      int covered = bytes.length - (bytes[0] == Messages.COOKIE_REPLY ? 0 : 32);
      if (genuine.fresh()
          && bytes.length == mutant.length
          && Arrays.equals(bytes, 0, 4, mutant, 0, 4)
          && Arrays.equals(bytes, 8, covered, mutant, 8, covered)) {
        return true;
      }
    }
    return false;
  }

  private static int[] fields(byte[] message) {
    return switch (message.length == 0 ? 0 : message[0]) {
      case Messages.INITIATION -> INITIATION_FIELDS;
      case Messages.RESPONSE -> RESPONSE_FIELDS;
      case Messages.COOKIE_REPLY -> COOKIE_FIELDS;
      default -> new int[] {0, 4, 8, 16, message.length - 16, message.length};
    };
  }

  /**
   * Changes a message in one of many ways.
   *
   * @param keepsLength because it is going to be signed
   */
  private byte[] mutate(byte[] message, boolean keepsLength) {
    int[] fields = fields(message);
    int field = random.nextInt(fields.length - 1);
    int from = Math.min(fields[field], message.length - 1);
    int to = Math.max(from + 1, Math.min(fields[field + 1], message.length));
    byte[] mutant = message;
    switch (random.nextInt(keepsLength ? 6 : 8)) {
      case 0, 1 -> mutant[from + random.nextInt(to - from)] ^= (byte) (1 << random.nextInt(8));
      case 2 -> Arrays.fill(mutant, from, to, (byte) (random.nextBoolean() ? 0 : -1));
      case 3 -> {
        for (int i = from; i < to; i++) {
          mutant[i] = (byte) random.nextInt();
        }
      }
      case 4 -> {
        byte[] other = world.genuine().get(random.nextInt(world.genuine().size())).bytes();
        int end = Math.min(to, other.length);
        if (from < end) {
          System.arraycopy(other, from, mutant, from, end - from);
        }
      }
      case 5 -> {
        byte[] other = world.genuine().get(random.nextInt(world.genuine().size())).bytes();
        int at = random.nextInt(Math.min(mutant.length, other.length));
        int length = random.nextInt(Math.min(mutant.length, other.length) - at + 1);
        System.arraycopy(other, at, mutant, at, length);
      }
      case 6 -> mutant = Arrays.copyOf(mutant, 1 + random.nextInt(mutant.length));
      default -> mutant = Arrays.copyOf(mutant, mutant.length + 1 + random.nextInt(64));
    }
    return mutant;
  }

  /** One that was taken, or was the tunnel's own, as it was. */
  private Hostile replayedHandshake() {
    Genuine genuine;
    do {
      genuine = world.genuine().get(random.nextInt(world.genuine().size()));
      if (genuine.fresh() && world.genuine().stream().allMatch(Genuine::fresh)) {
        return junk();
      }
    } while (genuine.fresh());
    return genuine.bytes()[0] == Messages.TRANSPORT ? junk() : refused(genuine.bytes(), null);
  }

  private Hostile junk() {
    int length =
        switch (random.nextInt(4)) {
          case 0 -> 1 + random.nextInt(260);
          case 1 -> 32 + 16 * random.nextInt(90);
          case 2 ->
              switch (random.nextInt(3)) {
                case 0 -> Messages.INITIATION_BYTES;
                case 1 -> Messages.RESPONSE_BYTES;
                default -> Messages.COOKIE_REPLY_BYTES;
              };
          default -> 1 + random.nextInt(random.nextInt(100) == 0 ? 65_507 : 1500);
        };
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    if (random.nextInt(8) > 0) {
      int type = random.nextInt(6);
      for (int i = 0; i < Math.min(4, length); i++) {
        bytes[i] = (byte) (i == 0 ? type : 0);
      }
    }
    return refused(bytes, null);
  }

  // Transport messages.

  /** A message that its keys do not vouch for. */
  private Hostile forged() {
    Session session = session();
    byte[] text = inner.good(session.sender().flow(random.nextBoolean()));
    byte[] message = FarEnd.seal(session.keypair(), counter(session), text);
    return switch (random.nextInt(4)) {
      case 0 -> {
        int index = session().keypair().remoteIndex();
        if (index == session.keypair().remoteIndex()) {
          index ^= 1 << random.nextInt(32);
        }
        ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN).putInt(4, index);
        yield refused(message, null);
      }
      case 1 -> {
        byte[] other = FarEnd.seal(session.keypair(), session.greatest() + 99, text.clone());
        other[other.length - 1] ^= 1;
        System.arraycopy(other, 16, message, 16, other.length - 16);
        yield refused(message, null);
      }
      default -> {
        byte[] mutant = mutate(message.clone(), false);
        yield Arrays.equals(mutant, message) ? junk() : refused(mutant, null);
      }
    };
  }

  private Hostile replayed() {
    if (sent.isEmpty()) {
      return forged();
    }
    Sent before = sent.get(random.nextInt(sent.size()));
    return judged(before.session, before.bytes, before.text, before.counter);
  }

  /** A keepalive, or a counter that is far away. */
  private Hostile unusual() {
    Session session = session();
    byte[] text = inner.good(session.sender().flow(random.nextBoolean()));
    return switch (random.nextInt(12)) {
      case 0, 1, 2 ->
          authentic(session, Keypair.REJECT_AFTER_MESSAGES + random.nextInt(8192), text);
      case 3 -> authentic(session, -1, text);
      case 4 -> authentic(session, random.nextLong() | Long.MIN_VALUE >> 50, text);
      case 5 -> {
        long jump = session.greatest() + random.nextInt(20_000);
        session.jumpTo(jump);
        yield authentic(session, jump, text);
      }
      case 6 -> {
        if (random.nextInt(40) > 0) {
          yield authentic(session, counter(session), new byte[0]);
        }
        long far =
            random.nextInt(4) == 0
                ? Keypair.REJECT_AFTER_MESSAGES - 1 - random.nextInt(3)
                : session.greatest() + (random.nextLong() >>> (2 + random.nextInt(40)));
        yield authentic(session, far, text);
      }
      default -> authentic(session, counter(session), new byte[0]);
    };
  }

  /** Mostly the next one, sometimes one that was left out, or may be too late. */
  private long counter(Session session) {
    return switch (random.nextInt(10)) {
      case 0 -> session.greatest() - random.nextInt(9000);
      case 1 -> {
        session.takeNext();
        yield session.takeNext();
      }
      case 2 -> session.greatest() - random.nextInt(8);
      default -> session.takeNext();
    };
  }

  private void flow(List<Hostile> burst) {
    Session session = session();
    IpFlow flow = session.sender().flow(random.nextBoolean());
    for (byte[] packet : inner.burst(flow, 2 + random.nextInt(12))) {
      byte[] text = Arrays.copyOf(packet, packet.length + (-packet.length & 15));
      burst.add(authentic(session, session.takeNext(), text, place(), 0));
    }
  }

  private List<IpFlow> notOf(Session session, boolean v6) {
    FarEnd other = session.sender() == world.first() ? world.second() : world.first();
    return List.of(
        other.flow(v6),
        world.stranger().flow(v6),
        v6 ? IpFlow.of("fd09::1", "fd09::1") : IpFlow.of("10.9.0.1", "10.9.0.1"),
        v6 ? IpFlow.of("fd08::7", "fd09::1") : IpFlow.of("10.8.3.7", "10.9.0.1"),
        v6 ? IpFlow.of("::", "fd09::1") : IpFlow.of("127.0.0.1", "10.9.0.1"));
  }

  private Hostile authentic(Session session, long counter, byte[] text) {
    return authentic(session, counter, text, place(), random.nextInt(4));
  }

  private Hostile authentic(Session session, long counter, byte[] text, Endpoint from, int ecn) {
    byte[] bytes = FarEnd.seal(session.keypair(), counter, text);
    Sent now = new Sent(session, bytes, text, counter);
    if (sent.size() < KEPT) {
      sent.add(now);
    } else {
      sent.set(random.nextInt(KEPT), now);
    }
    return judged(session, bytes, text, counter, from, ecn);
  }

  private Hostile judged(Session session, byte[] bytes, byte[] text, long counter) {
    return judged(session, bytes, text, counter, place(), random.nextInt(4));
  }

  /** What must become of an authentic message. */
  private Hostile judged(
      Session session, byte[] bytes, byte[] text, long counter, Endpoint from, int ecn) {
    if (phase == Phase.DOWN) {
      return new Hostile(bytes, from, ecn, TunnelDrop.UNKNOWN_INDEX, null, null);
    }
    boolean expired = phase == Phase.EXPIRED && session.sender() == world.first();
    if (expired || Long.compareUnsigned(counter, Keypair.REJECT_AFTER_MESSAGES) >= 0) {
      return new Hostile(bytes, from, ecn, TunnelDrop.EXPIRED_KEY, null, null);
    }
    if (!session.accept(counter)) {
      return new Hostile(bytes, from, ecn, TunnelDrop.REPLAY, null, null);
    }
    if (text.length == 0) {
      return new Hostile(bytes, from, ecn, null, session, null);
    }
    byte[] packet = InnerPackets.packetIn(text);
    if (packet == null) {
      return new Hostile(bytes, from, ecn, TunnelDrop.BAD_INNER, session, null);
    }
    if (!InnerPackets.isFrom(session.sender() == world.first() ? 2 : 3, packet)) {
      return new Hostile(bytes, from, ecn, TunnelDrop.DISALLOWED_SOURCE, session, null);
    }
    byte[] delivered = ecn == DatagramTrain.CE ? InnerPackets.congested(packet) : packet;
    return new Hostile(bytes, from, ecn, null, session, delivered);
  }
}
