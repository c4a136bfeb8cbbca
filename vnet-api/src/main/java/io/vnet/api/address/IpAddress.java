package io.vnet.api.address;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * An IPv4 or IPv6 address.
 *
 * @param v6 whether it is IPv6
 * @param high the first eight bytes of an IPv6 address; 0 for IPv4
 * @param low the last eight bytes; an IPv4 address is in the low 32 bits
 */
public record IpAddress(boolean v6, long high, long low) {
  private static final int GROUPS = 8;

  /** Refuses an IPv4 address of more than 32 bits. */
  public IpAddress {
    if (!v6 && (high != 0 || low >>> 32 != 0)) {
      throw new IllegalArgumentException("an IPv4 address has 32 bits");
    }
  }

  /** An IPv4 address from its 32 bits, first byte highest. */
  public static IpAddress v4(int bits) {
    return new IpAddress(false, 0, bits & 0xFFFF_FFFFL);
  }

  /** An IPv6 address from its halves. */
  public static IpAddress v6(long high, long low) {
    return new IpAddress(true, high, low);
  }

  /**
   * Parses a literal: dotted quad without leading zeros, or RFC 4291 text form, without a zone.
   *
   * @throws IllegalArgumentException naming the text
   */
  public static IpAddress parse(String text) {
    return text.indexOf(':') >= 0 ? parseV6(text) : v4(parseV4(text, text));
  }

  private static int parseV4(String quad, String whole) {
    String[] parts = quad.split("\\.", -1);
    if (parts.length != 4) {
      throw bad(whole, "four decimal bytes with dots are needed");
    }
    int bits = 0;
    for (String part : parts) {
      boolean digits =
          !part.isEmpty()
              && part.length() <= 3
              && part.chars().allMatch(c -> c >= '0' && c <= '9')
              && (part.length() == 1 || part.charAt(0) != '0');
      int value = digits ? Integer.parseInt(part) : 256;
      if (value > 255) {
        throw bad(whole, "'" + part + "' is not a byte");
      }
      bits = bits << 8 | value;
    }
    return bits;
  }

  private static IpAddress parseV6(String text) {
    int gap = text.indexOf("::");
    if (gap >= 0 && text.indexOf("::", gap + 1) >= 0) {
      throw bad(text, "'::' stands twice");
    }
    List<Integer> before = groups(gap < 0 ? text : text.substring(0, gap), text, gap < 0);
    List<Integer> after = gap < 0 ? List.of() : groups(text.substring(gap + 2), text, true);
    int given = before.size() + after.size();
    if (gap < 0 ? given != GROUPS : given >= GROUPS) {
      throw bad(text, given + " groups of 16 bits");
    }
    long[] halves = new long[2];
    for (int i = 0; i < before.size(); i++) {
      halves[i / 4] |= (long) before.get(i) << (48 - i % 4 * 16);
    }
    for (int i = 0; i < after.size(); i++) {
      int place = GROUPS - after.size() + i;
      halves[place / 4] |= (long) after.get(i) << (48 - place % 4 * 16);
    }
    return v6(halves[0], halves[1]);
  }

  private static List<Integer> groups(String part, String whole, boolean last) {
    List<Integer> groups = new ArrayList<>();
    if (part.isEmpty()) {
      return groups;
    }
    String[] texts = part.split(":", -1);
    for (int i = 0; i < texts.length; i++) {
      String group = texts[i];
      if (last && i == texts.length - 1 && group.indexOf('.') >= 0) {
        int quad = parseV4(group, whole);
        groups.add(quad >>> 16);
        groups.add(quad & 0xFFFF);
      } else if (group.isEmpty()
          || group.length() > 4
          || !group.chars().allMatch(c -> c < 128 && Character.digit(c, 16) >= 0)) {
        throw bad(whole, "'" + group + "' is not a group of 1 to 4 hexadecimal digits");
      } else {
        groups.add(Integer.parseInt(group, 16));
      }
    }
    return groups;
  }

  private static IllegalArgumentException bad(String text, String why) {
    return new IllegalArgumentException("'" + text + "' is no IP address: " + why);
  }

  /** 32 or 128. */
  public int bits() {
    return v6 ? 128 : 32;
  }

  /** The IPv4 address as an int, first byte highest. */
  public int toV4Bits() {
    if (v6) {
      throw new IllegalStateException(this + " is IPv6");
    }
    return (int) low;
  }

  /** The bytes in network order: 4 or 16. */
  public byte[] toByteArray() {
    return v6
        ? ByteBuffer.allocate(16).putLong(high).putLong(low).array()
        : ByteBuffer.allocate(4).putInt((int) low).array();
  }

  /** The same for java.net; asks nobody. */
  public InetAddress toInetAddress() {
    try {
      return InetAddress.getByAddress(toByteArray());
    } catch (UnknownHostException e) {
      throw new AssertionError("4 or 16 bytes are an address", e);
    }
  }

  /**
   * The canonical text: dotted quad, or RFC 5952, with a dotted quad at the end of an IPv4-mapped
   * address ({@code ::ffff:192.0.2.1}).
   */
  @Override
  public String toString() {
    if (!v6) {
      return quad();
    }
    if (high == 0 && low >>> 32 == 0xFFFF) {
      return "::ffff:" + quad();
    }
    int gapStart = -1;
    int gapLength = 1;
    for (int i = 0; i < GROUPS; i++) {
      int run = 0;
      while (i + run < GROUPS && group(i + run) == 0) {
        run++;
      }
      if (run > gapLength) {
        gapStart = i;
        gapLength = run;
      }
      i += run;
    }
    StringBuilder text = new StringBuilder(39);
    for (int i = 0; i < GROUPS; i++) {
      if (i == gapStart) {
        text.append("::");
        i += gapLength - 1;
        continue;
      }
      if (!text.isEmpty() && text.charAt(text.length() - 1) != ':') {
        text.append(':');
      }
      text.append(Integer.toHexString(group(i)));
    }
    return text.toString();
  }

  private String quad() {
    return (low >>> 24 & 255)
        + "."
        + (low >>> 16 & 255)
        + "."
        + (low >>> 8 & 255)
        + "."
        + (low & 255);
  }

  private int group(int i) {
    return (int) ((i < 4 ? high : low) >>> (48 - i % 4 * 16)) & 0xFFFF;
  }
}
