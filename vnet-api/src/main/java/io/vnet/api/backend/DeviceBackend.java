package io.vnet.api.backend;

import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.device.InterfaceState;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PortLedger;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What carries a device's packets, from create to destroy. It may own a descriptor and off-heap
 * memory: what an epoch has to protect.
 *
 * <p>The order of a life: made → {@link #start} → any number of { {@link #linkUp} → {@link
 * #receive}, {@link #send} → {@link #linkDown} } → {@link #quiesce} → a grace period → {@link
 * #release}.
 */
public interface DeviceBackend {
  /** The name of the interface end. */
  String interfaceName();

  /** The MTU in force, in bytes. */
  int mtu();

  /**
   * What is left to the other side of the descriptor. A kind that this side turns out not to take
   * goes away; none comes. Any thread.
   */
  default Set<OffloadFeature> offloads() {
    return Set.of();
  }

  /** The I/O thread that sees readiness; empty if there is none. */
  Optional<Island> island();

  /**
   * The queues that packets come and go by, this one first; the same for the whole life.
   *
   * <p>{@link #receive}, {@link #send}, {@link #afterReceive}, {@link #afterSend} and {@link
   * #island} are each queue's own, with one receiver and one sender at a time. All else is asked of
   * the first, for all of them: it tells their readiness to {@link BackendListener#queue}.
   */
  default List<DeviceBackend> queues() {
    return List.of(this);
  }

  /**
   * Whether {@link #linkUp}, {@link #linkDown}, {@link #release}, {@link #change}, {@link #rename}
   * and {@link #interfaceCounters} may block (make system calls): such ones are called one at a
   * time on a thread made for that, else on the caller's.
   */
  boolean blocking();

  /** Begins to tell readiness; called once, before anything else, on any thread; does not block. */
  void start(BackendListener listener);

  /**
   * A handle was granted: carrier on. May block; whoever opened gets the handle after it, with a
   * link that passes packets.
   */
  void linkUp();

  /**
   * The last handle is closed: carrier off, and what waits for a reader is dropped, up to a bound.
   * May block. Nobody receives or sends meanwhile.
   *
   * @param ledger counts the dropped packets
   */
  void linkDown(PortLedger ledger);

  /**
   * The interface changed: from now on packets follow this. Called by the device's owner, on its
   * thread, also between any two other calls; does not block. What is in a kernel ignores it.
   */
  default void configure(InterfaceState state) {}

  /**
   * The interface's counters. Of a {@link #blocking} backend: asked of the kernel, on the lane of
   * the other blocking calls; of another: inside the caller's epoch section, without blocking.
   *
   * @throws VnetException EOPNOTSUPP: nobody counts
   */
  default InterfaceCounters interfaceCounters() {
    throw new VnetException(
        "count", interfaceName(), Errno.EOPNOTSUPP, "nobody counts", "use the handle's counters");
  }

  /**
   * Changes the interface in a kernel; when this returns the change is in force. May block, as
   * {@link #release} does, and is never called after it.
   *
   * @throws VnetException what the kernel said; EOPNOTSUPP: the interface is in no kernel, or the
   *     kernel has no such setting
   */
  default void change(InterfaceChange change) {
    throw new VnetException(
        "change", interfaceName(), Errno.EOPNOTSUPP, "this backend cannot " + change, "");
  }

  /**
   * Renames the interface in a kernel; from then on it is {@link #interfaceName}. As {@link
   * #change}.
   *
   * @throws VnetException EEXIST: the kernel has an interface of that name; EOPNOTSUPP
   */
  default void rename(String newName) {
    throw new VnetException(
        "rename", interfaceName(), Errno.EOPNOTSUPP, "this backend cannot rename it", "");
  }

  /** Packets that wait for {@link #receive}; 0 if that is not known. Inside a section. */
  default long queuedPackets() {
    return 0;
  }

  /**
   * The length of the packet that {@link #receive} would give next, in bytes; 0 if none or not
   * known. Inside a section, by the receiver.
   */
  default int nextPacketBytes() {
    return 0;
  }

  /**
   * Drops what waits for {@link #receive}, uncounted. Inside a section, by the receiver, or while
   * there is none.
   *
   * @return packets
   */
  default int discardQueued() {
    return 0;
  }

  /**
   * Appends what has arrived. Inside the caller's epoch section; one receiver at a time; never
   * blocks.
   *
   * @return packets appended
   * @throws io.vnet.api.error.VnetException if the backend has failed for good
   */
  int receive(PacketBatch into, PortLedger ledger);

  /**
   * Passes packets on. Inside the caller's epoch section; one sender at a time; never blocks.
   *
   * @return packets taken: passed on, or dropped and counted in the ledger
   * @throws io.vnet.api.error.VnetException if the backend has failed for good
   */
  int send(PacketBatch batch, int from, PortLedger ledger);

  /**
   * After a {@link #receive}, outside the section: wakes a sender at the other end, if one waits.
   */
  default void afterReceive() {}

  /**
   * After a {@link #send}, outside the section: wakes a receiver at the other end, if one waits.
   */
  default void afterSend() {}

  /**
   * Leaves the poller: after {@code done} no I/O is in flight, no signal comes, and no thread of
   * the backend's own touches its descriptor. Never blocks; calls back on any thread, once.
   */
  void quiesce(Runnable done);

  /**
   * Closes the descriptor and gives the memory back. Called once, after a grace period in which
   * every reader left. May block (a tun's close takes 16 to 32 ms in the kernel).
   *
   * @param ledger counts packets that still waited
   */
  void release(PortLedger ledger);
}
