package io.vnet.api.device;

import io.vnet.api.packet.Packet;
import io.vnet.api.port.PacketPort;
import java.time.Duration;
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
   * Waits for one packet. The thread parks; nothing is held meanwhile.
   *
   * @return the packet, a copy
   * @throws io.vnet.api.error.VnetException EBADF: closed, before or while waiting; ENXIO: the
   *     device was destroyed; EINTR: the thread was interrupted
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
   * @throws io.vnet.api.error.VnetException EIO: longer than 65,535 bytes; EBADF, ENXIO, EINTR as
   *     in {@link #read}
   */
  void write(Packet packet);

  /**
   * Makes the device go away by itself at its last close, or not.
   *
   * @throws io.vnet.api.error.VnetException EBADF, ENXIO as in {@link #read}
   */
  void setTransient(boolean transientDevice);

  /**
   * Completes, with the device, when the close has been carried out: the device can be opened
   * again, or is gone.
   */
  CompletionStage<DeviceId> closed();
}
