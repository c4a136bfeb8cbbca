package io.vnet.tunnel.uapi;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.settings.ZoneNames;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Requests and replies as text, with their secrets: for the socket, never for a log. */
public final class UapiText {
  /** The request for the tunnel as it is. */
  public static final String GET = "get=1\n\n";

  private static final String DROP = "vnet_drop_";
  private static final Map<String, TunnelDrop> DROPS =
      Stream.of(TunnelDrop.values()).collect(Collectors.toMap(UapiText::drop, reason -> reason));
  private static final String NO_KEY = "0".repeat(2 * PresharedKey.BYTES);

  private UapiText() {}

  /**
   * A reply that only says whether it was done.
   *
   * @param errno 0, or negative
   */
  static String errno(int errno) {
    return "errno=" + errno + "\n\n";
  }

  /** The reply to {@link #GET}. */
  public static String status(TunnelStatus status, ZoneNames zones) {
    StringBuilder text = new StringBuilder();
    status.privateKey().ifPresent(key -> line(text, "private_key", key.hex()));
    if (status.listenPort() != 0) {
      line(text, "listen_port", Integer.toString(status.listenPort()));
    }
    if (status.mark() != 0) {
      line(text, "fwmark", Integer.toUnsignedString(status.mark()));
    }
    // Beyond the grammar; readers skip what they do not know, as wg does.
    new TreeMap<>(status.drops())
        .forEach((reason, count) -> line(text, drop(reason), Long.toString(count)));
    for (PeerStatus peer : status.peers()) {
      line(text, "public_key", peer.publicKey().hex());
      line(text, "preshared_key", peer.presharedKey().map(PresharedKey::hex).orElse(NO_KEY));
      line(text, "protocol_version", "1");
      peer.endpoint().ifPresent(endpoint -> line(text, "endpoint", zones.text(endpoint)));
      Instant handshake = peer.lastHandshake().orElse(Instant.EPOCH);
      line(text, "last_handshake_time_sec", Long.toString(handshake.getEpochSecond()));
      line(text, "last_handshake_time_nsec", Integer.toString(handshake.getNano()));
      line(text, "tx_bytes", Long.toUnsignedString(peer.sentBytes()));
      line(text, "rx_bytes", Long.toUnsignedString(peer.receivedBytes()));
      line(text, "persistent_keepalive_interval", Integer.toString(peer.persistentKeepalive()));
      for (IpPrefix prefix : peer.allowedIps()) {
        line(text, "allowed_ip", prefix.network().toString());
      }
    }
    return text.append(errno(UapiErrno.OK)).toString();
  }

  private static String drop(TunnelDrop reason) {
    return DROP + reason.name().toLowerCase(Locale.ROOT);
  }

  /** The request for a change. */
  public static String change(TunnelChange change, ZoneNames zones) {
    StringBuilder text = new StringBuilder("set=1\n");
    change.privateKey().ifPresent(key -> line(text, "private_key", key.hex()));
    change.listenPort().ifPresent(port -> line(text, "listen_port", Integer.toString(port)));
    change.mark().ifPresent(mark -> line(text, "fwmark", Integer.toUnsignedString(mark)));
    if (change.replacePeers()) {
      line(text, "replace_peers", "true");
    }
    for (PeerChange peer : change.peers()) {
      line(text, "public_key", peer.publicKey().hex());
      if (peer.updateOnly()) {
        line(text, "update_only", "true");
      }
      if (peer.remove()) {
        line(text, "remove", "true");
      }
      peer.presharedKey().ifPresent(key -> line(text, "preshared_key", key.hex()));
      peer.endpoint().ifPresent(endpoint -> line(text, "endpoint", zones.text(endpoint)));
      peer.persistentKeepalive()
          .ifPresent(
              seconds -> line(text, "persistent_keepalive_interval", Integer.toString(seconds)));
      if (peer.replaceAllowedIps()) {
        line(text, "replace_allowed_ips", "true");
      }
      for (AllowedIpChange allowed : peer.allowedIps()) {
        line(text, "allowed_ip", (allowed.remove() ? "-" : "") + allowed.prefix().network());
      }
    }
    return text.append('\n').toString();
  }

  private static void line(StringBuilder text, String key, String value) {
    text.append(key).append('=').append(value).append('\n');
  }

