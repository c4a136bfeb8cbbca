package io.vnet.api.packet;

/** What one packet of a port is. */
public enum Layer {
  /** An Ethernet frame: 14 bytes of header first, no preamble, no frame check sequence. */
  L2,
  /** An IP packet: the version is in the first four bits. */
  L3,
  /** What a UDP datagram carries, without headers, or a train of such: see DatagramTrain. */
  DATAGRAM
}
