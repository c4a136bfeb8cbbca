package io.vnet.io.netlink;

/**
 * How far an address or a route is valid.
 *
 * <p>Source: linux/rtnetlink.h, {@code enum rt_scope_t}.
 *
 * @param number 0 to 255; the larger, the nearer
 */
public record Scope(int number) {
  /** Everywhere. */
  public static final Scope UNIVERSE = new Scope(0);

  /** Within the site (IPv6, no longer in use). */
  public static final Scope SITE = new Scope(200);

  /** On the directly attached network. */
  public static final Scope LINK = new Scope(253);

  /** On this host only. */
  public static final Scope HOST = new Scope(254);

  /** The destination does not exist. */
  public static final Scope NOWHERE = new Scope(255);

  /** Checks the range. */
  public Scope {
    if (number < 0 || number > 255) {
      throw new IllegalArgumentException("scope " + number + " is not within 0..255");
    }
  }

  /** The name that the kernel's tools use, or the number. */
  @Override
  public String toString() {
    return switch (number) {
      case 0 -> "global";
      case 200 -> "site";
      case 253 -> "link";
      case 254 -> "host";
      case 255 -> "nowhere";
      default -> Integer.toString(number);
    };
  }
}
