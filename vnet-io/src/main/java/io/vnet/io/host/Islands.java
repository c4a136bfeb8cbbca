package io.vnet.io.host;

import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.loop.IslandLoop;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The I/O threads of a host: those for plain devices from the start, and, if devices with offloads
 * are to have more of them, the rest when the first of these comes. Safe on any thread.
 */
final class Islands implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Islands.class);

  private final IslandSettings settings;
  private final Libc libc;
  private final List<IslandLoop> plain;
  private volatile List<IslandLoop> offload = List.of();
  private volatile List<IslandLoop> all;
  private int plainTurn;
  private int offloadTurn;
  private boolean closed;

  private Islands(IslandSettings settings, Libc libc, List<IslandLoop> plain) {
    this.settings = settings;
    this.libc = libc;
    this.plain = plain;
    this.all = plain;
  }

  /**
   * Starts those for plain devices.
   *
   * @throws VnetException as {@link IslandLoop#uring} does, if nothing but io_uring will do
   */
  static Islands start(IslandSettings settings, Libc libc) {
    List<IslandLoop> loops = new ArrayList<>();
    try {
      for (int i = 0; i < settings.plain(); i++) {
        loops.add(island(settings.io(), settings, libc));
      }
    } catch (VnetException e) {
      loops.forEach(IslandLoop::close);
      throw e;
    }
    return new Islands(settings, libc, List.copyOf(loops));
  }

  private static IslandLoop island(HostIo io, IslandSettings settings, Libc libc) {
    return switch (io) {
      case EPOLL -> IslandLoop.epoll(settings.busyPoll());
      case IO_URING -> IslandLoop.uring(libc, settings.busyPoll());
      case AUTO -> {
        try {
          yield IslandLoop.uring(libc, settings.busyPoll());
        } catch (VnetException e) {
          LOG.debug("epoll instead of io_uring", e);
          yield IslandLoop.epoll(settings.busyPoll());
        }
      }
    };
  }

  /** The next one, in turn, for a device with or without offloads. */
  synchronized IslandLoop next(boolean forOffload) {
    if (closed) {
      throw new VnetException("open", "host network", Errno.ESHUTDOWN, "the host is closed", "");
    }
    if (!forOffload) {
      return plain.get(Math.floorMod(plainTurn++, plain.size()));
    }
    if (offload.isEmpty()) {
      offload = offloadIslands();
      all = Stream.concat(plain.stream(), offload.stream()).distinct().toList();
    }
    return offload.get(Math.floorMod(offloadTurn++, offload.size()));
  }

  /** Plain ones as far as there are enough, and more. */
  private List<IslandLoop> offloadIslands() {
    List<IslandLoop> loops =
        new ArrayList<>(plain.subList(0, Math.min(settings.offload(), plain.size())));
    int shared = loops.size();
    try {
      while (loops.size() < settings.offload()) {
        loops.add(island(settings.io(), settings, libc));
      }
    } catch (VnetException e) {
      loops.subList(shared, loops.size()).forEach(IslandLoop::close);
      throw e;
    }
    return List.copyOf(loops);
  }

  /** Those that run now. */
  List<IslandLoop> all() {
    return all;
  }

  /** Stops them and waits for it. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    all.forEach(IslandLoop::close);
  }
}
