package io.vnet.tunnel;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.VnetHost;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.testkit.IpFlow;
import io.vnet.tunnel.testkit.Mailbox;
import io.vnet.tunnel.testkit.TunnelPair;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Two tunnels over a network in memory, with real handshakes and keys. */
class WireGuardTunnelTest {
  private static final int QUEUE = 64;

  private final VnetHost host = VnetHost.start();
  private final MemoryPort leftPort = MemoryPort.pair("left", Layer.L3, QUEUE);
  private final MemoryPort rightPort = MemoryPort.pair("right", Layer.L3, QUEUE);

  @AfterEach
  void close() {
    host.close();
  }

  private TunnelPair pair(MemoryDatagrams network) {
    return TunnelPair.inMemory(
        host, network, leftPort, leftPort.peer(), rightPort, rightPort.peer());
  }

  @Test
  void packets_cross_both_ways_in_both_families() throws InterruptedException {
    try (TunnelPair pair = pair(MemoryDatagrams.create());
        Mailbox left = new Mailbox(leftPort.peer());
        Mailbox right = new Mailbox(rightPort.peer())) {
      for (IpFlow flow : List.of(TunnelPair.V4, TunnelPair.V6)) {
        Packet question = flow.udp(1, IpFlow.payload(100, 1));
        left.send(question);
        assertThat(right.next()).isEqualTo(question);
        Packet answer = flow.reversed().udp(2, IpFlow.payload(1000, 2));
        right.send(answer);
        assertThat(left.next()).isEqualTo(answer);
      }
      assertThat(pair.left.peer().lastHandshake()).isPresent();
      assertThat(pair.right.peer().lastHandshake()).isPresent();
      assertThat(pair.left.status().drops()).isEmpty();
      assertThat(pair.right.status().drops()).isEmpty();
      assertThat(pair.left.peer().sentBytes()).isEqualTo(pair.right.peer().receivedBytes());
    }
  }
}
