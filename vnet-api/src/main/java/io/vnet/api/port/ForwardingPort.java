package io.vnet.api.port;

import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import java.util.Optional;
import java.util.Set;

/**
 * A port that passes every call on to another, for subclasses that answer some of them otherwise. A
 * method that {@link PacketPort} gains later is passed on too, and its default not taken.
 *
 * <p>Each method is the other port's: its threads, what it throws, what it costs. Listeners are
 * registered there, so what a subclass changes says nothing to them.
 */
public abstract class ForwardingPort implements PacketPort {
  private final PacketPort port;

  /** Over a port, which closes with this one. */
  protected ForwardingPort(PacketPort port) {
    this.port = port;
  }

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
    return port.island();
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
