package io.vnet.tunnel.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.io.testkit.Heap;
import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.fuzz.FuzzWorld.Arrival;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.noise.Tai64n;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What a datagram that is refused costs the heap: next to nothing if it is, or claims to be, a
 * transport message, so much and no more if it is a handshake message, and nothing that stays. More
 * of them, by {@code -Dvnet.tunnel.fuzz.refused=}, in {@code mvn verify -Pfuzz}.
 */
class HostileAllocationTest {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final long FEW = 10_000;
  private static final long MANY = Long.getLong("vnet.tunnel.fuzz.refused", 1_000_000);
  private static final int RUNS = 5;
  private static final int KINDS = 64;
  private static final int BATCH = 32;
  private static final double TRANSPORT_BYTES_MAX = 4;

  /** Its copy and what looks at mac1. */
  private static final double UNSIGNED_BYTES_MAX = 2 * 1024;

  /** That, and the first key agreement. */
  private static final double HANDSHAKE_BYTES_MAX = 16 * 1024;

  private static final long GROWTH_BYTES_MAX = 2L << 20;

  /** For the addresses of a botnet. */
  private static final int SOURCES = 4096;

  @Test
  void what_is_refused_leaves_nothing_in_the_heap() {
    refuseAll(FEW);
  }

  @Test
  @Tag("fuzz")
  void what_is_refused_a_million_times_leaves_nothing_in_the_heap() {
    refuseAll(MANY);
  }

  private static void refuseAll(long datagrams) {
    try (FuzzWorld world = new FuzzWorld(1, Phase.ESTABLISHED_AS_RESPONDER)) {
      refuse("transport", world, transports(world), datagrams, TRANSPORT_BYTES_MAX);
      refuse("no mac1", world, unsigned(world), datagrams, UNSIGNED_BYTES_MAX);
      refuse("handshake", world, signed(world), datagrams / 10, HANDSHAKE_BYTES_MAX);
    }
    try (FuzzWorld world = new FuzzWorld(1, Phase.UNDER_LOAD)) {
      refuse("handshake under load", world, signed(world), datagrams / 10, HANDSHAKE_BYTES_MAX);
    }
  }

  private static void refuse(
      String what, FuzzWorld world, List<Arrival> refused, long datagrams, double bytesMax) {
    List<List<Arrival>> batches = new ArrayList<>();
    for (int i = 0; i < refused.size(); i += BATCH) {
      batches.add(refused.subList(i, i + BATCH));
    }
    double least = Double.MAX_VALUE;
    arrive(world, batches, datagrams / RUNS);
    long heapBefore = Heap.usedBytes();
    for (int run = 0; run < RUNS; run++) {
      long dropsBefore = drops(world);
      long before = THREADS.getCurrentThreadAllocatedBytes();
      long count = arrive(world, batches, datagrams / RUNS);
      long bytes = THREADS.getCurrentThreadAllocatedBytes() - before;
      assertThat(drops(world) - dropsBefore).as("%s: counted", what).isEqualTo(count);
      least = Math.min(least, (double) bytes / count);
    }
    long growth = Heap.usedBytes() - heapBefore;
    System.out.printf(
        "refused, %s: %.1f bytes a datagram, the heap %+d after %d%n",
        what, least, growth, datagrams);
    assertThat(least).as("%s: bytes a datagram", what).isLessThanOrEqualTo(bytesMax);
    assertThat(growth).as("%s: growth", what).isLessThan(GROWTH_BYTES_MAX);
  }

  private static long arrive(FuzzWorld world, List<List<Arrival>> batches, long datagrams) {
    long count = 0;
    while (count < datagrams) {
      for (List<Arrival> batch : batches) {
        world.arrive(batch);
        world.forgetSent();
        count += batch.size();
      }
    }
    return count;
  }

  private static long drops(FuzzWorld world) {
    return world.core().drops().snapshot().values().stream().mapToLong(Long::longValue).sum();
  }

  /** From many places. */
  private static Endpoint place(FuzzWorld world) {
    return Endpoint.of(IpAddress.v4(0x0B00_0000 + world.random().nextInt(SOURCES)), 9);
  }

  private static List<Arrival> transports(FuzzWorld world) {
    List<Arrival> arrivals = new ArrayList<>();
    Session session = world.sessions().getFirst();
    Keypair keypair = session.keypair();
    byte[] text = session.sender().flow(false).sized(1000, 1).toByteArray();
    for (int i = 0; i < KINDS; i++) {
      byte[] message =
          switch (i % 6) {
            case 0 -> FarEnd.seal(keypair, 0, text); // The counter of the first message.
            case 1 -> FarEnd.seal(keypair, Keypair.REJECT_AFTER_MESSAGES + i, text);
            default -> FarEnd.seal(keypair, 100 + i, text);
          };
      switch (i % 6) {
        case 2 -> message[4] ^= 1; // Its index.
        case 3 -> message[8] ^= 1; // Its counter.
        case 4 -> message[message.length - 1] ^= 1;
        case 5 -> message = Arrays.copyOf(message, 1 + i % 31);
        default -> {}
      }
      arrivals.add(Arrival.of(message, place(world)));
    }
    return arrivals;
  }

  private static List<Arrival> unsigned(FuzzWorld world) {
    List<Arrival> arrivals = new ArrayList<>();
    for (int i = 0; i < KINDS; i++) {
      byte[] message = new byte[Messages.INITIATION_BYTES];
      world.random().nextBytes(message);
      Arrays.fill(message, 0, 4, (byte) 0);
      message[0] = Messages.INITIATION;
      arrivals.add(Arrival.of(message, place(world)));
    }
    return arrivals;
  }

  private static List<Arrival> signed(FuzzWorld world) {
    List<Arrival> arrivals = new ArrayList<>();
    for (int i = 0; i < KINDS; i++) {
      FarEnd by = i % 2 == 0 ? world.stranger() : world.second();
      byte[] message = by.initiation(Tai64n.of(world.unixNanos() - i));
      if (i % 4 > 1) {
        message[8 + i] ^= 1;
        by.signed(message);
      }
      arrivals.add(Arrival.of(message, place(world)));
    }
    return arrivals;
  }
}
