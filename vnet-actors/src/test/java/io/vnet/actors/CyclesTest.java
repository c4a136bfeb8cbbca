package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.Traffic;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.packet.SlabPool;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Thousands of devices later the host holds what it held before. */
class CyclesTest {
  private static final int CYCLES = 10_000;
  private static final int WARM_UP = 200;
  private static final int USERS = 4;
  private static final int GUARD_SECONDS = 120;

  private final VnetHost host = VnetHost.start();

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  /** The names of the process's threads that are this host's or its actor system's. */
  private Set<String> threads() {
    String system = host.system().name();
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith(system) || name.startsWith("vnet-"))
        // Bounded pools, whose threads come and go with the work of the moment.
        .filter(name -> !name.contains("-blocking-") && !name.contains("akka.actor."))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private void cycle(String driver, boolean closeFirst) {
    Device device = host.create(DeviceSpec.of(driver));
    DeviceHandle handle = device.open();
    NetworkEnd network = device.networkEnd();
    handle.write(Traffic.numbered(1, 64));
    assertThat(Traffic.receive(host, network)).containsExactly(1L);
    if (closeFirst) {
      handle.close();
    }
    device.destroy();
    handle.close();
  }

  @Test
  void ten_thousand_cycles_leave_the_same_figures_as_before() {
    for (int i = 0; i < WARM_UP; i++) {
      cycle("tun", i % 2 == 0);
    }
    HostStatistics before = host.statistics();
    Set<String> threadsBefore = threads();
    for (int i = 0; i < CYCLES; i++) {
      cycle("tun", i % 2 == 0);
    }
    assertThat(host.statistics()).isEqualTo(before);
    assertThat(threads()).isEqualTo(threadsBefore);
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun0");
  }

  @Test
  void cycles_of_four_virtual_threads_leave_the_same_figures_as_before() {
    inParallel(WARM_UP);
    HostStatistics before = host.statistics();
    inParallel(CYCLES / USERS);
    HostStatistics after = host.statistics();
    assertThat(after)
        .isEqualTo(
            new HostStatistics(
                before.devices(),
                before.epochReaders(),
                before.batchesLent(),
                before.batchesLeaked(),
                before.ringsLent(),
                after.mappedBytes(),
                before.retiring(),
                after.gracePeriodStalls()));
    // How many rings were in use at the same time is a matter of luck, but never more than this.
    long ringsAtOnce = 2L * USERS * 1024 * 1024;
    long batchesAtOnce = (long) USERS * SlabPool.DEFAULT_SLAB_BYTES;
    assertThat(after.mappedBytes()).isLessThanOrEqualTo(ringsAtOnce + batchesAtOnce);
    await().until(() -> host.devices().isEmpty());
    assertThat(host.create(DeviceSpec.of("vmnet")).id().toString()).isEqualTo("vmnet0");
  }

  private void inParallel(int cycles) {
    List<CompletableFuture<?>> users = new ArrayList<>();
    for (int user = 0; user < USERS; user++) {
      String driver = user % 2 == 0 ? "vmnet" : "tap";
      users.add(
          CompletableFuture.runAsync(
              () -> {
                for (int i = 0; i < cycles; i++) {
                  cycle(driver, i % 3 == 0);
                }
              },
              task -> Thread.ofVirtual().start(task)));
    }
    users.forEach(user -> user.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join());
  }
}
