package io.vnet.tunnel.testkit;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;

/** Tunnels of all kinds, the same for the same seed. */
public final class RandomTunnels {
  private final Random random;
  private final Set<IpPrefix> used = new HashSet<>();

  private final int[] scopes;

  /** From a seed; endpoints with zones have these interfaces' numbers. */
  public RandomTunnels(long seed, int... scopes) {
    this.random = new Random(seed);
    this.scopes = scopes.clone();
  }

  /** The next one. */
  public TunnelStatus next() {
    used.clear();
    List<PeerStatus> peers = new ArrayList<>();
    int count = random.nextInt(5);
    int firstKey = random.nextInt(1 << 20);
    for (int i = 0; i < count; i++) {
      peers.add(peer(firstKey + i));
    }
    byte[] key = new byte[PrivateKey.BYTES];
    random.nextBytes(key);
    return new TunnelStatus(
        Optional.of(PrivateKey.of(key)),
        random.nextInt(3) == 0 ? 0 : random.nextInt(65536),
        random.nextInt(3) == 0 ? 0 : random.nextInt(),
        true,
        peers,
        Map.of());
  }

  private PeerStatus peer(int key) {
    List<IpPrefix> allowed = new ArrayList<>();
    for (int i = random.nextInt(4); i > 0; i--) {
      IpAddress address = address();
      IpPrefix prefix = new IpPrefix(address, random.nextInt(address.bits() + 1)).network();
      if (used.add(prefix)) {
        allowed.add(prefix);
      }
    }
    return new PeerStatus(
        Keys.peer(key),
        random.nextBoolean() ? Optional.of(Keys.preshared(key)) : Optional.empty(),
        random.nextBoolean() ? Optional.of(endpoint()) : Optional.empty(),
        random.nextBoolean()
            ? Optional.of(
                Instant.ofEpochSecond(random.nextInt(1 << 30) + 1L, random.nextInt(1_000_000_000)))
            : Optional.empty(),
        random.nextLong() >>> 1,
        random.nextLong() >>> 1,
        random.nextBoolean() ? random.nextInt(65536) : 0,
        allowed);
  }

  private Endpoint endpoint() {
    IpAddress address = address();
    int scope = address.v6() && random.nextInt(4) == 0 ? scopes[random.nextInt(scopes.length)] : 0;
    return new Endpoint(address, random.nextInt(65536), scope, Optional.empty());
  }

  /** Often with runs of zeros, which are what texts of IPv6 differ in. */
  private IpAddress address() {
    if (random.nextBoolean()) {
      return IpAddress.v4(random.nextInt());
    }
    long[] halves = new long[2];
    for (int i = 0; i < 8; i++) {
      long group = random.nextBoolean() ? 0 : random.nextInt(1 << 16);
      halves[i / 4] |= group << (48 - i % 4 * 16);
    }
    return IpAddress.v6(halves[0], halves[1]);
  }
}
