package io.vnet.tunnel.settings;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A change of one peer, which is made if there is none with this key; what is empty stays as it is.
 *
 * @param publicKey who it is
 * @param updateOnly whether nothing is to be done if there is no such peer
 * @param remove whether the peer is removed; all that follows is ignored then
 * @param presharedKey the new one; the zero key removes it
 * @param endpoint where it is reached
 * @param persistentKeepalive seconds, 0 to 65535; 0: off
 * @param replaceAllowedIps whether all of its allowed IPs are removed before {@code allowedIps}
 * @param allowedIps changes of allowed IPs, in order
 */
public record PeerChange(
    PublicKey publicKey,
    boolean updateOnly,
    boolean remove,
    Optional<PresharedKey> presharedKey,
    Optional<Endpoint> endpoint,
    OptionalInt persistentKeepalive,
    boolean replaceAllowedIps,
    List<AllowedIpChange> allowedIps) {
  private static final int KEEPALIVE_MAX = 65535;

  /**
   * One prefix that a peer gets or, if it has exactly this one, loses. Host bits do not count.
   *
   * @param prefix the addresses
   * @param remove whether it loses it; else it gets it, and another peer that has it loses it
   */
  public record AllowedIpChange(IpPrefix prefix, boolean remove) {}

  /** Refuses an interval out of range. */
  public PeerChange {
    allowedIps = List.copyOf(allowedIps);
    if (persistentKeepalive.isPresent()
        && (persistentKeepalive.getAsInt() < 0 || persistentKeepalive.getAsInt() > KEEPALIVE_MAX)) {
      throw new IllegalArgumentException(
          "a persistent keepalive is 0 to 65535 s, not " + persistentKeepalive.getAsInt());
    }
  }

  /** Makes the peer if there is none, and changes nothing else. */
  public static PeerChange of(PublicKey publicKey) {
    return new PeerChange(
        publicKey,
        false,
        false,
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty(),
        false,
        List.of());
  }

  /** Removes the peer. */
  public static PeerChange removing(PublicKey publicKey) {
    return new PeerChange(
        publicKey,
        false,
        true,
        Optional.empty(),
        Optional.empty(),
        OptionalInt.empty(),
        false,
        List.of());
  }

  /** With this preshared key. */
  public PeerChange withPresharedKey(PresharedKey key) {
    return new PeerChange(
        publicKey,
        updateOnly,
        remove,
        Optional.of(key),
        endpoint,
        persistentKeepalive,
        replaceAllowedIps,
        allowedIps);
  }

  /** With this endpoint. */
  public PeerChange withEndpoint(Endpoint newEndpoint) {
    return new PeerChange(
        publicKey,
        updateOnly,
        remove,
        presharedKey,
        Optional.of(newEndpoint),
        persistentKeepalive,
        replaceAllowedIps,
        allowedIps);
  }

  /** With a persistent keepalive every so many seconds; 0: off. */
  public PeerChange withPersistentKeepalive(int seconds) {
    return new PeerChange(
        publicKey,
        updateOnly,
        remove,
        presharedKey,
        endpoint,
        OptionalInt.of(seconds),
        replaceAllowedIps,
        allowedIps);
  }

  /** With these allowed IPs instead of all others. */
  public PeerChange withAllowedIps(List<IpPrefix> prefixes) {
    List<AllowedIpChange> changes = new ArrayList<>();
    for (IpPrefix prefix : prefixes) {
      changes.add(new AllowedIpChange(prefix, false));
    }
    return new PeerChange(
        publicKey, updateOnly, remove, presharedKey, endpoint, persistentKeepalive, true, changes);
  }
}
