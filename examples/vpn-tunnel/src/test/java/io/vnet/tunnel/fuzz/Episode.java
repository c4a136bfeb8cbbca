package io.vnet.tunnel.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.header.InternetChecksum;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.offload.Offload;
import io.vnet.api.offload.OffloadStatus;
import io.vnet.api.offload.Segmenter;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.fuzz.FuzzWorld.Arrival;
import io.vnet.tunnel.fuzz.FuzzWorld.InsidePacket;
import io.vnet.tunnel.fuzz.HostileDatagrams.Hostile;
import io.vnet.tunnel.settings.TunnelDrop;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Some thousand hostile datagrams into one world, in bursts of which each is checked: what came out
 * is what should have, every datagram was delivered, a keepalive, or counted once for the right
 * reason, nothing was sent that nobody was entitled to, and no state has changed but that of peers
 * whose keys vouch for a message, and of these not more than a message may change.
 */
final class Episode {
  /** How many datagrams; a burst may take it a little beyond. */
  static final int DATAGRAMS = 2_500;

  private static final int BURST_MAX = 40;
  private static final int TRAIN_MAX = 64;
  private static final int TRAIN_BYTES_MAX = 65_507;

  private final Phase phase;
  private final long seed;
  private final FuzzWorld world;
  private final HostileDatagrams hostile;
  private final StateDigest digest;
  private long done;

  private Episode(Phase phase, long seed) {
    this.phase = phase;
    this.seed = seed;
    this.world = new FuzzWorld(seed, phase);
    this.hostile = new HostileDatagrams(world, phase);
    this.digest = new StateDigest(world.core());
  }

  /**
   * Runs one, the same for the same seed.
   *
   * @param counts the drops by reason are added to it
   * @return the number of datagrams
   * @throws AssertionError with phase, seed and the burst's datagrams in hexadecimal
   */
  static long run(Phase phase, long seed, Map<TunnelDrop, Long> counts) {
    Episode episode = new Episode(phase, seed);
    try {
      Map<TunnelDrop, Long> before = episode.drops();
      while (episode.done < DATAGRAMS) {
        episode.burst();
      }
      episode.dropsSince(before).forEach((reason, n) -> counts.merge(reason, n, Long::sum));
      return episode.done;
    } finally {
      episode.world.close();
    }
  }

  private void burst() {
    List<Hostile> burst = new ArrayList<>();
    int size = world.random().nextInt(4) == 0 ? 1 : 1 + world.random().nextInt(BURST_MAX);
    while (burst.size() < size) {
      hostile.addTo(burst);
    }
    try {
      check(burst);
    } catch (AssertionError | RuntimeException e) {
      StringBuilder text = new StringBuilder();
      text.append(phase)
          .append(", -Dvnet.seed=" + seed)
          .append(" (datagram " + done + " on): ")
          .append(e.getMessage());
      burst.forEach(one -> text.append("\n  ").append(describe(one)));
      throw new AssertionError(text.toString(), e);
    }
    done += burst.size();
  }

  private static String describe(Hostile one) {
    String expected =
        one.reason() != null
            ? one.reason().toString()
            : one.isKeepalive() ? "a keepalive" : one.delivered() != null ? "delivered" : "dropped";
    return expected + " from " + one.from() + ": " + HexFormat.of().formatHex(one.bytes());
  }

  private void check(List<Hostile> burst) {
    Set<Peer> spokenTo = new HashSet<>();
    Map<Peer, Endpoint> lastFrom = new HashMap<>();
    for (Hostile one : burst) {
      Session session = one.session();
      if (session != null) {
        spokenTo.add(session.receiver());
        lastFrom.put(session.receiver(), one.from());
      }
    }
    long before = digest.but(spokenTo);
    Map<TunnelDrop, Long> dropsBefore = drops();

    world.arrive(pack(burst));

    assertThat(digest.but(spokenTo)).as("state without authentication").isEqualTo(before);
    lastFrom.forEach((peer, from) -> assertThat(peer.endpoint()).as("endpoint").isEqualTo(from));
    List<byte[]> delivered = split(world.takeDelivered());
    checkDelivered(burst, delivered);
    Map<TunnelDrop, Long> drops = dropsSince(dropsBefore);
    checkCounted(burst, drops, delivered.size());
    List<byte[]> sent = world.takeSent();
    if (spokenTo.isEmpty()) {
      long cookies = drops.getOrDefault(TunnelDrop.COOKIE_SENT, 0L);
      assertThat(sent).as("answers, none but cookies").hasSize((int) cookies);
      assertThat(sent).allSatisfy(message -> assertThat(message).hasSize(64));
    }
  }

  private Map<TunnelDrop, Long> drops() {
    return world.core().drops().snapshot();
  }

  private Map<TunnelDrop, Long> dropsSince(Map<TunnelDrop, Long> before) {
    Map<TunnelDrop, Long> since = new EnumMap<>(TunnelDrop.class);
    drops()
        .forEach((reason, number) -> {
          long more = number - before.getOrDefault(reason, 0L);
          if (more > 0) {
            since.put(reason, more);
          }
        });
    return since;
  }

