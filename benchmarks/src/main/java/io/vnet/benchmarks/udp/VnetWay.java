package io.vnet.benchmarks.udp;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PortListener;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.udp.UdpPort;
import io.vnet.io.udp.UdpSettings;
import org.jspecify.annotations.Nullable;

/** Two UDP ports of vnet, each on an island over epoll. */
final class VnetWay implements Way {
  private static final IpAddress LOOPBACK = IpAddress.parse("127.0.0.1");

  private final IslandLoop sending = new IslandLoop();
  private final IslandLoop receiving = new IslandLoop();
  private final SlabPool slabs = new SlabPool(1 << 20, 2);
  private final BatchPool batches = new BatchPool(slabs);
  private final PacketBatch outgoing = batches.acquire();
  private final PacketBatch incoming = batches.acquire();
  private final Epoch epoch = Epoch.create();
  private final UdpPort sender = open(sending);
  private final UdpPort receiver = open(receiving);
  private final Runnable burst = this::send;
  private final Flow flow = new Flow(() -> sending.execute(burst));

  VnetWay() {
    Endpoint to = Endpoint.of(LOOPBACK, receiver.port());
    for (int i = 0; i < Flow.TRAINS; i++) {
      outgoing.commit(Flow.TRAIN_BYTES, DatagramTrain.of(Flow.DATAGRAM_BYTES, 0));
      outgoing.setEndpoint(i, to);
    }
    receiver.listen(
        new PortListener() {
          @Override
          public void readable() {
            receive();
          }

          @Override
          public void writable() {}

          @Override
          public void closed(@Nullable VnetException cause) {}
        });
    sender.listen(
        new PortListener() {
          @Override
          public void readable() {}

          @Override
          public void writable() {
            send();
          }

          @Override
          public void closed(@Nullable VnetException cause) {}
        });
  }

  private UdpPort open(IslandLoop island) {
    UdpSettings settings =
        UdpSettings.onPort(0)
            .withAddress(LOOPBACK)
            .withBuffers(Flow.BUFFER_BYTES, Flow.BUFFER_BYTES);
    return UdpPort.open(settings, island, epoch);
  }

  private void send() {
    while (flow.maySend()) {
      int taken = sender.send(outgoing, 0);
      flow.sent((long) taken * Flow.TRAIN_BYTES);
      if (taken < Flow.TRAINS) {
        return;
      }
    }
  }

  private void receive() {
    while (receiver.receive(incoming) > 0) {
      flow.received(incoming.bytes());
      incoming.clear();
    }
  }

  @Override
  public String name() {
    return "vnet";
  }

  @Override
  public Flow flow() {
    return flow;
  }

  @Override
  public void close() {
    sender.closeAsync().toCompletableFuture().join();
    receiver.closeAsync().toCompletableFuture().join();
    sending.close();
    receiving.close();
    outgoing.release();
    incoming.release();
    batches.close();
    slabs.close();
  }
}
