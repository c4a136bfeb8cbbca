package io.vnet.benchmarks.relay;

import akka.stream.javadsl.Keep;
import io.vnet.actors.HostSettings;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A relay in the ways that a program has to use the library: {@code A B HOW [--offload] [--io IO]
 * [--queues N]}, HOW one of {@code batches}, {@code packets} (streams) and {@code direct} (port to
 * port, without streams). Queue i of one device goes with queue i of the other.
 */
public final class PortRelay {
  private static final int MTU = 1500;

  private PortRelay() {}

  /** Relays between the tun devices A and B, which it makes, until it is killed. */
  public static void main(String... arguments) throws InterruptedException {
    List<String> all = List.of(arguments);
    if (all.size() < 3) {
      System.err.println(
          "usage: PortRelay A B batches|packets|direct [--offload] [--io IO] [--queues N]");
      System.exit(2);
    }
    boolean offload = all.contains("--offload");
    int queues = Integer.parseInt(option(all, "--queues", "1"));
    String io = option(all, "--io", HostIo.AUTO.name()).toUpperCase(Locale.ROOT);
    IslandSettings islands = IslandSettings.defaults().withIo(HostIo.valueOf(io));
    VnetHost host =
        VnetHost.start(
            HostSettings.defaults()
                .withIslands(queues == 1 ? islands : islands.withThreads(2 * queues, queues)));
    DeviceHandle a = open(host, all.get(0), offload, queues);
    DeviceHandle b = open(host, all.get(1), offload, queues);
    for (int i = 0; i < queues; i++) {
      connect(host, a.queues().get(i), b.queues().get(i), all.get(2));
      connect(host, b.queues().get(i), a.queues().get(i), all.get(2));
    }
    System.out.println("ready " + all.get(0) + " " + all.get(1));
    new CountDownLatch(1).await();
  }

  private static String option(List<String> all, String name, String otherwise) {
    int at = all.indexOf(name);
    return at < 0 ? otherwise : all.get(at + 1);
  }

  private static DeviceHandle open(VnetHost host, String name, boolean offload, int queues) {
    return host.create(
            DeviceSpec.of("tun")
                .withMtu(MTU)
                .withHost(
                    HostBacking.create()
                        .withInterfaceName(name)
                        .withOffload(offload)
                        .withQueues(queues)))
        .open();
  }

  private static void connect(VnetHost host, PacketPort from, PacketPort to, String how) {
    PacketStreams source = host.streams(from);
    switch (how) {
      case "batches" ->
          source
              .run(source.batches().toMat(host.streams(to).batchSink(), Keep.right()))
              .whenComplete(PortRelay::ended);
      case "packets" ->
          source
              .run(source.packets().toMat(host.streams(to).packetSink(), Keep.right()))
              .whenComplete(PortRelay::ended);
      case "direct" -> new Direct(from, to, host.batches(from).acquire()).begin();
      default -> throw new IllegalArgumentException("no way is called " + how);
    }
  }

  private static void ended(@Nullable Object done, @Nullable Throwable failure) {
    System.err.println("PortRelay: a stream has ended: " + (failure == null ? done : failure));
    System.exit(1);
  }

  /**
   * From one port to another on the I/O thread of the first: a task a signal, of so many batches at
   * the most. Nothing is allocated.
   */
  private static final class Direct implements PortListener, Runnable {
    private static final int BATCHES_MAX = 16;

    private final PacketPort from;
    private final PacketPort to;
    private final Island island;
    private final PacketBatch batch;
    private final AtomicBoolean scheduled = new AtomicBoolean();

    Direct(PacketPort from, PacketPort to, PacketBatch batch) {
      this.from = from;
      this.to = to;
      this.island = from.island().orElseThrow();
      this.batch = batch;
    }

    void begin() {
      from.listen(this);
      readable();
    }

    @Override
    public void readable() {
      if (scheduled.compareAndSet(false, true)) {
        island.execute(this);
      }
    }

    @Override
    public void writable() {
      // A host device takes all that it is given.
    }

    @Override
    public void closed(@Nullable VnetException cause) {
      ended(null, cause);
    }

    @Override
    public void run() {
      scheduled.set(false);
      for (int i = 0; i < BATCHES_MAX; i++) {
        if (from.receive(batch) == 0) {
          return;
        }
        to.send(batch, 0);
        batch.clear();
      }
      readable();
    }
  }
}
