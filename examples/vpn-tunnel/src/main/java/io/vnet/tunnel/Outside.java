package io.vnet.tunnel;

import io.vnet.api.port.PacketPort;

/** Makes the port that a tunnel's datagrams go through; again whenever the UDP port changes. */
@FunctionalInterface
public interface Outside {
  /** An open port of datagrams. */
  interface Bound {
    /** The port, of {@link io.vnet.api.packet.Layer#DATAGRAM}; the tunnel closes it. */
    PacketPort port();

    /** The UDP port that it receives at. */
    int localPort();

    /** Changes SO_MARK of what it sends; 0: none. */
    void mark(int mark);
  }

  /**
   * Opens a port. May block for a moment.
   *
   * @param port 0: any that is free
   * @param mark SO_MARK; 0: none
   * @throws io.vnet.api.error.VnetException EADDRINUSE: taken; EPERM: the mark needs rights
   */
  Bound open(int port, int mark);
}