  /**
   * Reads the lines of a reply to {@link #GET}, without {@code errno}: keys in any order within
   * their part, and unknown ones are skipped. Drops are there if the other program is vnet too;
   * whether the tunnel is up no reply says: "up".
   *
   * @throws IllegalArgumentException if a line is none, or a value is none of its key's; it repeats
   *     nothing of the value
   */
  public static TunnelStatus parseStatus(List<String> lines, ZoneNames zones) {
    StatusLines status = new StatusLines(zones);
    for (String line : lines) {
      int equals = line.indexOf('=');
      String key = equals < 0 ? "" : line.substring(0, equals);
      try {
        if (equals < 0) {
          throw new UapiSyntaxException(UapiErrno.PROTOCOL);
        }
        status.take(key, line.substring(equals + 1));
      } catch (UapiSyntaxException | IllegalArgumentException e) {
        // Without its cause, whose text may have more than the key.
        throw new IllegalArgumentException("a reply's line '" + key + "' cannot be read");
      }
    }
    return status.finish();
  }

  /** What the lines of a reply have said so far. */
  private static final class StatusLines {
    private final ZoneNames zones;
    private Optional<PrivateKey> privateKey = Optional.empty();
    private int listenPort;
    private int mark;
    private final List<PeerStatus> peers = new ArrayList<>();
    private final Map<TunnelDrop, Long> drops = new EnumMap<>(TunnelDrop.class);
    private @Nullable PublicKey publicKey;
    private PeerStatusLines peer = new PeerStatusLines();

    /** A peer's. */
    private static final class PeerStatusLines {
      Optional<PresharedKey> presharedKey = Optional.empty();
      Optional<Endpoint> endpoint = Optional.empty();
      long handshakeSeconds;
      long handshakeNanos;
      long sentBytes;
      long receivedBytes;
      int persistentKeepalive;
      final List<IpPrefix> allowedIps = new ArrayList<>();

      PeerStatus with(PublicKey key) {
        return new PeerStatus(
            key,
            presharedKey,
            endpoint,
            handshakeSeconds == 0 && handshakeNanos == 0
                ? Optional.empty()
                : Optional.of(Instant.ofEpochSecond(handshakeSeconds, handshakeNanos)),
            sentBytes,
            receivedBytes,
            persistentKeepalive,
            allowedIps);
      }
    }

    StatusLines(ZoneNames zones) {
      this.zones = zones;
    }

    void take(String key, String value) throws UapiSyntaxException {
      switch (key) {
        case "private_key" -> privateKey = given(PrivateKey.fromHex(value), PrivateKey::isZero);
        case "listen_port" -> listenPort = (int) SetAssembler.decimal(value, 65535);
        case "fwmark" -> mark = (int) SetAssembler.decimal(value, 0xFFFF_FFFFL);
        case "public_key" -> {
          finishPeer();
          publicKey = PublicKey.fromHex(value);
        }
        case "preshared_key" ->
            peer.presharedKey = given(PresharedKey.fromHex(value), PresharedKey::isZero);
        case "endpoint" -> peer.endpoint = Optional.of(SetAssembler.endpoint(value, zones));
        case "last_handshake_time_sec" ->
            peer.handshakeSeconds = SetAssembler.decimal(value, Instant.MAX.getEpochSecond());
        case "last_handshake_time_nsec" ->
            peer.handshakeNanos = SetAssembler.decimal(value, 999_999_999);
        case "tx_bytes" -> peer.sentBytes = Long.parseUnsignedLong(value);
        case "rx_bytes" -> peer.receivedBytes = Long.parseUnsignedLong(value);
        case "persistent_keepalive_interval" ->
            peer.persistentKeepalive = (int) SetAssembler.decimal(value, 65535);
        case "allowed_ip" -> peer.allowedIps.add(SetAssembler.prefix(value));
        default -> {
          TunnelDrop reason = DROPS.get(key);
          // Others are from a later version.
          if (reason != null) {
            drops.put(reason, Long.parseLong(value));
          }
        }
      }
    }

    private static <T> Optional<T> given(T key, Predicate<T> isZero) {
      return isZero.test(key) ? Optional.empty() : Optional.of(key);
    }

    private void finishPeer() {
      if (publicKey != null) {
        peers.add(peer.with(publicKey));
      }
      peer = new PeerStatusLines();
    }

    TunnelStatus finish() {
      finishPeer();
      return new TunnelStatus(privateKey, listenPort, mark, true, peers, drops);
    }
  }
}
