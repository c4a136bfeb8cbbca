package io.vnet.actors.stream;

import io.vnet.api.port.PacketPort;
import java.util.concurrent.atomic.AtomicInteger;

/** The stages over one port: the last one to end closes it. Safe on any thread. */
final class PortShare {
  private final PacketPort port;
  private final AtomicInteger stages = new AtomicInteger();

  PortShare(PacketPort port) {
    this.port = port;
  }

  PacketPort port() {
    return port;
  }

  void begin() {
    stages.incrementAndGet();
  }

  void end() {
    if (stages.decrementAndGet() == 0) {
      port.close();
    }
  }
}
