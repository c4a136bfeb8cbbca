package io.vnet.actors;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.Vnet;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** A device that goes to and fro between two vnets is found by everybody all the while. */
class MovingTest {
  private static final int MOVES = Integer.getInteger("vnet.moves", 10_000);
  private static final int RENAMERS = 16;

  @Test
  void a_rename_never_finds_a_moving_device_gone() throws Exception {
    VnetHost host = VnetHost.start();
    Vnet blue = host.createVnet("blue");
    Device device = host.create(DeviceSpec.of("tun"));
    AtomicBoolean over = new AtomicBoolean();
    try (ExecutorService threads = Executors.newFixedThreadPool(RENAMERS)) {
      List<Future<Set<Errno>>> renamers = new ArrayList<>();
      for (int i = 0; i < RENAMERS; i++) {
        String name = "name" + i;
        renamers.add(
            threads.submit(() -> {
              Set<Errno> refusals = EnumSet.noneOf(Errno.class);
              while (!over.get()) {
                try {
                  device.rename(name);
                } catch (VnetException e) {
                  refusals.add(e.errno());
                }
              }
              return refusals;
            }));
      }
      try {
        for (int i = 0; i < MOVES; i++) {
          device.moveTo(i % 2 == 0 ? blue : host.vnet0());
        }
      } finally {
        over.set(true);
      }
      for (Future<Set<Errno>> refusals : renamers) {
        assertThat(refusals.get()).isSubsetOf(Errno.EBUSY);
      }
    }
    Leftovers.assertNothingLeft(host);
  }
}
