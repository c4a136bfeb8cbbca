package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.javadsl.Keep;
import io.vnet.actors.testkit.Figures;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Heap;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import io.vnet.io.testkit.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Ten minutes of TCP both ways through two devices that streams connect, over epoll, over io_uring
 * and with offloads: nothing grows. Run by {@code mvn verify -Psoak}; {@code
 * -Dvnet.soak.relay=SECONDS} for another length of all together.
 */
@Tag("soak")
@ExtendWith(NetworkNamespaces.class)
class RelaySoakIT {
  private static final int SECONDS = Integer.getInteger("vnet.soak.relay", 600) / 3;
  private static final int ROUND_SECONDS_MAX = 20;
  private static final int ROUNDS = Math.max(2, SECONDS / ROUND_SECONDS_MAX);
  private static final int GUARD_SECONDS = 120;
  private static final long HEAP_GROWTH_MAX = 16L << 20;
  private static final long RESIDENT_GROWTH_MAX = 64L << 20;
  private static final long KIBIBYTE = 1024;

  @ParameterizedTest
  @CsvSource({"EPOLL, false", "IO_URING, false", "AUTO, true"})
  void nothing_grows(HostIo io, boolean offload, NetworkNamespace near, NetworkNamespace far)
      throws IOException {
    VnetHost host = VnetHost.start(HostSettings.defaults().withIo(io));
    DeviceHandle a = host.create(spec(near, "10.7.0.1/24", offload)).open();
    DeviceHandle b = host.create(spec(far, "10.7.0.2/24", offload)).open();
    var relay =
        host.streams(a)
            .run(host.streams(a).batchFlow().joinMat(host.streams(b).batchFlow(), Keep.left()));
    int round = Math.clamp(SECONDS / ROUNDS, 1, ROUND_SECONDS_MAX);
    // The first round warms up: compiled code, pools, buffers of the kernel.
    traffic(near, far, round);
    Figures before = Figures.now(host);
    long heapBefore = Heap.usedBytes();
    long residentBefore = residentBytes();
    String what = "relay over " + io + (offload ? " with offloads" : "");
    try (Progress progress = Progress.of(what, ROUNDS - 1L)) {
      for (int i = 1; i < ROUNDS; i++) {
        traffic(near, far, round);
        progress.done(i);
      }
    }
    Figures after = Figures.now(host);
    long heapAfter = Heap.usedBytes();
    long residentAfter = residentBytes();
    System.out.printf(
        "%s: %d s, %d packets, %d bytes; heap %d then %d bytes; resident %d then %d; %s%n",
        what,
        round * ROUNDS,
        a.counters().receivedPackets() + b.counters().receivedPackets(),
        a.counters().receivedBytes() + b.counters().receivedBytes(),
        heapBefore,
        heapAfter,
        residentBefore,
        residentAfter,
        after);
    assertThat(relay.toCompletableFuture()).isNotDone();
    assertThat(after.descriptors()).isEqualTo(before.descriptors());
    assertThat(after.threads()).isEqualTo(before.threads());
    assertThat(after.statistics().batchesLeaked()).isZero();
    assertThat(heapAfter - heapBefore).isLessThan(HEAP_GROWTH_MAX);
    assertThat(residentAfter - residentBefore).isLessThan(RESIDENT_GROWTH_MAX);
    // What one end received the other sent, or dropped for a reason.
    a.close();
    relay.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    b.closed().toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    assertThat(a.counters().receivedPackets())
        .isBetween(b.counters().sentPackets(), b.counters().sentPackets() + b.counters().dropped());
    Leftovers.assertNothingLeft(host);
  }

  private static DeviceSpec spec(NetworkNamespace namespace, String address, boolean offload) {
    return DeviceSpec.of("tun")
        .withHost(
            HostBacking.create()
                .inNetworkNamespace(namespace.path())
                .withAddresses(IpPrefix.parse(address))
                .withOffload(offload));
  }

  private static void traffic(NetworkNamespace near, NetworkNamespace far, int seconds) {
    CompletableFuture<Program> server =
        CompletableFuture.supplyAsync(
            () -> Program.runIn(far, "iperf3", "--server", "--one-off"),
            task -> Thread.ofPlatform().start(task));
    await()
        .until(() -> Program.outputIn(far, "ss", "--listening", "--tcp", "-n").contains(":5201"));
    Program client =
        Program.runIn(
            near, "iperf3", "--client", "10.7.0.2", "--bidir", "--time", Integer.toString(seconds));
    assertThat(client.exitCode()).as(client.output()).isZero();
    assertThat(server.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join().exitCode()).isZero();
  }

  private static long residentBytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * KIBIBYTE)
        .findFirst()
        .orElseThrow();
  }
}
