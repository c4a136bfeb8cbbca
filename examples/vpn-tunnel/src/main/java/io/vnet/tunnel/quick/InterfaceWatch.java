package io.vnet.tunnel.quick;

import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.NetworkEvent;
import io.vnet.io.netlink.NetworkMonitor;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows one interface, by its index, so under any name. Its state is told at first, then each
 * change, until the interface is gone or the watch is closed.
 *
 * <p>The listener is called on a virtual thread, one call at a time, and may block: what changes
 * meanwhile and changes back is not told.
 */
public final class InterfaceWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InterfaceWatch.class);

  /** Hears what becomes of the interface. */
  public interface Listener {
    /** It is administratively up or down, and has an MTU, in bytes. Called if either changed. */
    void changed(boolean up, int mtu);

    /** It was deleted or moved to another namespace, or nothing can be heard any more. The last. */
    void gone();
  }

  private record State(boolean up, int mtu) {}

  private final int index;
  private final Listener listener;
  private final Follower follower = new Follower();
  private volatile boolean closed;

  private InterfaceWatch(int index, Listener listener) {
    this.index = index;
    this.listener = listener;
  }

  /**
   * Begins.
   *
   * @param monitor of the interface's namespace; has to outlive the watch
   * @param index the interface's
   */
  public static InterfaceWatch start(NetworkMonitor monitor, int index, Listener listener) {
    InterfaceWatch watch = new InterfaceWatch(index, listener);
    monitor.subscribe(watch.follower);
    return watch;
  }

  /** Nothing is told after a call that is under way. */
  @Override
  public void close() {
    closed = true;
    follower.cancel();
  }

  /** For a test of the rules that a subscriber has. */
  static Flow.Subscriber<NetworkEvent> follower(int index, Listener listener) {
    return new InterfaceWatch(index, listener).follower;
  }

  private final class Follower implements Flow.Subscriber<NetworkEvent> {
    private volatile Flow.@Nullable Subscription subscription;
    private @Nullable State told;
    private boolean ended;

    @Override
    public void onSubscribe(Flow.Subscription given) {
      Objects.requireNonNull(given, "subscription");
      if (subscription != null) {
        given.cancel();
        return;
      }
      subscription = given;
      given.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(NetworkEvent event) {
      switch (event) {
        case NetworkEvent.LinkChanged(Link link) -> {
          if (link.index() == index) {
            tell(link);
          }
        }
        case NetworkEvent.LinkRemoved(Link link) -> {
          if (link.index() == index) {
            end();
            cancel();
          }
        }
        case NetworkEvent.Resynced resynced -> {
          Optional<Link> there =
              resynced.state().links().stream().filter(link -> link.index() == index).findFirst();
          if (there.isPresent()) {
            tell(there.get());
          } else {
            end();
            cancel();
          }
        }
        default -> {}
      }
    }

    private void tell(Link link) {
      State state = new State(link.up(), link.mtu());
      if (!ended && !closed && !state.equals(told)) {
        told = state;
        listener.changed(state.up(), state.mtu());
      }
    }

    private void end() {
      if (!ended && !closed) {
        ended = true;
        listener.gone();
      }
    }

    private void cancel() {
      Flow.Subscription current = subscription;
      if (current != null) {
        current.cancel();
      }
    }

    @Override
    public void onError(Throwable failure) {
      Objects.requireNonNull(failure, "failure");
      LOG.error("the interface cannot be watched any more", failure);
      end();
    }

    @Override
    public void onComplete() {
      end();
    }
  }
}
