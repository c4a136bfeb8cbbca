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

  /**
   * The name of its interface when it was created: differs from the device's name for a host
   * interface named so. {@link #info} has the present one.
   */
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

  /**
   * Renames the interface, a host device's in the kernel; the device keeps its unit and its node,
   * and gets an alias: it can be opened by either name. Works whether or not it is open. If the new
   * name cannot become an alias (it is taken by another node), the interface is renamed all the
   * same.
   *
   * @throws io.vnet.api.error.VnetException EINVAL: empty, or longer than 15 bytes; EEXIST: the
   *     name is in use in its vnet, or in the kernel; EBUSY: it is being moved or renamed; ENXIO:
   *     destroyed; EPERM: the kernel does not let this process rename it
   */
  void rename(String newName);

  /** {@link #rename} without waiting. */
  CompletionStage<DeviceId> renameAsync(String newName);

  /**
   * Lends the device to another vnet, or returns it. An open handle keeps working; the interface
   * goes down and loses its addresses.
   *
   * @throws io.vnet.api.error.VnetException EEXIST: it is there, or its name is in use there;
   *     EBUSY: the target is being removed, or another move is under way; ENXIO: destroyed, or the
   *     target was removed; EOPNOTSUPP: a host device
   */
  void moveTo(Vnet target);

  /** {@link #moveTo} without waiting. */
  CompletionStage<DeviceId> moveToAsync(Vnet target);

  /**
   * Changes the interface. A host device's is changed in the kernel, which has the last word.
   *
   * @throws io.vnet.api.error.VnetException as the {@link InterfaceChange} says; ENXIO: destroyed;
   *     of a host device also EPERM, and EOPNOTSUPP: the kernel has no such setting
   */
  void configure(InterfaceChange change);

  /** {@link #configure} without waiting. */
  CompletionStage<DeviceId> configureAsync(InterfaceChange change);

  /**
   * The counters of the interface. Never waits for an in-memory device; a host device's are asked
   * of the kernel, on another thread, and waited for.
   *
   * @throws io.vnet.api.error.VnetException ENXIO: destroyed; EDEADLK: waiting for a host device's
   *     on a thread that may not wait
   */
  InterfaceCounters counters();

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
