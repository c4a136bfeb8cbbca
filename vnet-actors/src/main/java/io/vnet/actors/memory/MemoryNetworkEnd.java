package io.vnet.actors.memory;

import io.vnet.actors.port.GuardedPort;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Island;
import java.util.Optional;

/** The interface end of an in-memory device, for whoever took it. */
public final class MemoryNetworkEnd extends GuardedPort implements NetworkEnd {
  private final MemoryBackend backend;

  MemoryNetworkEnd(MemoryBackend backend, Epoch epoch) {
    super(backend.device() + "/network", backend.layer(), epoch);
    this.backend = backend;
  }

  @Override
  public DeviceId device() {
    return backend.device();
  }

  @Override
  public int mtu() {
    return backend.mtu();
  }

  @Override
  public Optional<Island> island() {
    return Optional.empty();
  }

  @Override
  protected int doReceive(PacketBatch into) {
    return backend.networkReceive(into, ledger());
  }

  @Override
  protected int doSend(PacketBatch batch, int from) {
    return backend.networkSend(batch, from, ledger());
  }

  @Override
  protected void afterReceive() {
    backend.afterNetworkReceive();
  }

  @Override
  protected void afterSend() {
    backend.afterNetworkSend();
  }

  @Override
  protected void onClose() {
    backend.networkEndClosed(this);
  }
}
