package io.vnet.tunnel;

import io.vnet.api.epoch.Epoch;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.io.udp.UdpPort;
import io.vnet.io.udp.UdpSettings;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Makes the port that a tunnel's datagrams go through; again whenever the UDP port changes. Safe on
 * any thread.
 */
@FunctionalInterface
public interface Outside {
  /** An open port of datagrams. */
  interface Bound {
    /** The port, of {@link io.vnet.api.packet.Layer#DATAGRAM}; the tunnel closes it. */
    PacketPort port();

    /** The UDP port that it receives at. */
    int localPort();

    /**
     * Changes SO_MARK of what it sends; 0: none.
     *
     * @throws io.vnet.api.error.VnetException EPERM: needs rights; EOPNOTSUPP: has no marks
     */
    void mark(int mark);

    /**
     * Completes, on any thread, when what the port had taken is free again after its end, so that
     * the same UDP port can be opened: with its close, if this does not say otherwise. A failure
     * says that it may not be.
     */
    default CompletionStage<?> released() {
      return CompletableFuture.completedStage(localPort());
    }
  }

  /**
   * Opens a port. May block for a moment; never called on the island.
   *
   * @param island where the tunnel's packets are moved, so where readiness is best seen
   * @param port 0: any that is free
   * @param mark SO_MARK, as an unsigned number; 0: none
   * @throws io.vnet.api.error.VnetException EADDRINUSE: taken; EPERM: the mark needs rights
   */
  Bound open(Island island, int port, int mark);

  /**
   * UDP sockets of this host.
   *
   * <p>Their descriptors are guarded by an epoch of their own and not the host's: nothing else is
   * ever inside a section of it, so nobody else can hold up their end.
   *
   * @param settings but port and mark, which the tunnel's configuration says: address families,
   *     network namespace, buffers; with {@linkplain UdpSettings#withEcn ECN}, congestion that the
   *     way outside marks is passed on to the packets inside
   */
  static Outside udp(UdpSettings settings) {
    Epoch epoch = Epoch.create();
    return (island, port, mark) -> {
      UdpPort udp = UdpPort.open(settings.withPort(port).withMark(mark), island, epoch);
      return new Bound() {
        @Override
        public PacketPort port() {
          return udp;
        }

        @Override
        public int localPort() {
          return udp.port();
        }

        @Override
        public void mark(int newMark) {
          udp.mark(newMark);
        }

        @Override
        public CompletionStage<?> released() {
          return udp.released();
        }
      };
    };
  }
}
