package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.core.TunnelSim.Node;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What the packets' path calls of the core allocates nothing. */
class PacketPathAllocationTest {
  private static final int WARM = 20_000;
  private static final int MEASURED = 200_000;

  /**
   * A byte a round: the smallest object has 16. What there is comes of deadlines that are told of,
   * here as events of the simulation, and of code that is not compiled yet.
   */
  private static final long BYTES_MAX = MEASURED;

  private final TunnelSim sim = new TunnelSim(11);
  private final Node a = sim.node();
  private final Node b = sim.node();
  private long counter;

  @Test
  void sending_receiving_and_looking_up_allocate_nothing() {
    sim.handshake(a, b);
    TunnelCore core = a.core();
    Peer peer = a.peer(b);
    Keypair keypair = Objects.requireNonNull(peer.current());
    byte[] bytes = TunnelSim.packet(b.address(), b.address(), "x");
    byte[] bytes6 = TunnelSim.packet(b.address6(), b.address6(), "x");
    MemorySegment packet = MemorySegment.ofArray(bytes);
    MemorySegment packet6 =
        Arena.ofAuto().allocate(bytes6.length).copyFrom(MemorySegment.ofArray(bytes6));
    Endpoint[] ways = {b.endpoint(), Endpoint.parse("10.100.0.2:1")};

    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int found = 0;
    long before = 0;
    for (int i = 0; i < WARM + MEASURED; i++) {
      if (i == WARM) {
        before = threads.getCurrentThreadAllocatedBytes();
      }
      long now = sim.now() + i * 100_000L; // 22 s in all: timers are armed, put off, cancelled.
      found += core.byDestination(packet, 0, bytes.length) == peer ? 1 : 0;
      found += core.byDestination(packet6, 0, bytes6.length) == peer ? 1 : 0;
      if (peer.beginSending(now) == keypair) {
        keypair.takeCounter();
        peer.sent(now, 64, (i & 3) != 0);
        found++;
      }
      if (core.keypair(keypair.localIndex()) == keypair
          && keypair.isReceivable(now)
          && keypair.accept(++counter)) {
        peer.received(now, keypair, ways[i >> 10 & 1], 64, (i & 3) != 0);
        found += core.bySource(packet, 0, bytes.length) == peer ? 1 : 0;
      }
    }
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;

    assertThat(found).isEqualTo(4 * (WARM + MEASURED));
    assertThat(allocated).isLessThan(BYTES_MAX);
  }
}
