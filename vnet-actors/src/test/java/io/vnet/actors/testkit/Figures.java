package io.vnet.actors.testkit;

import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.io.testkit.Descriptors;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What a host and its process hold at a quiet moment; two are equal if nothing has leaked between.
 * The heap is not among it, as it is never the same twice.
 *
 * @param statistics of the host; without memory that waits for reuse and without stalls, which are
 *     a matter of the machine
 * @param threads of the host and its actor system, without those of bounded pools
 * @param descriptors of the process
 */
public record Figures(HostStatistics statistics, Set<String> threads, Descriptors descriptors) {
  /** Those of now, when every grace period that was asked for is over. */
  public static Figures now(VnetHost host) {
    HostStatistics all = host.drainGracePeriods().toCompletableFuture().join();
    return new Figures(
        new HostStatistics(
            all.devices(),
            all.epochReaders(),
            all.batchesLent(),
            all.batchesLeaked(),
            all.ringsLent(),
            0,
            all.retiring(),
            0),
        threads(host),
        Descriptors.now());
  }

  private static Set<String> threads(VnetHost host) {
    String system = host.system().name();
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith(system) || name.startsWith("vnet-"))
        .filter(name -> !name.contains("-blocking-") && !name.contains("akka.actor."))
        .collect(Collectors.toCollection(TreeSet::new));
  }
}
