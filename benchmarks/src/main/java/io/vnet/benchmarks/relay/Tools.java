package io.vnet.benchmarks.relay;

import java.io.IOException;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Reads what iperf3, ping and the kernel write. */
final class Tools {
  private static final Pattern ROUND_TRIP = Pattern.compile("(?<=time=)[0-9.]+(?= ms)");

  private static final Pattern ALLOCATED = Pattern.compile("(?<=allocated=)[0-9.]+[BKMG]");

  private Tools() {}

  /**
   * A number of an object in iperf3's JSON; of several objects of that name the last, which is the
   * sum over the whole test.
   */
  static double iperf3(String json, String object, String key) throws IOException {
    String last = last(json, "\"" + object + "\":\\s*\\{[^}]*\\}");
    String number = last(last, "(?<=\"" + key + "\":\\s{0,9})[-+.0-9eE]+");
    if (number.isEmpty()) {
      throw new IOException("iperf3 wrote no " + object + "." + key + ": " + json);
    }
    return Double.parseDouble(number);
  }

  private static String last(String text, String pattern) {
    return Pattern.compile(pattern)
        .matcher(text)
        .results()
        .map(MatchResult::group)
        .reduce("", (_, next) -> next);
  }

  /** The round trips that ping wrote, in microseconds. */
  static double[] roundTripMicros(String ping) {
    return ROUND_TRIP
        .matcher(ping)
        .results()
        .mapToDouble(result -> 1000 * Double.parseDouble(result.group()))
        .toArray();
  }

  /** What all threads have allocated, from {@code jcmd PID Thread.print -e}, in bytes. */
  static double allocatedBytes(String threads) throws IOException {
    double sum = 0;
    boolean found = false;
    for (MatchResult match : ALLOCATED.matcher(threads).results().toList()) {
      String number = match.group();
      int unit = "BKMG".indexOf(number.charAt(number.length() - 1));
      sum += Double.parseDouble(number.substring(0, number.length() - 1)) * Math.pow(1024, unit);
      found = true;
    }
    if (!found) {
      throw new IOException("the JVM does not say what its threads have allocated: " + threads);
    }
    return sum;
  }

  /**
   * How many datagrams have come to sockets of a namespace, from its {@code net/snmp}: those that a
   * socket received and those that its full buffer refused, as that is no fault of who brought
   * them.
   */
  static long udpArrived(List<String> snmp) throws IOException {
    List<List<String>> lines =
        snmp.stream()
            .filter(line -> line.startsWith("Udp: "))
            .map(line -> List.of(line.split(" ", -1)))
            .toList();
    if (lines.size() != 2) {
      throw new IOException("the kernel does not count datagrams: " + snmp);
    }
    long arrived = 0;
    for (String counter : List.of("InDatagrams", "RcvbufErrors")) {
      int column = lines.getFirst().indexOf(counter);
      if (column < 0) {
        throw new IOException("the kernel does not count " + counter + ": " + lines);
      }
      arrived += Long.parseLong(lines.getLast().get(column));
    }
    return arrived;
  }
}
