package io.vnet.api.device;

import java.util.concurrent.CompletionStage;

/** One request to destroy a device. Safe on any thread. */
public interface DestroyRequest {
  /**
   * Completes when the device is gone. Fails with {@link io.vnet.api.error.VnetException}: EBUSY
   * (refused), EINTR (this request was cancelled), ENXIO (gone before).
   */
  CompletionStage<DeviceId> done();

  /**
   * Withdraws the request. It wins only while the device is still busy, which the device itself
   * decides: then {@link #done} fails with EINTR, and the device is as before once nobody else
   * waits. Else the destroy goes on and {@link #done} completes.
   */
  void cancel();
}
