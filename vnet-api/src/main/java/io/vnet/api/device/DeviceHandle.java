package io.vnet.api.device;

import io.vnet.api.packet.Packet;
import io.vnet.api.port.PacketPort;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * The character-device end of an open device: what a program reads and writes.
 *
 * <p>A reading and a writing thread may work side by side; a second user of the same direction
 * waits for the first, briefly, as no call blocks inside. Each call is an epoch section, so the
 * descriptor and the memory under it live at least as long as the call.
 *
 * <p>{@link #close} wakes whoever is blocked in {@link #read} with EBADF. FreeBSD lets such a
 * reader sleep on; a JVM user expects to be woken.
 */
public interface DeviceHandle extends PacketPort {
  /** The device that is open. */
  DeviceId device();

  /**
   * Waits for one packet. The thread parks; nothing is held meanwhile. Of a device with offloads
   * the packets are finished, super-packets come as their segments; what is left of one waits for
   * the next read, and is seen by no receive.
   *
   * @return the packet, a copy
   * @throws io.vnet.api.error.VnetException EBADF: closed, before or while waiting; ENXIO: the
   *     device was destroyed; EINTR: the thread was interrupted; EDEADLK: there is none, and this
   *     is an I/O thread of the host, which would wait for itself
   */
  Packet read();

  /**
   * Waits for one packet, but not for ever.
   *
   * @return the packet, or empty when the time is over
   */
  Optional<Packet> read(Duration timeout);

  /**
   * Writes one packet; waits while the other side has no room.
   *
   * @throws io.vnet.api.error.VnetException EIO: longer than 65,535 bytes; EBADF, ENXIO, EINTR,
   *     EDEADLK as in {@link #read}
   */
  void write(Packet packet);

  /**
   * Makes the device go away by itself at its last close, or not.
   *
   * @throws io.vnet.api.error.VnetException EBADF, ENXIO as in {@link #read}
   */
  void setTransient(boolean transientDevice);

  /**
   * An option's value as the device has it now. Never waits.
   *
   * @throws io.vnet.api.error.VnetException ENOTTY: the driver does not know it; EBADF, ENXIO as in
   *     {@link #read}
   */
  <T> T option(DeviceOption<T> option);

  /**
   * Sets an option and waits until it is in force.
   *
   * @throws io.vnet.api.error.VnetException ENOTTY: the driver does not know it; EBUSY, EINVAL as
   *     the option says; EOPNOTSUPP: not on a host device; EBADF, ENXIO as in {@link #read}
   */
  <T> void setOption(DeviceOption<T> option, T value);

  /** {@link #setOption} without waiting. */
  <T> CompletionStage<DeviceId> setOptionAsync(DeviceOption<T> option, T value);

  /**
   * The queues of the device, this handle first: one, unless {@link HostBacking#withQueues} says
   * otherwise. Each has its own descriptor and I/O thread ({@link PacketPort#island}), its own
   * receiver and sender, so that several threads move packets side by side.
   *
   * <p>The kernel gives all packets of a flow (addresses, ports, protocol) to one queue, in order;
   * between flows there is no order. A flow's packets that are sent to the kernel by a queue make
   * it give that flow to the same queue: answer where you were asked, and a flow stays; send it by
   * another queue and it moves there, where it may overtake what waits in the first.
   *
   * <p>One queue is the default since one keeps the order of everything, one flow never gets faster
   * with several, and several readers on few cores take turns instead of working side by side.
   *
   * <p>They live and end together: closing one closes the handle, so that no queue is left whose
   * packets nobody reads. {@link #read}, {@link #write} and what is sent and received here is the
   * first queue's; {@link #counters} is the sum of all.
   */
  List<PacketPort> queues();

  /** The present name of the interface, after renames (TUNGIFNAME). */
  String interfaceName();

  /** How many packets wait to be read; 0 if that is not known, as for a host device. */
  long readablePackets();

  /** The length of the packet that is read next, in bytes; 0 if none waits (FIONREAD). */
  int nextPacketBytes();

  /**
   * Completes, with the device, when the close has been carried out: the device can be opened
   * again, or is gone.
   */
  CompletionStage<DeviceId> closed();
}
