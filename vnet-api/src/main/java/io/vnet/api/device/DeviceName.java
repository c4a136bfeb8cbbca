package io.vnet.api.device;

import java.util.Optional;

/**
 * A driver and a unit, or a driver and "the lowest free unit".
 *
 * <p>Source: if_tuntap specification, section 1.2.
 *
 * @param driver the driver
 * @param unit the unit, or {@link #WILDCARD}. May be above {@link #MAX_UNIT}: such a name parses,
 *     and creating it answers EEXIST, because the allocator cannot tell out of range from taken
 */
public record DeviceName(DriverKind driver, int unit) {
  /** Stands for the lowest free unit. */
  public static final int WILDCARD = -1;

  /** The largest unit that a driver hands out: 32767 (IF_MAXUNIT). */
  public static final int MAX_UNIT = 32767;

  private static final int MAX_PARSED_UNIT = 0xFF_FFFF;

  /** Checks the range. */
  public DeviceName {
    if (unit < WILDCARD || unit > MAX_PARSED_UNIT) {
      throw new IllegalArgumentException("unit " + unit + " is not within -1.." + MAX_PARSED_UNIT);
    }
  }

  /**
   * Finds the driver that accepts a name: the driver's name alone (any unit), or followed by
   * decimal digits without a leading zero and by nothing else, at most 0xFFFFFF.
   *
   * @param text for example {@code tun}, {@code tap3}
   * @return the name, or empty if no driver accepts it ({@code tun00}, {@code tun1a}, {@code eth0})
   */
  public static Optional<DeviceName> match(String text) {
    for (DriverKind driver : DriverKind.values()) {
      if (text.startsWith(driver.driverName())) {
        String digits = text.substring(driver.driverName().length());
        if (digits.isEmpty()) {
          return Optional.of(new DeviceName(driver, WILDCARD));
        }
        int unit = parseUnit(digits);
        if (unit >= 0) {
          return Optional.of(new DeviceName(driver, unit));
        }
      }
    }
    return Optional.empty();
  }

  private static int parseUnit(String digits) {
    if (digits.length() > 8 || (digits.length() > 1 && digits.charAt(0) == '0')) {
      return -1;
    }
    int unit = 0;
    for (int i = 0; i < digits.length(); i++) {
      char c = digits.charAt(i);
      if (c < '0' || c > '9') {
        return -1;
      }
      unit = unit * 10 + (c - '0');
    }
    return unit <= MAX_PARSED_UNIT ? unit : -1;
  }

  /** Whether the unit is left to the driver. */
  public boolean isWildcard() {
    return unit == WILDCARD;
  }

  /** The same driver with a given unit. */
  public DeviceName withUnit(int newUnit) {
    return new DeviceName(driver, newUnit);
  }

  /** The text that {@link #match} accepts. */
  @Override
  public String toString() {
    return isWildcard() ? driver.driverName() : driver.driverName() + unit;
  }
}
