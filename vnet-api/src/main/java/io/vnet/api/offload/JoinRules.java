package io.vnet.api.offload;

import io.vnet.api.packet.Layer;

/**
 * Which packets may become one super-packet.
 *
 * @param layer what the packets are
 * @param udp whether UDP datagrams may, too: only for a kernel with USO
 * @param bytesMax the longest super-packet, as an IP packet, in bytes; at most 65,535
 * @param segmentsMax how many packets one super-packet may hold; a kernel takes 64 of UDP
 */
public record JoinRules(Layer layer, boolean udp, int bytesMax, int segmentsMax) {
  /** What a kernel takes of UDP in one super-packet: {@code UDP_MAX_SEGMENTS} before Linux 6.9. */
  public static final int SEGMENTS_MAX = 64;

  /** Checks the bounds. */
  public JoinRules {
    if (bytesMax < 1 || bytesMax > Wire.IP_BYTES_MAX || segmentsMax < 1) {
      throw new IllegalArgumentException("bytesMax=" + bytesMax + ", segmentsMax=" + segmentsMax);
    }
  }

  /** TCP alone, super-packets as long as IP allows. */
  public static JoinRules of(Layer layer) {
    return new JoinRules(layer, false, Wire.IP_BYTES_MAX, SEGMENTS_MAX);
  }

  /** The same with UDP or without. */
  public JoinRules withUdp(boolean allowed) {
    return new JoinRules(layer, allowed, bytesMax, segmentsMax);
  }
}
