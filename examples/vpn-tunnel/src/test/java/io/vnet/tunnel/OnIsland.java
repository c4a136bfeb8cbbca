package io.vnet.tunnel;

import io.vnet.api.port.ForwardingPort;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import java.util.Optional;

/** A port that says that its readiness is seen on an island. */
final class OnIsland extends ForwardingPort {
  private final Island where;

  OnIsland(PacketPort port, Island where) {
    super(port);
    this.where = where;
  }

  @Override
  public Optional<Island> island() {
    return Optional.of(where);
  }
}
