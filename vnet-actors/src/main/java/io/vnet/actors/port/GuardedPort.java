package io.vnet.actors.port;

import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Direction;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.api.port.PortLedger;
import io.vnet.api.port.PortListener;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A port whose calls are epoch sections and that can be taken away from its user.
 *
 * <p><b>Life:</b> open → closed by its user ({@link #close}: EBADF from then on) or revoked by the
 * device ({@link #revoke}: the device's errno from then on), whichever comes first. Both wake
 * whoever waits. What the port works on (a descriptor, a ring's memory) may be released after a
 * grace period that began after the revocation: a call that got in before is inside its section
 * until it leaves.
 *
 * <p><b>Cost</b> of a call: one compare-and-set to become the direction's user, an epoch enter and
 * exit, a volatile read of the state; no allocation, no system call, no thread hop. The work itself
 * is the subclass's.
 */
public abstract class GuardedPort implements PacketPort {
  private final String name;
  private final Layer layer;
  private final Epoch epoch;
  private final PortLedger ledger = new PortLedger();
  private final Direction receiving;
  private final Direction sending;
  private final AtomicReference<@Nullable End> end = new AtomicReference<>();
  private final List<PortListener> listeners = new CopyOnWriteArrayList<>();

  /** Why the port ended. */
  private record End(Errno errno, String reason, boolean byUser) {
    @Nullable VnetException cause(String port) {
      return byUser ? null : exception("use", port);
    }

    VnetException exception(String operation, String port) {
      return new VnetException(
          operation, port, errno, reason, byUser ? "open it again" : "create the device again");
    }
  }

  /**
   * @param name for messages
   * @param layer what a packet is
   * @param epoch whose sections the calls are; two readers are registered in it
   */
  protected GuardedPort(String name, Layer layer, Epoch epoch) {
    this.name = name;
    this.layer = layer;
    this.epoch = epoch;
    this.receiving = new Direction(epoch.register(name + " receive"));
    this.sending = new Direction(epoch.register(name + " send"));
  }

  /** Appends what has arrived. Inside the receiver's section; counts in the {@link #ledger}. */
  protected abstract int doReceive(PacketBatch into);

  /** Passes packets on. Inside the sender's section; counts in the {@link #ledger}. */
  protected abstract int doSend(PacketBatch batch, int from);

  /** After a {@link #doReceive}, outside the section: wakes the other side if it waits for room. */
  protected abstract void afterReceive();

  /** After a {@link #doSend}, outside the section: wakes the other side if it waits for packets. */
  protected abstract void afterSend();

  /**
   * Called once, after the user closed the port and nobody else is inside any more. Inside an epoch
   * section that began before the close, so whatever the port refers to is still there.
   */
  protected abstract void onClose();

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final Layer layer() {
    return layer;
  }

  @Override
  public final int receive(PacketBatch into) {
    int received;
    enter(receiving, "receive");
    try {
      checkOpen("receive");
      received = doReceive(into);
    } finally {
      receiving.exit();
    }
    if (received > 0) {
      afterReceive();
    }
    return received;
  }

  /** Looks at something as the receiver does: inside its section, alone. */
  protected final long asReceiver(String operation, LongSupplier look) {
    enter(receiving, operation);
    try {
      checkOpen(operation);
      return look.getAsLong();
    } finally {
      receiving.exit();
    }
  }

  /** The same, or nothing if the port has ended. */
  protected final void tryAsReceiver(LongSupplier act) {
    if (receiving.enter()) {
      try {
        var _ = act.getAsLong();
      } finally {
        receiving.exit();
      }
    }
  }

  @Override
  public final int send(PacketBatch batch, int from) {
    int taken;
    enter(sending, "send");
    try {
      checkOpen("send");
      taken = doSend(batch, from);
    } finally {
      sending.exit();
    }
    if (taken > 0) {
      afterSend();
    }
    return taken;
  }

  @Override
  public final void countDrop(DropReason reason, long packets) {
    ledger.dropped(reason, packets);
  }

  @Override
  public PortCounters counters() {
    return ledger.snapshot();
  }

  /** The port's counters, to write. */
  public final PortLedger ledger() {
    return ledger;
  }

  @Override
  public final boolean isOpen() {
    return end.get() == null;
  }

  @Override
  public final Registration listen(PortListener listener) {
    listeners.add(listener);
    End ended = end.get();
    if (ended != null && listeners.remove(listener)) {
      listener.closed(ended.cause(name));
    }
    return () -> listeners.remove(listener);
  }

  @Override
  public final void close() {
    EpochReader section = epoch.borrow();
    section.enter();
    try {
      if (finish(new End(Errno.EBADF, "it is closed", true))) {
        awaitQuiet();
        onClose();
      }
    } finally {
      section.exit();
      epoch.giveBack(section);
    }
  }

  /** Waits until nobody but the calling thread is inside any more; after the port has ended. */
  protected final void awaitQuiet() {
    receiving.awaitEmpty();
    sending.awaitEmpty();
  }

  /**
   * Takes the port away from its user: each call from now on fails, whoever waits wakes. Never
   * waits.
   *
   * @return false if it had ended before
   */
  public final boolean revoke(Errno errno, String reason) {
    return finish(new End(errno, reason, false));
  }

  /** Tells the listeners that there may be something to receive. */
  public final void signalReadable() {
    for (PortListener listener : listeners) {
      listener.readable();
    }
  }

  /** Tells the listeners that there may be room to send. */
  public final void signalWritable() {
    for (PortListener listener : listeners) {
      listener.writable();
    }
  }

  /** What a call on the ended port answers; an IllegalStateException if it is open. */
  protected final VnetException endedException(String operation) {
    End ended = end.get();
    if (ended == null) {
      throw new IllegalStateException(name + " is open");
    }
    return ended.exception(operation, name);
  }

  private boolean finish(End how) {
    if (!end.compareAndSet(null, how)) {
      return false;
    }
    receiving.retire();
    sending.retire();
    for (PortListener listener : listeners.toArray(new PortListener[0])) {
      if (listeners.remove(listener)) {
        listener.closed(how.cause(name));
      }
    }
    return true;
  }

  private void enter(Direction direction, String operation) {
    if (!direction.enter()) {
      throw endedException(operation);
    }
  }

  private void checkOpen(String operation) {
    End ended = end.get();
    if (ended != null) {
      throw ended.exception(operation, name);
    }
  }
}
