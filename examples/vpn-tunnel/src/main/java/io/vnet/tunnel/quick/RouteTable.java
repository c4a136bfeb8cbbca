package io.vnet.tunnel.quick;

/** Where the routes to the peers' allowed IPs go. */
public sealed interface RouteTable {
  /** Nowhere: none are made. */
  record Off() implements RouteTable {}

  /** The main table; default routes into one of their own, with rules that lead there. */
  record Auto() implements RouteTable {}

  /**
   * A table that somebody else's rules lead to.
   *
   * @param number 1 to 2³²−1
   */
  record Numbered(long number) implements RouteTable {
    private static final long U32_MAX = 0xFFFF_FFFFL;

    /** Checks the range. */
    public Numbered {
      if (number < 1 || number > U32_MAX) {
        throw new IllegalArgumentException("table " + number + " is not within 1.." + U32_MAX);
      }
    }
  }
}
