package io.vnet.actors.port;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.VnetHost;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A packet that arrives just as its reader decides to wait wakes the reader. */
class WakeUpTest {
  private static final int ROUND_TRIPS = 100_000;
  private static final int GUARD_SECONDS = 60;

  @Test
  void no_packet_is_left_lying_before_a_reader_that_waits() throws Exception {
    try (VnetHost host = VnetHost.start()) {
      Device device = host.create(DeviceSpec.of("tun"));
      List<CompletableFuture<Integer>> sides = new ArrayList<>();
      for (PacketPort port : List.of(device.networkEnd(), device.open())) {
        PacketBatch batch = host.batches().acquire();
        boolean first = sides.isEmpty();
        sides.add(
            CompletableFuture.supplyAsync(
                () -> pass(port, batch, first), task -> Thread.ofPlatform().start(task)));
      }
      for (CompletableFuture<Integer> side : sides) {
        assertThat(side.get(GUARD_SECONDS, TimeUnit.SECONDS)).isEqualTo(ROUND_TRIPS);
      }
    }
  }

  /**
   * One packet goes to and fro. As a stage does: one look, and no other before the port signals.
   * Each side busies itself for a varying while before it looks, so that the moments meet.
   */
  private static int pass(PacketPort port, PacketBatch batch, boolean first) {
    Semaphore signals = new Semaphore(0);
    int received = 0;
    try (PacketPort.Registration _ = port.listen(new Signals(signals))) {
      if (first) {
        batch.append(Packet.of(new byte[] {0x45, 0, 0, 4}));
        port.send(batch, 0);
      }
      for (; received < ROUND_TRIPS; received++) {
        for (int spin = received % 97; spin > 0; spin--) {
          Thread.onSpinWait();
        }
        batch.clear();
        while (port.receive(batch) == 0) {
          signals.acquireUninterruptibly();
        }
        port.send(batch, 0);
      }
    } finally {
      batch.release();
    }
    return received;
  }

  private record Signals(Semaphore semaphore) implements PortListener {
    @Override
    public void readable() {
      semaphore.release();
    }

    @Override
    public void writable() {
      semaphore.release();
    }

    @Override
    public void closed(@Nullable VnetException cause) {
      semaphore.release();
    }
  }
}
