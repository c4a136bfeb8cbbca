package io.vnet.api.port;

/**
 * Work on packets that one side of a port leaves to the other: a packet then comes with an
 * {@linkplain io.vnet.api.packet.PacketBatch#offload offload word}.
 *
 * <p>Source: {@code linux/if_tun.h}, TUN_F_CSUM and the following; the virtio specification,
 * section 5.1.6.
 */
public enum OffloadFeature {
  /** A transport checksum that is still to be computed. */
  CHECKSUM,
  /** TCP over IPv4 in super-packets that are still to be split. */
  TSO4,
  /** TCP over IPv6 in super-packets. */
  TSO6,
  /** UDP over IPv4 in super-packets of equal datagrams. */
  USO4,
  /** UDP over IPv6 in super-packets. */
  USO6
}
