package io.vnet.tunnel.config;

/** Where routes to allowed IPs go: the key {@code Table}. */
public sealed interface RouteTable {
  /** The main table, and one of its own for default routes. */
  record Auto() implements RouteTable {
    @Override
    public String toString() {
      return "auto";
    }
  }

  /** Nowhere. */
  record Off() implements RouteTable {
    @Override
    public String toString() {
      return "off";
    }
  }

  /**
   * A table.
   *
   * @param number unsigned, not 0
   */
  record Numbered(int number) implements RouteTable {
    @Override
    public String toString() {
      return Integer.toUnsignedString(number);
    }
  }

  /**
   * A table by its name in iproute2's {@code rt_tables}.
   *
   * @param name not looked up yet
   */
  record Named(String name) implements RouteTable {
    @Override
    public String toString() {
      return name;
    }
  }
}
