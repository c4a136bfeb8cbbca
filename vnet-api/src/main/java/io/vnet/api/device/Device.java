package io.vnet.api.device;

import java.util.concurrent.CompletionStage;

/**
 * A name for one device that outlives it: every method has a defined answer after the device is
 * gone (ENXIO), and none ever reaches a later device of the same name.
 *
 * <p>Safe on any thread. Methods that return a value wait for the answer and throw {@link
 * io.vnet.api.error.VnetException}: EDEADLK on an I/O thread, which such a wait would hang. The
 * {@code Async} ones never wait, and their stages complete on a thread where user code may run.
 */
public interface Device {
  /** Which device. */
  DeviceId id();

  /** The name of its interface: differs from the device's name for a host interface named so. */
  String interfaceName();

  /** The MTU that it was created with, in bytes. */
  int mtu();

  /**
   * Opens the device: exclusive, until the handle is closed or revoked.
   *
   * @throws io.vnet.api.error.VnetException EBUSY: open already, or being destroyed; ENXIO:
   *     destroyed
   */
  DeviceHandle open();

  /** {@link #open} without waiting. A handle nobody takes (the stage was cancelled) is closed. */
  CompletionStage<DeviceHandle> openAsync();

  /**
   * Takes the interface end of an in-memory device: exclusive, until it is closed or the device
   * goes.
   *
   * @throws io.vnet.api.error.VnetException EBUSY: taken; ENXIO: destroyed; EOPNOTSUPP: the end is
   *     in the host's kernel
   */
  NetworkEnd networkEnd();

  /** The device's state at this moment; ENXIO once its name is gone. Never waits. */
  DeviceInfo info();

  /** {@link #destroy(DestroyPolicy)} by {@link DestroyPolicy#FORCE}: a destroy that cannot hang. */
  default void destroy() {
    destroy(DestroyPolicy.FORCE);
  }

  /**
   * Destroys the device and waits until its name, memory, descriptor and unit are free.
   *
   * @throws io.vnet.api.error.VnetException EBUSY: open, with {@link DestroyPolicy#REFUSE}; EINTR:
   *     the waiting thread was interrupted and the device stays; ENXIO: gone before
   */
  void destroy(DestroyPolicy policy);

  /**
   * {@link #destroy(DestroyPolicy)} without waiting for the end. A destroy that was already under
   * way is joined: both are told at the end.
   */
  DestroyRequest destroyAsync(DestroyPolicy policy);

  /** Completes when the device is gone and its unit is free, whoever destroyed it. */
  CompletionStage<DeviceId> gone();
}
