package io.vnet.actors.port;

import io.vnet.api.error.VnetException;
import io.vnet.api.offload.FinishedPackets;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Finished packets, one a call, out of a port that may give super-packets: what is left of one
 * waits here for the next call, and is dropped and counted when the port ends.
 *
 * <p>Safe on any thread, without a lock. One reader gets packets in their order; several at a time
 * get each packet once.
 */
public final class SinglePackets {
  private final PacketPort port;
  private final BatchPool singles;
  private final Runnable wakeReaders;
  private final Queue<Packet> rest = new ConcurrentLinkedQueue<>();
  private final AtomicReference<@Nullable FinishedPackets> idle = new AtomicReference<>();
  private final AtomicBoolean listening = new AtomicBoolean();
  private volatile @Nullable DropReason ended;

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
    Packet waiting = port.isOpen() ? rest.poll() : null;
    if (waiting != null) {
      return Optional.of(waiting);
    }
    PacketBatch batch = singles.acquire();
    try {
      while (port.receive(batch) > 0) {
        Packet packet = batch.offload(0) == 0 ? batch.packet(0) : split(batch);
        if (packet != null) {
          return Optional.of(packet);
        }
        batch.clear();
      }
      return Optional.empty();
    } finally {
      batch.release();
    }
  }

  /** The first packet of what is not finished; the others wait. Null: its word did not fit it. */
  private @Nullable Packet split(PacketBatch batch) {
    FinishedPackets kept = idle.getAndSet(null);
    FinishedPackets packets = kept == null ? new FinishedPackets(port.layer(), port) : kept;
    packets.begin(batch);
    Packet first = packets.next();
    boolean more = false;
    for (Packet next = packets.next(); next != null; next = packets.next()) {
      rest.add(next);
      more = true;
    }
    idle.set(packets);
    if (more) {
      keepUntilTheEnd();
      wakeReaders.run();
    }
    return first;
  }

  /** Whoever comes last, this or the port's end, sees what the other did. */
  private void keepUntilTheEnd() {
    if (listening.compareAndSet(false, true)) {
      var _ =
          port.listen(
              new PortListener() {
                @Override
                public void readable() {}

                @Override
                public void writable() {}

                @Override
                public void closed(@Nullable VnetException cause) {
                  DropReason reason =
                      cause == null ? DropReason.FLUSHED_AT_CLOSE : DropReason.DEVICE_DESTROYED;
                  ended = reason;
                  drop(reason);
                }
              });
    }
    DropReason reason = ended;
    if (reason != null) {
      drop(reason);
    }
  }

  private void drop(DropReason reason) {
    long packets = 0;
    while (rest.poll() != null) {
      packets++;
    }
    port.countDrop(reason, packets);
  }
}
