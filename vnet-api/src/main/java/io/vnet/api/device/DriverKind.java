package io.vnet.api.device;

import io.vnet.api.packet.Layer;

/**
 * The three drivers that share one code base: tun carries IP packets, tap and vmnet carry Ethernet
 * frames, and a vmnet keeps its configuration and its queue while closed.
 *
 * <p>Source: if_tuntap specification, section 1.1; tun(4), tap(4).
 */
public enum DriverKind {
  TUN("tun", Layer.L3),
  TAP("tap", Layer.L2),
  VMNET("vmnet", Layer.L2);

  private final String driverName;
  private final Layer layer;

  DriverKind(String driverName, Layer layer) {
    this.driverName = driverName;
    this.layer = layer;
  }

  /**
   * The name that starts every device name of this driver: {@code tun}, {@code tap}, {@code vmnet}.
   */
  public String driverName() {
    return driverName;
  }

  /** What one packet is. */
  public Layer layer() {
    return layer;
  }
}
