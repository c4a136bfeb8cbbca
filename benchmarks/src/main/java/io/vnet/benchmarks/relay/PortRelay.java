package io.vnet.benchmarks.relay;

import akka.stream.javadsl.Keep;
import io.vnet.actors.HostSettings;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.backend.HostIo;
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
 * A relay in the ways that a program has to use the library: {@code A B HOW [--offload] [--io IO]},
 * HOW one of {@code batches}, {@code packets} (streams) and {@code direct} (port to port, without
 * streams).
 */
public final class PortRelay {
  private static final int MTU = 1500;

  private PortRelay() {}

  /** Relays between the tun devices A and B, which it makes, until it is killed. */
  public static void main(String... arguments) throws InterruptedException {
    List<String> all = List.of(arguments);
    if (all.size() < 3) {
      System.err.println("usage: PortRelay A B batches|packets|direct [--offload] [--io IO]");
      System.exit(2);
    }
    boolean offload = all.contains("--offload");
    int io = all.indexOf("--io");
    HostSettings settings = HostSettings.defaults();
    if (io >= 0) {
      settings = settings.withIo(HostIo.valueOf(all.get(io + 1).toUpperCase(Locale.ROOT)));
    }
    VnetHost host = VnetHost.start(settings);
    DeviceHandle a = open(host, all.get(0), offload);
    DeviceHandle b = open(host, all.get(1), offload);
    connect(host, a, b, all.get(2));
    connect(host, b, a, all.get(2));
    System.out.println("ready " + all.get(0) + " " + all.get(1));
    new CountDownLatch(1).await();
  }

  private static DeviceHandle open(VnetHost host, String name, boolean offload) {
    return host.create(
            DeviceSpec.of("tun")
                .withMtu(MTU)
                .withHost(HostBacking.create().withInterfaceName(name).withOffload(offload)))
        .open();
  }

  private static void connect(VnetHost host, DeviceHandle from, DeviceHandle to, String how) {
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
