package io.vnet.tunnel.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What peers cost that do nothing. */
class PeerMemoryTest {
  private static final int PEERS = 10_000;
  private static final int BYTES_MAX = 1_500;

  /** Nothing ever happens. */
  private static final class Silence implements CoreOutput {
    @Override
    public void send(byte[] message, Endpoint to) {}

    @Override
    public void work(HandshakeWork work) {}

    @Override
    public void flush(Peer peer) {}

    @Override
    public void deadline(Peer peer) {}

    @Override
    public void added(Peer peer) {}

    @Override
    public void removed(Peer peer) {}
  }

  @Test
  void an_idle_peer_takes_little_memory() {
    SplittableRandom random = new SplittableRandom(1);
    TunnelCore core = new TunnelCore(CryptoProviders.choose(), random::nextBytes, new Silence());
    byte[] key = new byte[PrivateKey.BYTES];
    random.nextBytes(key);
    core.change(TunnelChange.NONE.withPrivateKey(PrivateKey.of(key)), 0);
    core.up(0);
    long before = used();
    // In parts, so that the change itself, with its own copies, is not what is measured.
    for (int from = 0; from < PEERS; from += 100) {
      List<PeerChange> changes = new ArrayList<>();
      for (int i = from; i < from + 100; i++) {
        byte[] peer = new byte[PublicKey.BYTES];
        random.nextBytes(peer);
        changes.add(
            PeerChange.of(PublicKey.of(peer))
                .withEndpoint(Endpoint.of(IpAddress.v4(i), 51820))
                .withAllowedIps(List.of(new IpPrefix(IpAddress.v4(0x0A00_0000 + i), 32))));
      }
      core.change(TunnelChange.NONE.withPeers(changes), 0);
    }
    long perPeer = (used() - before) / PEERS;

    assertThat(core.status().peers()).hasSize(PEERS);
    assertThat(perPeer).as("bytes a peer").isBetween(100L, (long) BYTES_MAX);
  }

  private static long used() {
    System.gc();
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }
}
