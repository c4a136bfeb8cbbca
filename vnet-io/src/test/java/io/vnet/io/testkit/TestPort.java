package io.vnet.io.testkit;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.api.port.PortLedger;
import io.vnet.api.port.PortListener;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What the ports of tests have in common: IP packets of at most 1500 bytes, no island unless one
 * says so, and an end that each listener is told once. Safe on any thread.
 */
public abstract class TestPort implements PacketPort {
  private static final int MTU = 1500;

  private final String name;
  private final PortLedger ledger = new PortLedger();
  private final List<PortListener> listeners = new CopyOnWriteArrayList<>();
  private final AtomicReference<@Nullable End> end = new AtomicReference<>();

  private record End(@Nullable VnetException cause) {}

  /** An open one. */
  protected TestPort(String name) {
    this.name = name;
  }

  @Override
  public final String name() {
    return name;
  }

  @Override
  public Layer layer() {
    return Layer.L3;
  }

  @Override
  public final int mtu() {
    return MTU;
  }

  @Override
  public Optional<Island> island() {
    return Optional.empty();
  }

  /** Its books. */
  protected final PortLedger ledger() {
    return ledger;
  }

  @Override
  public final void countDrop(DropReason reason, long packets) {
    ledger.dropped(reason, packets);
  }

  @Override
  public final PortCounters counters() {
    return ledger.snapshot();
  }

  @Override
  public Registration listen(PortListener listener) {
    listeners.add(listener);
    End ended = end.get();
    // The end may tell it, too; once is enough.
    if (ended != null && listeners.remove(listener)) {
      listener.closed(ended.cause());
    }
    return () -> listeners.remove(listener);
  }

  /** How many listen. */
  public final int listeners() {
    return listeners.size();
  }

  /** Tells all. */
  protected final void signalReadable() {
    listeners.forEach(PortListener::readable);
  }

  /** Tells all. */
  protected final void signalWritable() {
    listeners.forEach(PortListener::writable);
  }

  /** For the beginning of a call. */
  protected final void checkOpen(String operation) {
    End ended = end.get();
    if (ended != null) {
      throw ended.cause() == null
          ? new VnetException(operation, name, Errno.EBADF, "it is closed", "open it again")
          : ended.cause().rethrown();
    }
  }

  /** From here on it is closed; false: it was before. {@link #tellEnd} follows. */
  protected final boolean markEnded(@Nullable VnetException cause) {
    return end.compareAndSet(null, new End(cause));
  }

  /** Tells those who listen, and forgets them. */
  protected final void tellEnd() {
    End ended = end.get();
    if (ended == null) {
      throw new IllegalStateException(name + " is open");
    }
    for (PortListener listener : listeners.toArray(new PortListener[0])) {
      if (listeners.remove(listener)) {
        listener.closed(ended.cause());
      }
    }
  }

  @Override
  public boolean isOpen() {
    return end.get() == null;
  }

  @Override
  public void close() {
    if (markEnded(null)) {
      tellEnd();
    }
  }
}
