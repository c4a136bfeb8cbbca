package io.vnet.actors.port;

import io.vnet.api.error.VnetException;
import io.vnet.api.offload.FinishedPackets;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Finished packets, one a call, out of a port that may give super-packets: what is left of one
 * waits here for the next call, and is dropped and counted when the port ends.
 *
 * <p>Safe on any thread; the lock is held over a receive, which does not wait.
 */
public final class SinglePackets {
  private final PacketPort port;
  private final BatchPool singles;
  private final Runnable wakeReaders;
  private final Queue<Packet> rest = new ArrayDeque<>();
  private @Nullable FinishedPackets finished;

  /**
   * @param singles batches of capacity 1
   * @param wakeReaders signals that the port may be readable: a reader may wait for what waits here
   */
  public SinglePackets(PacketPort port, BatchPool singles, Runnable wakeReaders) {
    this.port = port;
    this.singles = singles;
    this.wakeReaders = wakeReaders;
  }

  /**
   * Receives one packet if there is one.
   *
   * @throws VnetException as the port's receive
   */
  public Optional<Packet> receive() {
    return port.offloads().isEmpty() ? receiveFinished() : receiveAny();
  }

  private Optional<Packet> receiveFinished() {
    PacketBatch batch = singles.acquire();
    try {
      return port.receive(batch) == 0 ? Optional.empty() : Optional.of(batch.packet(0));
    } finally {
      batch.release();
    }
  }

  private synchronized Optional<Packet> receiveAny() {
    if (port.isOpen() && !rest.isEmpty()) {
      return Optional.of(rest.remove());
    }
    PacketBatch batch = singles.acquire();
    try {
      FinishedPackets packets = finished == null ? begun() : finished;
      while (port.receive(batch) > 0) {
        packets.begin(batch);
        Packet first = packets.next();
        for (Packet next = packets.next(); next != null; next = packets.next()) {
          rest.add(next);
        }
        batch.clear();
        if (!rest.isEmpty()) {
          wakeReaders.run();
        }
        if (first != null) {
          return Optional.of(first);
        }
      }
      return Optional.empty();
    } finally {
      batch.release();
    }
  }

  private FinishedPackets begun() {
    FinishedPackets packets = new FinishedPackets(port.layer(), port);
    finished = packets;
    var _ =
        port.listen(
            new PortListener() {
              @Override
              public void readable() {}

              @Override
              public void writable() {}

              @Override
              public void closed(@Nullable VnetException cause) {
                drop(cause == null ? DropReason.FLUSHED_AT_CLOSE : DropReason.DEVICE_DESTROYED);
              }
            });
    return packets;
  }

  private synchronized void drop(DropReason reason) {
    port.countDrop(reason, rest.size());
    rest.clear();
  }
}
