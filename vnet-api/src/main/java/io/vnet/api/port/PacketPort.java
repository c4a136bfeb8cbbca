package io.vnet.api.port;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import java.util.Optional;
import java.util.Set;

/**
 * Whatever moves packets: a device handle, a network end, UDP sockets, later a switch port, a
 * tunnel side, a capture file.
 *
 * <p><b>Threads:</b> one receiving and one sending thread at a time, which the port enforces by
 * making a second one wait; both directions run side by side. No call blocks on packets. {@link
 * #close} is safe on any thread, at any time, any number of times.
 *
 * <p><b>Conservation:</b> packets taken by {@link #send} = passed on + dropped with a reason;
 * packets given to the port by its other side = received + dropped with a reason + waiting.
 */
public interface PacketPort extends DropCounter, AutoCloseable {
  /** For messages: {@code tun3}, {@code tun3/network}. */
  String name();

  /** What one packet is. */
  Layer layer();

  /** The largest packet that should be sent, in bytes, without a link-layer header. */
  int mtu();

  /**
   * Appends what has arrived to a batch, as far as it has room. The batch stays the caller's.
   *
   * @param into where to; packets already in it stay
   * @return how many packets were appended; 0: nothing now, or no room for one packet
   * @throws io.vnet.api.error.VnetException EBADF: closed; ENXIO: the device was destroyed; another
   *     errno: the port has failed for good
   */
  int receive(PacketBatch into);

  /**
   * Passes packets on. The batch stays the caller's, who releases it or sends the rest later.
   *
   * @param batch what to send; the port may write into the room between its packets
   * @param from the first packet to send
   * @return how many packets were taken, beginning with {@code from}: each was passed on or dropped
   *     with a reason. Fewer than there are: no room now, {@code writable} follows; or the port has
   *     just failed, {@code closed} follows
   * @throws io.vnet.api.error.VnetException ENOBUFS: no memory is there for the first packet, none
   *     was taken, and a later call may do better; else as in {@link #receive}
   */
  int send(PacketBatch batch, int from);

  /**
   * Registers a listener. A port that is closed already tells so at once, on this thread.
   *
   * @return closes to unregister
   */
  Registration listen(PortListener listener);

  /** A registration that can be withdrawn, from any thread, more than once. */
  @FunctionalInterface
  interface Registration extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Counts packets that were meant for this port, or came from it, and went nowhere: a stage that
   * ends with packets in its hands. Safe on any thread, also after close.
   */
  @Override
  void countDrop(DropReason reason, long packets);

  /** What has moved; readable at any time, also after close. */
  PortCounters counters();

  /**
   * What may be left undone on packets that are sent here, and is left undone on some that are
   * received: super-packets of up to 65,535 bytes, checksums to compute. None: a finished packet
   * has an offload word of 0, and others are not taken. A port that takes some kinds splits the
   * super-packets of the others itself. A kind can go away, when the kernel refuses it.
   */
  default Set<OffloadFeature> offloads() {
    return Set.of();
  }

  /** The I/O thread that sees this port's readiness, if it has one: run streams there. */
  Optional<Island> island();

  /** Whether neither the user nor anybody else has ended the port. */
  boolean isOpen();

  /** Ends the port. Whoever waits on it wakes. Returns when no other call is inside any more. */
  @Override
  void close();
}
