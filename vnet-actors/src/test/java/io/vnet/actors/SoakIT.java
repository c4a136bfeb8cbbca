package io.vnet.actors;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.testkit.Figures;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Heap;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import io.vnet.io.testkit.Progress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Ten thousand devices of the kernel leave what was there before. Run by {@code mvn verify -Psoak};
 * {@code -Dvnet.soak.host=} for another number.
 */
@Tag("soak")
@ExtendWith(NetworkNamespaces.class)
class SoakIT {
  private static final int CYCLES = Integer.getInteger("vnet.soak.host", 10_000);
  private static final int WARM_UP = 50;
  private static final long GROWTH_BYTES_MAX = 16L * 1024 * 1024;

  private final VnetHost host = VnetHost.start();

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  @Test
  void ten_thousand_host_cycles_leave_the_same_figures_as_before(NetworkNamespace namespace) {
    cycles(namespace, WARM_UP);
    Figures before = Figures.now(host);
    long heapBefore = Heap.usedBytes();

    cycles(namespace, CYCLES);

    Figures after = Figures.now(host);
    long heapAfter = Heap.usedBytes();
    System.out.println(
        "soak on the host: "
            + CYCLES
            + " cycles; heap "
            + heapBefore
            + " then "
            + heapAfter
            + " bytes; "
            + after);
    assertThat(after).isEqualTo(before);
    assertThat(heapAfter - heapBefore).isLessThan(GROWTH_BYTES_MAX);
    assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain("tun", "tap");
  }

  private void cycles(NetworkNamespace namespace, int count) {
    try (Progress progress = Progress.of("soak on the host", count)) {
      for (int i = 0; i < count; i++) {
        cycle(namespace, i);
        progress.done(i);
      }
    }
  }

  private void cycle(NetworkNamespace namespace, int number) {
    boolean transientDevice = number % 3 == 2;
    Device device =
        host.create(
            DeviceSpec.of(number % 2 == 0 ? "tun" : "tap")
                .withTransient(transientDevice)
                .withHost(HostBacking.create().inNetworkNamespace(namespace.path())));
    DeviceHandle handle = device.open();
    if (transientDevice) {
      handle.close();
      device.gone().toCompletableFuture().join();
    } else {
      if (number % 3 == 1) {
        handle.close();
      }
      device.destroy();
      handle.close();
    }
  }
}
