package io.vnet.actors.device;

import io.vnet.actors.port.GuardedPort;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import java.util.Optional;
import java.util.Set;

/** A port over a backend, or over one of a backend's queues, which moves its packets. */
abstract class BackendPort extends GuardedPort {
  final DeviceBackend backend;

  BackendPort(String name, Layer layer, Epoch epoch, DeviceBackend backend) {
    super(name, layer, epoch);
    this.backend = backend;
  }

  @Override
  public final int mtu() {
    return backend.mtu();
  }

  @Override
  public final Set<OffloadFeature> offloads() {
    return backend.offloads();
  }

  @Override
  public final Optional<Island> island() {
    return backend.island();
  }

  @Override
  protected final int doReceive(PacketBatch into) {
    return backend.receive(into, ledger());
  }

  @Override
  protected final int doSend(PacketBatch batch, int from) {
    return backend.send(batch, from, ledger());
  }

  @Override
  protected final void afterReceive() {
    backend.afterReceive();
  }

  @Override
  protected final void afterSend() {
    backend.afterSend();
  }
}
