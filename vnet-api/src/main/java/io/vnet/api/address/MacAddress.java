package io.vnet.api.address;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * A 48-bit hardware address.
 *
 * @param bits the address in the low 48 bits, the first byte on the wire highest
 */
public record MacAddress(long bits) {
  /** ff:ff:ff:ff:ff:ff. */
  public static final MacAddress BROADCAST = new MacAddress(0xFFFF_FFFF_FFFFL);

  private static final int BYTES = 6;
  private static final long GROUP = 1L << 40;
  private static final long LOCAL = 1L << 41;

  /** Refuses more than 48 bits. */
  public MacAddress {
    if (bits >>> 48 != 0) {
      throw new IllegalArgumentException("0x" + Long.toHexString(bits) + " has more than 48 bits");
    }
  }

  /**
   * Parses six two-digit hexadecimal bytes with colons between.
   *
   * @throws IllegalArgumentException naming the text
   */
  public static MacAddress parse(String text) {
    String[] parts = text.split(":", -1);
    if (parts.length != BYTES) {
      throw new IllegalArgumentException(
          "'" + text + "' is no MAC address: six bytes with colons are needed");
    }
    long bits = 0;
    for (String part : parts) {
      if (part.length() != 2) {
        throw new IllegalArgumentException(
            "'" + text + "' is no MAC address: '" + part + "' is not two hexadecimal digits");
      }
      int high = digit(part.charAt(0));
      int low = digit(part.charAt(1));
      if (high < 0 || low < 0) {
        throw new IllegalArgumentException(
            "'" + text + "' is no MAC address: '" + part + "' is not two hexadecimal digits");
      }
      bits = bits << 8 | (high << 4 | low);
    }
    return new MacAddress(bits);
  }

  /** -1 for digits of other scripts too, which {@link Character#digit} would take. */
  private static int digit(char c) {
    return c < 128 ? Character.digit(c, 16) : -1;
  }

  /** A locally administered unicast address that a seed always gives again. */
  public static MacAddress derivedFrom(String seed) {
    byte[] bytes = seed.getBytes(StandardCharsets.UTF_8);
    CRC32C low = new CRC32C();
    low.update(bytes);
    CRC32C high = new CRC32C();
    high.update(0x56);
    high.update(bytes);
    long bits = ((high.getValue() & 0xFFFF) << 32) | low.getValue();
    return new MacAddress((bits & ~GROUP) | LOCAL);
  }

  /** Whether it names a group: broadcast or multicast. */
  public boolean isMulticast() {
    return (bits & GROUP) != 0;
  }

  /** Whether it is made here and not by a vendor. */
  public boolean isLocallyAdministered() {
    return (bits & LOCAL) != 0;
  }

  /** Lower-case hexadecimal with colons. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder(17);
    for (int shift = 40; shift >= 0; shift -= 8) {
      int value = (int) (bits >>> shift) & 0xFF;
      text.append(Character.forDigit(value >> 4, 16)).append(Character.forDigit(value & 15, 16));
      if (shift > 0) {
        text.append(':');
      }
    }
    return text.toString();
  }
}
