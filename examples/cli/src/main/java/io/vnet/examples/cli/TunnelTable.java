package io.vnet.examples.cli;

import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.KeyPair;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerStatus;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Tunnels and their peers as text; from the second time on with rates, the busiest peers first. One
 * thread.
 */
final class TunnelTable {
  private static final String NONE = "-";
  private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  private static final double SECOND = 1e9;

  private final Map<String, Sample> before = new HashMap<>();
  private boolean rates;

  /** What a peer had moved at a moment of the monotonic clock. */
  private record Sample(long receivedBytes, long sentBytes, long nanos) {}

  /**
   * The text.
   *
   * @param tunnels by name
   * @param now of the wall clock, for the age of handshakes
   * @param nanos now, of the monotonic clock
   */
  String render(Map<String, TunnelStatus> tunnels, Instant now, long nanos) {
    StringBuilder text = new StringBuilder();
    tunnels.forEach((name, status) -> {
      if (!text.isEmpty()) {
        text.append(System.lineSeparator());
      }
      append(text, name, status, now, nanos);
    });
    if (tunnels.isEmpty()) {
      text.append("no tunnels").append(System.lineSeparator());
    }
    rates = true;
    return text.toString();
  }

  private void append(
      StringBuilder text, String name, TunnelStatus status, Instant now, long nanos) {
    text.append(name)
        .append(": ")
        .append(
            status
                .privateKey()
                .map(key -> "public key " + KeyPair.of(key).publicKey())
                .orElse("no private key"));
    if (status.listenPort() != 0) {
      text.append(", port ").append(status.listenPort());
    }
    if (status.mark() != 0) {
      text.append(", fwmark 0x").append(Integer.toHexString(status.mark()));
    }
    text.append(System.lineSeparator());
    if (!status.drops().isEmpty()) {
      text.append("dropped: ").append(drops(status.drops())).append(System.lineSeparator());
    }
    if (!status.peers().isEmpty()) {
      text.append(peers(name, status.peers(), now, nanos));
    }
  }

  private String peers(String name, List<PeerStatus> peers, Instant now, long nanos) {
    TextTable table =
        rates
            ? new TextTable(
                "PEER",
                "ENDPOINT",
                "HANDSHAKE",
                "RECEIVED",
                "SENT",
                "RECEIVED/S",
                "SENT/S",
                "ALLOWED IPS")
            : new TextTable("PEER", "ENDPOINT", "HANDSHAKE", "RECEIVED", "SENT", "ALLOWED IPS");
    for (PeerStatus peer : busiestFirst(name, peers)) {
      String key = peer.publicKey().base64();
      String endpoint = peer.endpoint().map(Object::toString).orElse(NONE);
      String age = peer.lastHandshake().map(moment -> age(moment, now)).orElse("never");
      String received = bytes(peer.receivedBytes());
      String sent = bytes(peer.sentBytes());
      String allowed =
          peer.allowedIps().isEmpty()
              ? NONE
              : peer.allowedIps().stream()
                  .map(IpPrefix::toString)
                  .collect(Collectors.joining(", "));
      Sample sample = new Sample(peer.receivedBytes(), peer.sentBytes(), nanos);
      Sample last = before.getOrDefault(id(name, peer.publicKey()), sample);
      before.put(id(name, peer.publicKey()), sample);
      if (rates) {
        double seconds = (nanos - last.nanos) / SECOND;
        table.row(
            key,
            endpoint,
            age,
            received,
            sent,
            rate(peer.receivedBytes() - last.receivedBytes, seconds),
            rate(peer.sentBytes() - last.sentBytes, seconds),
            allowed);
      } else {
        table.row(key, endpoint, age, received, sent, allowed);
      }
    }
    return table.render();
  }

  /** By what they have moved since the last time: on a terminal not all may have room. */
  private List<PeerStatus> busiestFirst(String name, List<PeerStatus> peers) {
    if (!rates) {
      return peers;
    }
    Comparator<PeerStatus> byMoved = Comparator.comparingLong(peer -> moved(name, peer));
    return peers.stream().sorted(byMoved.reversed()).toList();
  }

  private long moved(String name, PeerStatus peer) {
    Sample last = before.get(id(name, peer.publicKey()));
    long all = peer.receivedBytes() + peer.sentBytes();
    return last == null ? all : all - last.receivedBytes() - last.sentBytes();
  }

  private static String id(String name, PublicKey key) {
    return name + " " + key;
  }

  private static String age(Instant moment, Instant now) {
    Duration age = Duration.between(moment, now);
    if (age.isNegative()) {
      return "in the future";
    }
    long seconds = age.toSeconds();
    if (seconds < 60) {
      return seconds + " s";
    }
    if (seconds < 3600) {
      return seconds / 60 + " min " + seconds % 60 + " s";
    }
    return seconds < 86_400
        ? seconds / 3600 + " h " + seconds % 3600 / 60 + " min"
        : seconds / 86_400 + " d " + seconds % 86_400 / 3600 + " h";
  }

  /** A peer that was made anew counts from zero again. */
  private static String rate(long bytes, double seconds) {
    return seconds <= 0 || bytes < 0 ? NONE : bytes(Math.round(bytes / seconds));
  }

  static String bytes(long bytes) {
    double value = bytes;
    int unit = 0;
    while (value >= 1024 && unit < UNITS.length - 1) {
      value /= 1024;
      unit++;
    }
    return unit == 0
        ? bytes + " " + UNITS[0]
        : String.format(Locale.ROOT, "%.2f %s", value, UNITS[unit]);
  }

  /** The most frequent first. */
  private static String drops(Map<TunnelDrop, Long> drops) {
    return drops.entrySet().stream()
        .sorted(
            Map.Entry.<TunnelDrop, Long>comparingByValue()
                .reversed()
                .thenComparing(Map.Entry.comparingByKey()))
        .map(drop ->
            drop.getKey().name().toLowerCase(Locale.ROOT).replace('_', ' ') + " " + drop.getValue())
        .collect(Collectors.joining(", "));
  }
}
