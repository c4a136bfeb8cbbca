package io.vnet.actors.device;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.error.Errno;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.Island;
import io.vnet.api.port.PortLedger;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** A backend that fails in {@code start} crashes the softc that was to take it over. */
class BackendStartTest {
  private static final long PATIENCE_SECONDS = 20;

  @Test
  void a_backend_that_cannot_start_is_released_and_the_create_fails() throws Exception {
    FailingBackend backend = new FailingBackend();
    NodeTable nodes = new NodeTable();
    HostContext context =
        new HostContext(
            Epoch.create(Epoch.Barrier.FULL_FENCE),
            new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 1),
            new BatchPool(new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 1)),
            nodes,
            new EventLog(Runnable::run, System::nanoTime),
            Runnable::run,
            () -> backend,
            System::nanoTime,
            Long.MAX_VALUE,
            new AtomicLong());
    ActorSystem<HostActor.Command> system =
        ActorSystem.create(HostActor.create(context), "backend-start");
    try {
      CompletableFuture<HostActor.Actors> actors = new CompletableFuture<>();
      system.tell(new HostActor.WhoIsThere(actors::complete));
      ActorRef<VnetActor.Command> vnet = actors.get(PATIENCE_SECONDS, TimeUnit.SECONDS).vnet0();
      CompletableFuture<VnetActor.CreateReply> created = new CompletableFuture<>();
      vnet.tell(
          new VnetActor.Create(
              DeviceSpec.of("tun").withHost(HostBacking.create()), created::complete));

      assertThat(created.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
          .isInstanceOfSatisfying(
              VnetActor.CreateFailed.class,
              failed -> assertThat(failed.cause().errno()).isEqualTo(Errno.EIO));
      CompletableFuture<HostActor.Terminated> terminated = new CompletableFuture<>();
      system.tell(new HostActor.Terminate(terminated::complete));
      assertThat(terminated.get(PATIENCE_SECONDS, TimeUnit.SECONDS)).isNotNull();
      assertThat(backend.releases).hasValue(1);
      assertThat(nodes.all()).isEmpty();
    } finally {
      system.terminate();
    }
  }

  /** A kernel whose only interface cannot be polled. */
  private static final class FailingBackend implements DeviceBackend, HostNetwork {
    final AtomicInteger releases = new AtomicInteger();

    @Override
    public DeviceBackend open(BackendRequest request) {
      return this;
    }

    @Override
    public void start(BackendListener listener) {
      throw new IllegalStateException("the poller is closed");
    }

    @Override
    public void quiesce(Runnable done) {
      done.run();
    }

    @Override
    public void release(PortLedger ledger) {
      releases.incrementAndGet();
    }

    @Override
    public String interfaceName() {
      return "tun0";
    }

    @Override
    public int mtu() {
      return DeviceSpec.DEFAULT_MTU;
    }

    @Override
    public boolean blocking() {
      return false;
    }

    @Override
    public Optional<Island> island() {
      return Optional.empty();
    }

    @Override
    public void linkUp() {}

    @Override
    public void linkDown(PortLedger ledger) {}

    @Override
    public int receive(PacketBatch into, PortLedger ledger) {
      return 0;
    }

    @Override
    public int send(PacketBatch batch, int from, PortLedger ledger) {
      return batch.count() - from;
    }

    @Override
    public List<? extends Island> islands() {
      return List.of();
    }

    @Override
    public List<HostInterface> interfaces() {
      return List.of();
    }

    @Override
    public void close() {}
  }
}