  private static void checkCounted(
      List<Hostile> burst, Map<TunnelDrop, Long> drops, int delivered) {
    Map<TunnelDrop, Long> expected = new EnumMap<>(TunnelDrop.class);
    long keepalives = 0;
    long forAnyReason = 0;
    for (Hostile one : burst) {
      if (one.reason() != null) {
        expected.merge(one.reason(), 1L, Long::sum);
      } else if (one.isKeepalive()) {
        keepalives++;
      } else if (one.delivered() == null) {
        forAnyReason++;
      }
    }
    long dropped = drops.values().stream().mapToLong(Long::longValue).sum();
    assertThat(dropped + keepalives + delivered)
        .as("delivered, keepalives or counted: %s", drops)
        .isEqualTo(burst.size());
    if (forAnyReason == 0) {
      assertThat(drops).as("drops").isEqualTo(expected);
    } else {
      expected.forEach((reason, number) ->
          assertThat(drops.getOrDefault(reason, 0L))
              .as("%s", reason)
              .isGreaterThanOrEqualTo(number));
    }
  }

  /** As batches of datagrams, those of one length now and then as a train. */
  private List<Arrival> pack(List<Hostile> burst) {
    List<Arrival> arrivals = new ArrayList<>();
    int i = 0;
    while (i < burst.size()) {
      Hostile first = burst.get(i);
      int segmentBytes = first.bytes().length;
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      int count = 0;
      int longest = world.random().nextInt(4) == 0 ? 1 : TRAIN_MAX;
      boolean more = true;
      while (more && i + count < burst.size() && count < longest) {
        Hostile next = burst.get(i + count);
        int length = next.bytes().length;
        if (length > segmentBytes
            || next.ecn() != first.ecn()
            || !next.from().equals(first.from())
            || bytes.size() + length > TRAIN_BYTES_MAX) {
          break;
        }
        bytes.writeBytes(next.bytes());
        more = length == segmentBytes;
        count++;
      }
      long word = DatagramTrain.of(count == 1 ? 0 : segmentBytes, first.ecn());
      arrivals.add(new Arrival(MemorySegment.ofArray(bytes.toByteArray()), first.from(), word));
      i += count;
    }
    return arrivals;
  }

  // What comes out.

  private static List<byte[]> split(List<InsidePacket> delivered) {
    List<byte[]> packets = new ArrayList<>();
    for (InsidePacket one : delivered) {
      if (!Offload.isSegmented(one.word())) {
        packets.add(one.packet().toByteArray());
        continue;
      }
      SPLIT.clear();
      assertThat(SPLIT.append(one.packet())).isTrue();
      SPLIT.setOffload(0, one.word());
      assertThat(SEGMENTER.begin(SPLIT, 0)).isEqualTo(OffloadStatus.OK);
      while (SEGMENTER.nextInPlace()) {
        packets.add(
            Packet.of(SPLIT.segment(), SEGMENTER.offset(), SEGMENTER.length()).toByteArray());
      }
    }
    return packets;
  }

  /** The same packets, to the byte, and those of a flow in their order. */
  private static void checkDelivered(List<Hostile> burst, List<byte[]> delivered) {
    Map<String, List<String>> expected = new HashMap<>();
    for (Hostile one : burst) {
      if (one.delivered() != null) {
        addTo(expected, one.delivered());
      }
    }
    Map<String, List<String>> actual = new HashMap<>();
    delivered.forEach(packet -> addTo(actual, packet));
    assertThat(actual).as("what came out").isEqualTo(expected);
  }

  private static void addTo(Map<String, List<String>> flows, byte[] packet) {
    boolean v4 = packet[0] >> 4 == 4;
    int header = v4 ? 20 : 40;
    String flow =
        HexFormat.of().formatHex(packet, v4 ? 12 : 8, Math.min(packet.length, header + 4));
    flows
        .computeIfAbsent(flow + packet[v4 ? 9 : 6], _ -> new ArrayList<>())
        .add(HexFormat.of().formatHex(normal(packet)));
  }

  /**
   * Without what splitting makes anew: of a whole packet of IPv4 whose header's checksum is right,
   * and that must not be fragmented, the identification, which says nothing then.
   */
  private static byte[] normal(byte[] packet) {
    if (packet[0] != 0x45 || (packet[6] & 0x40) == 0) {
      return packet;
    }
    long sum = InternetChecksum.sum(MemorySegment.ofArray(packet), 0, 20);
    if (InternetChecksum.fold(sum) != 0xFFFF) {
      return packet;
    }
    byte[] copy = packet.clone();
    ByteBuffer.wrap(copy).putShort(4, (short) 0).putShort(10, (short) 0);
    return copy;
  }

  private static final SlabPool SLABS = new SlabPool(1 << 20, 1);
  private static final PacketBatch SPLIT = new BatchPool(SLABS).acquire();
  private static final Segmenter SEGMENTER = new Segmenter(Layer.L3);
}
