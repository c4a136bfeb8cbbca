package io.vnet.api.address;

/**
 * An address and the length of its network part: {@code 10.0.0.1/24}. The host bits are kept.
 *
 * @param address the address
 * @param length bits of the network part, 0 to 32 or 128
 */
public record IpPrefix(IpAddress address, int length) {
  /** Checks the length. */
  public IpPrefix {
    if (length < 0 || length > address.bits()) {
      throw new IllegalArgumentException(
          "prefix length " + length + " of " + address + " is not within 0.." + address.bits());
    }
  }

  /**
   * Parses {@code address/length}; without a length, the address alone (32 or 128).
   *
   * @throws IllegalArgumentException naming the text
   */
  public static IpPrefix parse(String text) {
    int slash = text.indexOf('/');
    if (slash < 0) {
      IpAddress address = IpAddress.parse(text);
      return new IpPrefix(address, address.bits());
    }
    String length = text.substring(slash + 1);
    if (length.isEmpty()
        || length.length() > 3
        || !length.chars().allMatch(c -> c >= '0' && c <= '9')) {
      throw new IllegalArgumentException(
          "'" + text + "' is no prefix: '" + length + "' is not a length");
    }
    return new IpPrefix(IpAddress.parse(text.substring(0, slash)), Integer.parseInt(length));
  }

  /** The same prefix with the host bits at zero. */
  public IpPrefix network() {
    return new IpPrefix(
        new IpAddress(address.v6(), address.high() & highMask(), address.low() & lowMask()),
        length);
  }

  /** Whether an address of the same family lies within. */
  public boolean contains(IpAddress other) {
    return other.v6() == address.v6()
        && ((other.high() ^ address.high()) & highMask()) == 0
        && ((other.low() ^ address.low()) & lowMask()) == 0;
  }

  private long highMask() {
    return address.v6() ? ones(Math.min(64, length)) : 0;
  }

  private long lowMask() {
    return address.v6() ? ones(Math.max(0, length - 64)) : ones(length) >>> 32;
  }

  private static long ones(int leading) {
    return leading == 0 ? 0 : -1L << (64 - leading);
  }

  /** {@code address/length}. */
  @Override
  public String toString() {
    return address + "/" + length;
  }
}
