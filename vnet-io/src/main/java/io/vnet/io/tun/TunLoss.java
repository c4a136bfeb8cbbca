package io.vnet.io.tun;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Whether and why a device is gone for good. Whoever notices first, poller, reader or writer, says
 * so, and the listener is told once. Safe on any thread.
 */
final class TunLoss {
  private final TunInterface tun;
  private final AtomicReference<@Nullable VnetException> cause = new AtomicReference<>();
  private volatile @Nullable BackendListener listener;

  TunLoss(TunInterface tun) {
    this.tun = tun;
  }

  /** Who is told; before the first packet. */
  void listener(BackendListener newListener) {
    listener = newListener;
  }

  boolean isLost() {
    return cause.get() != null;
  }

  /** Throws if the device is gone. */
  void check() {
    VnetException known = cause.get();
    if (known != null) {
      throw known.rethrown();
    }
  }

  /** Somebody removed the interface, which this operation met. */
  VnetException removed(String operation) {
    return because(
        new VnetException(
            operation,
            tun.name(),
            Errno.ENODEV,
            "the interface was removed by somebody else",
            "create the device again"));
  }

  /** The first cause stays: it is what is returned. */
  VnetException because(VnetException newCause) {
    VnetException before = cause.compareAndExchange(null, newCause);
    if (before != null) {
      return before;
    }
    BackendListener told = listener;
    if (told != null) {
      told.lost(newCause);
    }
    return newCause;
  }
}
