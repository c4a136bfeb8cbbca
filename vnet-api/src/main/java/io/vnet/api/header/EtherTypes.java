package io.vnet.api.header;

/** Ethernet type numbers. Source: IANA, IEEE 802 Numbers. */
public final class EtherTypes {
  public static final int IPV4 = 0x0800;
  public static final int ARP = 0x0806;

  /** A customer's VLAN tag, IEEE 802.1Q. */
  public static final int VLAN = 0x8100;

  public static final int IPV6 = 0x86DD;

  /** A provider's VLAN tag, IEEE 802.1ad. */
  public static final int PROVIDER_VLAN = 0x88A8;

  private EtherTypes() {}
}
