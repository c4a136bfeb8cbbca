package io.vnet.examples.cli;

import akka.Done;
import akka.stream.javadsl.Keep;
import io.vnet.actors.HostSettings;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PortCounters;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/**
 * Moves packets between two host devices until it is told to stop.
 *
 * <p>Each direction of each queue is one stream on the receiving queue's I/O thread: read(2) a
 * packet into a pooled batch, write(2) a packet out of it, no copy, no thread hop, no allocation a
 * packet.
 */
@Command(
    name = "relay",
    mixinStandardHelpOptions = true,
    description = {
      "Relay packets between the host devices A and B until SIGINT or SIGTERM.",
      "Opens or attaches them in the current network namespace. Devices that did not exist are"
          + " removed at the end."
    })
final class RelayCommand implements Callable<Integer> {
  private static final int QUEUES_MAX = 256;

  @Spec private CommandSpec spec;

  @ParentCommand private VnetCommand parent;

  @Parameters(index = "0", paramLabel = "A", description = "Interface name of one device.")
  private String first;

  @Parameters(index = "1", paramLabel = "B", description = "Interface name of the other.")
  private String second;

  @Option(names = "--tap", description = "Ethernet devices (default: IP devices, tun).")
  private boolean tap;

  @Option(
      names = "--mtu",
      paramLabel = "BYTES",
      defaultValue = "1500",
      description = "MTU of both, 72 to 65535 (default: ${DEFAULT-VALUE}).")
  private int mtu;

  @Option(
      names = "--offload",
      description = {
        "Let the kernel leave segmentation and checksums undone: packets cross in super-packets of"
            + " up to 64 KiB, several times as fast."
      })
  private boolean offload;

  @Option(
      names = "--queues",
      paramLabel = "N",
      defaultValue = "1",
      description = {
        "Queues of each device, 1 to 256, each pair with I/O threads of its"
            + " own (default: ${DEFAULT-VALUE}). Flows are spread over them and keep their order;"
            + " worth it only with several flows and idle cores."
      })
  private int queues = 1;

  @Option(
      names = "--io",
      paramLabel = "HOW",
      defaultValue = "auto",
      description = "auto, epoll or io_uring (default: ${DEFAULT-VALUE}).")
  private HostIo io = HostIo.AUTO;

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  RelayCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    check();
    Termination termination = parent.termination();
    termination.arm();
    try (VnetHost host = VnetHost.start(settings())) {
      Device a = host.create(device(first));
      Device b = host.create(device(second));
      return relay(host, a, b, termination, spec.commandLine().getOut());
    }
  }

  /**
   * Plain packets want a thread a direction, super-packets one for both; several queues one each.
   */
  private HostSettings settings() {
    IslandSettings islands = IslandSettings.defaults().withIo(io);
    return HostSettings.defaults()
        .withIslands(queues == 1 ? islands : islands.withThreads(2 * queues, queues));
  }

  private void check() {
    if (first.isEmpty() || second.isEmpty()) {
      throw new VnetException(
          "relay", "", Errno.EINVAL, "an interface name is empty", "name two devices");
    }
    if (first.equals(second)) {
      throw new VnetException(
          "relay", first, Errno.EINVAL, "A and B are the same device", "name two devices");
    }
    if (queues < 1 || queues > QUEUES_MAX) {
      throw new VnetException(
          "relay",
          "--queues " + queues,
          Errno.EINVAL,
          "an interface has 1 to " + QUEUES_MAX + " queues",
          "use a number within the range");
    }
  }

  private int relay(VnetHost host, Device a, Device b, Termination termination, PrintWriter out)
      throws InterruptedException {
    DeviceHandle handleA = a.open();
    DeviceHandle handleB = b.open();
    AtomicReference<Optional<Throwable>> failure = new AtomicReference<>(Optional.empty());
    for (int i = 0; i < queues; i++) {
      // A flow stays with the pair that it came by: the kernel learns from what is written.
      PacketStreams streamsA = host.streams(handleA.queues().get(i));
      PacketStreams streamsB = host.streams(handleB.queues().get(i));
      connect(streamsA, streamsB, termination, failure);
      connect(streamsB, streamsA, termination, failure);
    }
    out.println("ready " + first + " " + second);
    out.flush();
    termination.await();
    Optional<Throwable> cause = failure.get();
    a.destroyAsync(DestroyPolicy.FORCE);
    b.destroyAsync(DestroyPolicy.FORCE);
    a.gone().toCompletableFuture().join();
    b.gone().toCompletableFuture().join();
    report(out, first, handleA.counters());
    report(out, second, handleB.counters());
    cause.ifPresent(thrown -> {
      spec.commandLine().getErr().println("vnet: " + named(thrown, a, b).getMessage());
      spec.commandLine().getErr().flush();
    });
    return cause.isPresent() ? 1 : 0;
  }

  /** The user knows the interfaces, not the units in this process. */
  private static Throwable named(Throwable thrown, Device... devices) {
    if (thrown instanceof VnetException failure) {
      for (Device device : devices) {
        String id = device.id().toString();
        if (failure.object().equals(id) || failure.object().startsWith(id + "/")) {
          return new VnetException(
              failure.operation(),
              device.interfaceName(),
              failure.errno(),
              failure.reason(),
              failure.remedy(),
              failure);
        }
      }
    }
    return thrown;
  }

  private static void connect(
      PacketStreams from,
      PacketStreams to,
      Termination termination,
      AtomicReference<Optional<Throwable>> failure) {
    CompletionStage<Done> ended = from.run(from.batches().toMat(to.batchSink(), Keep.right()));
    ended.whenComplete((_, thrown) -> {
      if (thrown != null && !termination.isRequested()) {
        failure.compareAndSet(Optional.empty(), Optional.of(Failures.cause(thrown)));
      }
      termination.request();
    });
  }

  private DeviceSpec device(String interfaceName) {
    return DeviceSpec.of(tap ? "tap" : "tun")
        .withMtu(mtu)
        .withHost(
            HostBacking.create()
                .withInterfaceName(interfaceName)
                .withMode(HostBacking.Mode.CREATE_OR_ATTACH)
                .withOffload(offload)
                .withQueues(queues));
  }

  private static void report(PrintWriter out, String name, PortCounters counters) {
    out.printf(
        "%s received %d packets (%d bytes), sent %d (%d bytes), dropped %d %s%n",
        name,
        counters.receivedPackets(),
        counters.receivedBytes(),
        counters.sentPackets(),
        counters.sentBytes(),
        counters.dropped(),
        counters.drops());
    out.flush();
  }
}
