package io.vnet.actors.port;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A thread, platform or virtual, that waits at a port: it parks outside any epoch section and does
 * the non-blocking call again when the port signals. It holds no memory while it waits.
 */
public final class PortWaiter implements PortListener {
  private final Thread thread = Thread.currentThread();
  private volatile boolean signalled;

  private PortWaiter() {}

  /**
   * Receives one packet.
   *
   * @param nanos how long to wait at the most; {@code Long.MAX_VALUE}: for ever
   * @param mayWait throws if this thread must not wait; called with the operation before it would
   * @return empty when the time is over
   * @throws VnetException EINTR if the thread is interrupted, whose flag stays set; what the port
   *     and {@code mayWait} throw
   */
  public static Optional<Packet> receiveOne(
      PacketPort port,
      SinglePackets packets,
      long nanos,
      LongSupplier nanoClock,
      Consumer<String> mayWait) {
    List<Packet> received = new ArrayList<>(1);
    boolean done =
        await(
            port,
            "read",
            nanos,
            nanoClock,
            mayWait,
            () -> {
              packets.receive().ifPresent(received::add);
              return !received.isEmpty();
            });
    return done ? Optional.of(received.getFirst()) : Optional.empty();
  }

  /**
   * Sends one packet, waiting for room.
   *
   * @param singles batches of capacity 1
   * @param mayWait as in {@link #receiveOne}
   * @throws VnetException as in {@link #receiveOne}
   */
  public static void sendOne(
      PacketPort port, BatchPool singles, Packet packet, Consumer<String> mayWait) {
    await(
        port,
        "write",
        Long.MAX_VALUE,
        () -> 0,
        mayWait,
        () -> {
          PacketBatch batch = singles.acquire();
          try {
            batch.append(packet);
            return port.send(batch, 0) == 1;
          } finally {
            batch.release();
          }
        });
  }

  private static boolean await(
      PacketPort port,
      String operation,
      long nanos,
      LongSupplier nanoClock,
      Consumer<String> mayWait,
      BooleanSupplier attempt) {
    if (attempt.getAsBoolean()) {
      return true;
    }
    long began = nanoClock.getAsLong();
    PortWaiter waiter = new PortWaiter();
    try (PacketPort.Registration _ = port.listen(waiter)) {
      while (true) {
        waiter.signalled = false;
        if (attempt.getAsBoolean()) {
          return true;
        }
        while (!waiter.signalled) {
          long left =
              nanos == Long.MAX_VALUE ? Long.MAX_VALUE : nanos - (nanoClock.getAsLong() - began);
          if (left <= 0) {
            return false;
          }
          mayWait.accept(operation);
          if (Thread.currentThread().isInterrupted()) {
            throw new VnetException(
                operation, port.name(), Errno.EINTR, "the thread was interrupted", "");
          }
          LockSupport.parkNanos(port, left);
        }
      }
    }
  }

  private void signal() {
    signalled = true;
    LockSupport.unpark(thread);
  }

  @Override
  public void readable() {
    signal();
  }

  @Override
  public void writable() {
    signal();
  }

  @Override
  public void closed(@Nullable VnetException cause) {
    signal();
  }
}
