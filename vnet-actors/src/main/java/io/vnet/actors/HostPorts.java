package io.vnet.actors;

import akka.Done;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.HostedPort;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The ports that live on a host beside its devices, until each is released. Safe on any thread. */
final class HostPorts {
  private static final Logger LOG = LoggerFactory.getLogger(HostPorts.class);

  private final Set<HostedPort> ports = ConcurrentHashMap.newKeySet();

  /** The host until it ends, each call of an opener, each port that is not released. */
  private final AtomicInteger holders = new AtomicInteger(1);

  private final CompletableFuture<Done> gone = new CompletableFuture<>();
  private volatile boolean ended;

  /**
   * Keeps what the opener makes until it is released.
   *
   * @param refusal thrown after {@link #refuse}; a port that was made meanwhile is closed
   */
  <P extends HostedPort> P open(Supplier<P> opener, Supplier<VnetException> refusal) {
    if (!hold()) {
      throw refusal.get();
    }
    P port;
    try {
      if (ended) {
        throw refusal.get();
      }
      port = Objects.requireNonNull(opener.get(), "the opener made no port");
    } catch (RuntimeException | Error e) {
      letGo();
      throw e;
    }
    ports.add(port);
    var _ = port.released().whenComplete((_, failure) -> released(port, failure));
    if (ended) {
      close(port);
      throw refusal.get();
    }
    return port;
  }

  private void released(HostedPort port, @Nullable Throwable failure) {
    if (failure != null) {
      LOG.error("{} was not released in order", port.name(), failure);
    }
    ports.remove(port);
    letGo();
  }

  /** False if nothing is left, and the host may be gone. */
  private boolean hold() {
    return holders.getAndUpdate(count -> count == 0 ? 0 : count + 1) > 0;
  }

  private void letGo() {
    if (holders.decrementAndGet() == 0) {
      gone.complete(Done.getInstance());
    }
  }

  /** No port is opened from now on. */
  void refuse() {
    ended = true;
  }

  /**
   * Closes all, once, after {@link #refuse}. Waits for who is inside a port's call.
   *
   * @return completes when all are released
   */
  CompletionStage<Done> close() {
    ports.forEach(HostPorts::close);
    letGo();
    return gone;
  }

  private static void close(HostedPort port) {
    try {
      port.close();
    } catch (RuntimeException e) {
      LOG.error("closing {} failed", port.name(), e);
    }
  }
}
