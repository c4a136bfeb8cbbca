package io.vnet.examples.cli;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.NetworkMonitor;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.quick.InterfacePort;
import io.vnet.tunnel.quick.InterfaceWatch;
import io.vnet.tunnel.quick.TunPlace;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a tunnel follow its interface: up and down with it, its MTU, its end, also when it is moved
 * to another network namespace, which leaves the tunnel's sockets where they are. Safe on any
 * thread that may block.
 */
final class InterfaceFollower implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(InterfaceFollower.class);

  private final Supplier<String> interfaceName;
  private final InterfacePort inside;
  private final WireGuardTunnel tunnel;
  private final Runnable gone;
  private final CompletableFuture<Boolean> followed = new CompletableFuture<>();
  private @Nullable Stay stay;
  private boolean closed;

  /** In one namespace. */
  private record Stay(NetworkMonitor monitor, InterfaceWatch watch) {
    void end() {
      watch.close();
      monitor.close();
    }
  }

  private InterfaceFollower(
      Supplier<String> interfaceName, InterfacePort inside, WireGuardTunnel tunnel, Runnable gone) {
    this.interfaceName = interfaceName;
    this.inside = inside;
    this.tunnel = tunnel;
    this.gone = gone;
  }

  /**
   * Begins; when this returns the tunnel is as the interface is.
   *
   * @param interfaceName its name of now; fails when it is gone
   * @param gone is called when it is gone, once
   */
  static InterfaceFollower start(
      Supplier<String> interfaceName, InterfacePort inside, WireGuardTunnel tunnel, Runnable gone) {
    InterfaceFollower follower = new InterfaceFollower(interfaceName, inside, tunnel, gone);
    follower.follow();
    follower.followed.join();
    return follower;
  }

  private synchronized void follow() {
    if (closed) {
      return;
    }
    try {
      String name = interfaceName.get();
      OptionalInt descriptor = TunPlace.descriptor(name);
      if (descriptor.isPresent()) {
        stay = stay(TunPlace.namespace(descriptor.getAsInt()), name);
        return;
      }
    } catch (VnetException e) {
      LOG.debug("the interface cannot be followed any more", e);
    }
    end();
  }

  /** Who may not ask where the interface is looks for it here. */
  private Stay stay(Optional<NetworkNamespace> place, String name) {
    if (place.isEmpty()) {
      return stay(NetworkMonitor.open(), Netlink.open(), name);
    }
    try (NetworkNamespace namespace = place.get()) {
      // To enter a namespace takes a right that is not needed to stay in one.
      return namespace.isCurrent()
          ? stay(NetworkMonitor.open(), Netlink.open(), name)
          : stay(
              NetworkMonitor.open(namespace, NetworkMonitor.DEFAULT_BUFFER_EVENTS),
              Netlink.open(namespace),
              name);
    }
  }

  private Stay stay(NetworkMonitor monitor, Netlink netlink, String name) {
    try (netlink) {
      int index = netlink.link(name).map(Link::index).orElse(0);
      return new Stay(monitor, InterfaceWatch.start(monitor, index, new Listener()));
    } catch (RuntimeException e) {
      monitor.close();
      throw e;
    }
  }

  private void end() {
    followed.complete(false);
    gone.run();
  }

  private final class Listener implements InterfaceWatch.Listener {
    @Override
    public void changed(boolean up, int mtu) {
      inside.mtu(mtu);
      LOG.debug("the interface is {}, its MTU is {}", up ? "up" : "down", mtu);
      try {
        CompletionStage<?> stage = up ? tunnel.up() : tunnel.down();
        stage.toCompletableFuture().join();
      } catch (CompletionException e) {
        Throwable cause = Failures.cause(e);
        if (cause instanceof VnetException failure && failure.errno() == Errno.ESHUTDOWN) {
          LOG.debug("the tunnel has ended, with its interface most likely", cause);
        } else {
          // It stays down; the next try is the administrator's.
          LOG.error("{}", cause.getMessage());
        }
      }
      followed.complete(true);
    }

    /** Not on the watch's own thread: its monitor is closed. */
    @Override
    public void gone() {
      Thread.ofVirtual()
          .name("vnet-follower")
          .start(() -> {
            leave();
            follow();
          });
    }
  }

  private synchronized void leave() {
    Stay before = stay;
    stay = null;
    if (before != null) {
      before.end();
    }
  }

  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    leave();
  }
}
