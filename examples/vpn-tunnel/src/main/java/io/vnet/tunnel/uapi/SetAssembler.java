package io.vnet.tunnel.uapi;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.ZoneNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Puts a change together from the lines of one set operation. One thread. */
final class SetAssembler {
  private static final int U16_MAX = 65535;
  private static final long U32_MAX = 0xFFFF_FFFFL;

  private final ZoneNames zones;
  private Optional<PrivateKey> privateKey = Optional.empty();
  private OptionalInt listenPort = OptionalInt.empty();
  private OptionalInt mark = OptionalInt.empty();
  private boolean replacePeers;
  private final List<PeerChange> peers = new ArrayList<>();
  private @Nullable PeerLines peer;

  SetAssembler(ZoneNames zones) {
    this.zones = zones;
  }

  /** Takes a line that is not empty. */
  void line(String text) throws UapiSyntaxException {
    int equals = text.indexOf('=');
    if (equals < 0) {
      throw new UapiSyntaxException(UapiErrno.PROTOCOL);
    }
    String key = text.substring(0, equals);
    String value = text.substring(equals + 1);
    if (key.equals("public_key")) {
      finishPeer();
      peer = new PeerLines(key(value, PublicKey::fromHex));
    } else if (peer != null) {
      peerLine(peer, key, value);
    } else {
      deviceLine(key, value);
    }
  }

  private void deviceLine(String key, String value) throws UapiSyntaxException {
    switch (key) {
      case "private_key" -> privateKey = Optional.of(key(value, PrivateKey::fromHex));
      case "listen_port" -> listenPort = OptionalInt.of((int) decimal(value, U16_MAX));
      case "fwmark" -> mark = OptionalInt.of((int) decimal(value, U32_MAX));
      case "replace_peers" -> {
        exactly("true", value);
        replacePeers = true;
      }
      default -> throw new UapiSyntaxException(UapiErrno.INVALID);
    }
  }

  private void peerLine(PeerLines lines, String key, String value) throws UapiSyntaxException {
    switch (key) {
      case "update_only" -> {
        exactly("true", value);
        lines.updateOnly = true;
      }
      case "remove" -> {
        exactly("true", value);
        lines.remove = true;
      }
      case "preshared_key" -> lines.presharedKey = Optional.of(key(value, PresharedKey::fromHex));
      case "endpoint" -> lines.endpoint = Optional.of(endpoint(value));
      case "persistent_keepalive_interval" ->
          lines.persistentKeepalive = OptionalInt.of((int) decimal(value, U16_MAX));
      case "replace_allowed_ips" -> {
        exactly("true", value);
        lines.replaceAllowedIps();
      }
      case "allowed_ip" -> lines.allowedIps.add(allowedIp(value));
      case "protocol_version" -> exactly("1", value);
      default -> throw new UapiSyntaxException(UapiErrno.INVALID);
    }
  }

  /** The change. Nothing may be added after it. */
  TunnelChange finish() {
    finishPeer();
    return new TunnelChange(privateKey, listenPort, mark, replacePeers, peers);
  }

  private void finishPeer() {
    if (peer != null) {
      peer.appendTo(peers);
      peer = null;
    }
  }

  /** The lines of one peer, up to the next one's. */
  private static final class PeerLines {
    final PublicKey publicKey;
    boolean updateOnly;
    boolean remove;
    Optional<PresharedKey> presharedKey = Optional.empty();
    Optional<Endpoint> endpoint = Optional.empty();
    OptionalInt persistentKeepalive = OptionalInt.empty();

    /** Allowed IPs that it gets only to lose them: they are taken from other peers. */
    final List<AllowedIpChange> lost = new ArrayList<>();

    boolean replaceAllowedIps;
    final List<AllowedIpChange> allowedIps = new ArrayList<>();

    PeerLines(PublicKey publicKey) {
      this.publicKey = publicKey;
    }

    void replaceAllowedIps() {
      replaceAllowedIps = true;
      lost.addAll(allowedIps);
      allowedIps.clear();
    }

    void appendTo(List<PeerChange> changes) {
      if (!lost.isEmpty() && !remove) {
        changes.add(
            new PeerChange(
                publicKey,
                updateOnly,
                false,
                Optional.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                false,
                lost));
      }
      changes.add(
          new PeerChange(
              publicKey,
              updateOnly,
              remove,
              presharedKey,
              endpoint,
              persistentKeepalive,
              replaceAllowedIps,
              allowedIps));
    }
  }

  private static void exactly(String wanted, String value) throws UapiSyntaxException {
    if (!wanted.equals(value)) {
      throw new UapiSyntaxException(UapiErrno.INVALID);
    }
  }

  private static <T> T key(String hex, Function<String, T> parse) throws UapiSyntaxException {
    try {
      return parse.apply(hex);
    } catch (IllegalArgumentException e) {
      // Dropped: the reply has no room for it.
      throw new UapiSyntaxException(UapiErrno.INVALID);
    }
  }

  /** Digits only, leading zeros among them. */
  static long decimal(String digits, long max) throws UapiSyntaxException {
    long value = 0;
    for (int i = 0; i < digits.length(); i++) {
      char c = digits.charAt(i);
      value = c >= '0' && c <= '9' ? value * 10 + (c - '0') : max + 1;
      if (value > max) {
        throw new UapiSyntaxException(UapiErrno.INVALID);
      }
    }
    if (digits.isEmpty()) {
      throw new UapiSyntaxException(UapiErrno.INVALID);
    }
    return value;
  }

  private Endpoint endpoint(String text) throws UapiSyntaxException {
    return endpoint(text, zones);
  }

  static Endpoint endpoint(String text, ZoneNames zones) throws UapiSyntaxException {
    boolean bracketed = text.startsWith("[");
    int colon = text.lastIndexOf(':');
    int end = bracketed ? text.lastIndexOf(']') : colon;
    if (colon < 0 || end < 0 || (bracketed && end != colon - 1)) {
      throw new UapiSyntaxException(UapiErrno.INVALID);
    }
    String address = text.substring(bracketed ? 1 : 0, end);
    if (bracketed != address.indexOf(':') >= 0) {
      throw new UapiSyntaxException(UapiErrno.INVALID);
    }
    int port = (int) decimal(text.substring(colon + 1), U16_MAX);
    try {
      return zones.endpoint(address, port);
    } catch (IllegalArgumentException e) {
      throw new UapiSyntaxException(UapiErrno.INVALID);
    }
  }

  private static AllowedIpChange allowedIp(String text) throws UapiSyntaxException {
    boolean remove = text.startsWith("-");
    return new AllowedIpChange(prefix(remove ? text.substring(1) : text), remove);
  }

  /** With its length, and without host bits. */
  static IpPrefix prefix(String text) throws UapiSyntaxException {
    int slash = text.indexOf('/');
    if (slash < 0 || (text.startsWith("0", slash + 1) && slash + 2 < text.length())) {
      throw new UapiSyntaxException(UapiErrno.INVALID);
    }
    try {
      return IpPrefix.parse(text).network();
    } catch (IllegalArgumentException e) {
      throw new UapiSyntaxException(UapiErrno.INVALID);
    }
  }
}
