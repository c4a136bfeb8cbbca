package io.vnet.tunnel.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.VnetHost;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.packet.Packet;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.MemoryDatagrams;
import io.vnet.tunnel.Outside;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * Two tunnels that are each other's peer: left with 10.9.0.1 and fd09::1 inside, right with
 * 10.9.0.2 and fd09::2; outside 192.0.2.1 and 192.0.2.2 (and 2001:db8::1, ::2), at port 51820.
 */
public final class TunnelPair implements AutoCloseable {
  public static final int GUARD_SECONDS = 60;
  public static final int PORT = 51820;
  public static final IpFlow V4 = IpFlow.of("10.9.0.1", "10.9.0.2");
  public static final IpFlow V6 = IpFlow.of("fd09::1", "fd09::2");

  private static final Crypto CRYPTO = CryptoProviders.choose();

  public final Side left;
  public final Side right;

  /**
   * One of the two.
   *
   * @param far the other end of its inside port
   */
  public record Side(WireGuardTunnel tunnel, PublicKey key, PacketPort inside, PacketPort far) {
    public TunnelStatus status() {
      return join(tunnel.status());
    }

    public PeerStatus peer() {
      return status().peers().getFirst();
    }

    public long drops(TunnelDrop reason) {
      return status().drops().getOrDefault(reason, 0L);
    }
  }

  private TunnelPair(Side left, Side right) {
    this.left = left;
    this.right = right;
  }

  public static <T> T join(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  public static PrivateKey privateKey(int seed) {
    byte[] bytes = new byte[PrivateKey.BYTES];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (seed * 41 + i);
    }
    bytes[0] &= (byte) 0xF8;
    bytes[31] = (byte) ((bytes[31] & 0x7F) | 0x40);
    return PrivateKey.of(bytes);
  }

  public static PublicKey publicKey(int seed) {
    return PublicKey.of(CRYPTO.publicKey(privateKey(seed).bytes()));
  }

  public static IpAddress outside(int number) {
    return IpAddress.parse("192.0.2." + number);
  }

  /** Over a network in memory, IPv4. */
  public static TunnelPair inMemory(
      VnetHost host,
      MemoryDatagrams network,
      PacketPort leftInside,
      PacketPort leftFar,
      PacketPort rightInside,
      PacketPort rightFar) {
    return of(
        host,
        network.at(outside(1), IpAddress.parse("2001:db8::1")),
        network.at(outside(2), IpAddress.parse("2001:db8::2")),
        leftInside,
        leftFar,
        rightInside,
        rightFar);
  }

  /** Both up and configured; only left knows where the other one is. */
  public static TunnelPair of(
      VnetHost host,
      Outside leftOutside,
      Outside rightOutside,
      PacketPort leftInside,
      PacketPort leftFar,
      PacketPort rightInside,
      PacketPort rightFar) {
    WireGuardTunnel left = WireGuardTunnel.start(host, "left", leftInside, leftOutside);
    WireGuardTunnel right = WireGuardTunnel.start(host, "right", rightInside, rightOutside);
    join(
        left.change(
            change(1).withPeers(List.of(peer(2).withEndpoint(Endpoint.of(outside(2), PORT))))));
    join(right.change(change(2).withPeers(List.of(peer(1)))));
    join(right.up());
    join(left.up());
    return new TunnelPair(
        new Side(left, publicKey(1), leftInside, leftFar),
        new Side(right, publicKey(2), rightInside, rightFar));
  }

  /** Key and port of side 1 or 2. */
  public static TunnelChange change(int number) {
    return TunnelChange.NONE.withPrivateKey(privateKey(number)).withListenPort(PORT);
  }

  /** Side 1 or 2 as a peer. */
  public static PeerChange peer(int number) {
    return PeerChange.of(publicKey(number))
        .withAllowedIps(
            List.of(
                IpPrefix.parse("10.9.0." + number + "/32"),
                IpPrefix.parse("fd09::" + number + "/128")));
  }

  /** Sends a packet from left to right and waits for it, so that there are keys. */
  public void shakeHands() throws InterruptedException {
    try (Mailbox from = new Mailbox(left.far());
        Mailbox to = new Mailbox(right.far())) {
      Packet first = V4.sized(60, 1);
      from.send(first);
      assertThat(to.next()).isEqualTo(first);
    }
  }

  @Override
  public void close() {
    left.tunnel.close();
    right.tunnel.close();
  }
}
