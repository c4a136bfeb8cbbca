package io.vnet.tunnel.core;

/** How long messages hide the length of packets. */
public final class Padding {
  private static final int MULTIPLE = 16;

  private Padding() {}

  /**
   * How many zero bytes go behind a packet before it is sealed: up to the next multiple of 16, but
   * not beyond the MTU, of which a longer packet counts as several.
   *
   * @param length of the packet in bytes, 0 or more
   * @param mtu of the tunnel's interface; 0: none
   */
  public static int bytes(int length, int mtu) {
    int last = mtu != 0 && length > mtu ? length % mtu : length;
    int padded = (last + MULTIPLE - 1) & -MULTIPLE;
    return (mtu == 0 ? padded : Math.min(mtu, padded)) - last;
  }
}
