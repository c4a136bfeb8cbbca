package io.vnet.examples.pipelines;

import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.VnetException;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Counts the packets of a tap device by protocol, until {@code PACKETS} (default 1,000) came or
 * SIGINT does, and prints a table.
 *
 * <p>{@code CountByProtocol --memory [PACKETS]} has traffic of its own; {@code CountByProtocol
 * INTERFACE [PACKETS]} makes or attaches a tap interface of the host's kernel and counts what the
 * kernel sends out of it.
 */
public final class CountByProtocol {
  private CountByProtocol() {}

  /** See the class. Exit codes: 0 counted, 1 no device, 2 wrong arguments. */
  public static void main(String... arguments) {
    if (!String.join(" ", arguments).matches("(--memory|[^- ][^ ]*)( [1-9][0-9]{0,17})?")) {
      System.err.println("usage: CountByProtocol --memory|INTERFACE [PACKETS]");
      System.exit(2);
    }
    boolean memory = arguments[0].equals("--memory");
    long packets = arguments.length == 2 ? Long.parseLong(arguments[1]) : 1000;
    DeviceSpec tap = DeviceSpec.of("tap");
    CompletableFuture<Integer> ended = new CompletableFuture<>();
    try (VnetHost host = VnetHost.start()) {
      Device device = host.create(memory ? tap : tap.withHost(kernelInterface(arguments[0])));
      DeviceHandle handle = device.open();
      // SIGINT completes the stream like its last packet; the process waits for table and host.
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(() -> {
                handle.close();
                ended.join();
              }));
      CompletionStage<Map<Protocol, Long>> counts = count(host, handle, packets);
      if (memory) {
        PacketStreams network = host.streams(device.networkEnd());
        network.run(
            Source.cycle(() -> Traffic.tenFrames().iterator())
                .take(packets)
                .to(network.packetSink()));
      }
      counts
          .toCompletableFuture()
          .join()
          .forEach((protocol, count) -> System.out.printf("%-16s %12d%n", protocol, count));
    } catch (VnetException e) {
      System.err.println("CountByProtocol: " + e.getMessage());
      ended.complete(1);
    } finally {
      ended.complete(0);
    }
    if (ended.join() != 0) {
      System.exit(ended.join());
    }
  }

  private static HostBacking kernelInterface(String name) {
    return HostBacking.create().withInterfaceName(name).withMode(HostBacking.Mode.CREATE_OR_ATTACH);
  }

  /** Counts at most so many packets of an open device, then closes the handle. */
  static CompletionStage<Map<Protocol, Long>> count(
      VnetHost host, DeviceHandle handle, long packets) {
    PacketStreams streams = host.streams(handle);
    Map<Protocol, Long> counts = new EnumMap<>(Protocol.class);
    return streams
        .run(
            streams
                .packets()
                .take(packets)
                .map(packet -> Protocol.of(handle.layer(), packet.segment()))
                .toMat(
                    Sink.foreach(protocol -> counts.merge(protocol, 1L, Long::sum)), Keep.right()))
        .thenApply(_ -> counts);
  }
}
