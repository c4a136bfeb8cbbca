package io.vnet.api.device;

import io.vnet.api.port.PacketPort;

/**
 * The interface end of an in-memory device: where a network (a responder, a switch, a test) sits,
 * as the kernel's stack does behind a host device. What it sends the handle receives, and the other
 * way round.
 *
 * <p>Packets sent while no handle is open are dropped and counted ({@code NOT_OPEN}), except on a
 * vmnet, which keeps them. Closing the end gives it back; the device stays.
 */
public interface NetworkEnd extends PacketPort {
  /** The device whose interface this is. */
  DeviceId device();
}
