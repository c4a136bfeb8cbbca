package io.vnet.tunnel.testkit;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelControl;
import io.vnet.tunnel.settings.TunnelStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A tunnel that is configuration and nothing else. Safe on any thread. */
public final class MemoryTunnel implements TunnelControl {
  /** A port that is taken. */
  public static final int TAKEN_PORT = 1;

  /** A mark that needs rights. */
  public static final int FORBIDDEN_MARK = 0xF0B1D;

  private final List<TunnelChange> changes = new ArrayList<>();
  private TunnelStatus status = new TunnelStatus(Optional.empty(), 0, 0, true, List.of(), Map.of());
  private Optional<RuntimeException> failure = Optional.empty();

  /** All changes that were asked for, in order. */
  public synchronized List<TunnelChange> changes() {
    return List.copyOf(changes);
  }

  /** As it is. */
  public synchronized TunnelStatus now() {
    return status;
  }

  /** Lets it be so. */
  public synchronized void set(TunnelStatus newStatus) {
    status = newStatus;
  }

  /** Lets all that follows fail. */
  public synchronized void failWith(RuntimeException newFailure) {
    failure = Optional.of(newFailure);
  }

  @Override
  public synchronized CompletionStage<TunnelStatus> status() {
    return failure.isPresent()
        ? CompletableFuture.failedStage(failure.get())
        : CompletableFuture.completedStage(status);
  }

  @Override
  @SuppressWarnings("NullAway") // There is no other Void than null.
  public synchronized CompletionStage<Void> change(TunnelChange change) {
    changes.add(change);
    try {
      failure.ifPresent(exception -> {
        throw exception;
      });
      status = changed(change);
      return CompletableFuture.completedStage(null);
    } catch (RuntimeException e) {
      return CompletableFuture.failedStage(e);
    }
  }

  private TunnelStatus changed(TunnelChange change) {
    if (change.listenPort().orElse(0) == TAKEN_PORT) {
      throw new VnetException("bind", "1", Errno.EADDRINUSE, "taken", "use another");
    }
    if (change.mark().orElse(0) == FORBIDDEN_MARK) {
      throw new VnetException("mark", "", Errno.EPERM, "not permitted", "become root");
    }
    Map<PublicKey, PeerStatus> peers = new LinkedHashMap<>();
    if (!change.replacePeers()) {
      status.peers().forEach(peer -> peers.put(peer.publicKey(), peer));
    }
    change.peers().forEach(peer -> changePeer(peers, peer));
    return new TunnelStatus(
        change.privateKey().or(status::privateKey).filter(key -> !key.isZero()),
        change.listenPort().orElse(status.listenPort()),
        change.mark().orElse(status.mark()),
        true,
        List.copyOf(peers.values()),
        Map.of());
  }

  private static void changePeer(Map<PublicKey, PeerStatus> peers, PeerChange change) {
    PublicKey key = change.publicKey();
    if (change.remove()) {
      peers.remove(key);
      return;
    }
    if (change.updateOnly() && !peers.containsKey(key)) {
      return;
    }
    PeerStatus old =
        peers.computeIfAbsent(
            key,
            _ ->
                new PeerStatus(
                    key, Optional.empty(), Optional.empty(), Optional.empty(), 0, 0, 0, List.of()));
    List<IpPrefix> allowed =
        new ArrayList<>(change.replaceAllowedIps() ? List.of() : old.allowedIps());
    for (PeerChange.AllowedIpChange one : change.allowedIps()) {
      IpPrefix prefix = one.prefix().network();
      allowed.remove(prefix);
      if (!one.remove()) {
        allowed.add(prefix);
        peers.replaceAll((_, peer) -> without(peer, prefix));
      }
    }
    Optional<PresharedKey> preshared =
        change.presharedKey().or(old::presharedKey).filter(secret -> !secret.isZero());
    Optional<Endpoint> endpoint = change.endpoint().or(old::endpoint);
    peers.put(
        key,
        new PeerStatus(
            key,
            preshared,
            endpoint,
            old.lastHandshake(),
            old.sentBytes(),
            old.receivedBytes(),
            change.persistentKeepalive().orElse(old.persistentKeepalive()),
            allowed));
  }

  private static PeerStatus without(PeerStatus peer, IpPrefix prefix) {
    return new PeerStatus(
        peer.publicKey(),
        peer.presharedKey(),
        peer.endpoint(),
        peer.lastHandshake(),
        peer.sentBytes(),
        peer.receivedBytes(),
        peer.persistentKeepalive(),
        peer.allowedIps().stream().filter(own -> !own.equals(prefix)).toList());
  }

  /** One with a private key and no peers. */
  public static MemoryTunnel withKey(PrivateKey key) {
    MemoryTunnel tunnel = new MemoryTunnel();
    tunnel.set(new TunnelStatus(Optional.of(key), 51820, 0, true, List.of(), Map.of()));
    return tunnel;
  }
}
