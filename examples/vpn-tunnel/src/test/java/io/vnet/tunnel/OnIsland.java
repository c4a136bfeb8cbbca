package io.vnet.tunnel;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.OffloadFeature;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.api.port.PortListener;
import java.util.Optional;
import java.util.Set;

/** A port that says that its readiness is seen on an island. */
record OnIsland(PacketPort port, Island where) implements PacketPort {
  @Override
  public String name() {
    return port.name();
  }

  @Override
  public Layer layer() {
    return port.layer();
  }

  @Override
  public int mtu() {
    return port.mtu();
  }

  @Override
  public int receive(PacketBatch into) {
    return port.receive(into);
  }

  @Override
  public int send(PacketBatch batch, int from) {
    return port.send(batch, from);
  }

  @Override
  public Registration listen(PortListener listener) {
    return port.listen(listener);
  }

  @Override
  public void countDrop(DropReason reason, long packets) {
    port.countDrop(reason, packets);
  }

  @Override
  public PortCounters counters() {
    return port.counters();
  }

  @Override
  public Set<OffloadFeature> offloads() {
    return port.offloads();
  }

  @Override
  public Optional<Island> island() {
    return Optional.of(where);
  }

  @Override
  public boolean isOpen() {
    return port.isOpen();
  }

  @Override
  public void close() {
    port.close();
  }
}
