package io.vnet.tunnel.path;

import io.netty.channel.SingleThreadEventLoop;
import io.vnet.api.address.Endpoint;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.api.port.PortListener;
import io.vnet.io.loop.IslandLoop;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.TunnelCore;
import io.vnet.tunnel.settings.TunnelDrop;
import java.util.EnumMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Moves a tunnel's packets between its two ports, in both directions, on its island.
 *
 * <p><b>Turns.</b> A signal of a port asks for a turn; a turn moves so many batches in each
 * direction at the most and, if there may be more, asks for another one. In between the island
 * looks at its poller: tasks that beget tasks would keep a Netty loop from that for up to a second,
 * and a direction whose readiness is not seen would stand still for so long.
 *
 * <p><b>Latency:</b> whatever a turn has collected is sent at its end, so a lone packet never waits
 * for company.
 *
 * <p><b>Sizes:</b> each of the four batches takes some five super-packets or trains, which together
 * stay in the cache of a core; a larger batch saves no system call worth speaking of.
 *
 * <p><b>A turn costs</b> what the ports cost (a read a super-packet, one recvmmsg and one sendmmsg
 * a batch), and no thread hop, lock or allocation of its own.
 *
 * <p><b>Threads:</b> all methods are called on the island, but {@link #schedule}.
 */
public final class DataPath {
  private static final int SLAB_BYTES = 384 * 1024;
  private static final int BATCH_PACKETS = 128;
  private static final int SLABS = 4;

  /** Who hears of what ends. */
  public interface Owner {
    /** The inside port has ended; null: its user closed it. On any thread. */
    void insideEnded(@Nullable VnetException cause);

    /** An outside port has failed. On any thread. */
    void outsideLost(PacketPort port, @Nullable VnetException cause);

    /** A defect: nothing is moved any more. */
    void failed(Throwable cause);
  }

  private final PacketPort inside;
  private final TunnelCore core;
  private final Owner owner;
  private final Island island;
  private final LongSupplier clock;
  private final SlabPool slabs = new SlabPool(SLAB_BYTES, SLABS);
  private final BatchPool batches =
      new BatchPool(slabs, BATCH_PACKETS, BatchPool.DEFAULT_HEAD_ROOM, BatchPool.DEFAULT_TAIL_ROOM);
  private final Sending sending;
  private final Outward outward;
  private final Delivery delivery;
  private final Inward inward;

  private final Runnable turn = this::turn;
  private final Runnable again = this::again;
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private volatile boolean insideWritable;
  private volatile boolean outsideWritable;

  private final LinkedHashSet<Peer> toFlush = new LinkedHashSet<>();
  private final EnumMap<TunnelDrop, Long> formerDrops = new EnumMap<>(TunnelDrop.class);
  private final long insideDropsBefore;
  private PacketPort.@Nullable Registration insideRegistration;
  private PacketPort.@Nullable Registration outsideRegistration;
  private @Nullable PacketPort outside;
  private boolean ended;

  /**
   * @param inside IP packets
   * @param core whose packets they are
   * @param island everything runs here
   * @param clock monotonic, in nanoseconds: the core's
   */
  public DataPath(
      PacketPort inside, TunnelCore core, Owner owner, Island island, LongSupplier clock) {
    this.inside = inside;
    this.core = core;
    this.owner = owner;
    this.island = island;
    this.clock = clock;
    this.insideDropsBefore = inside.counters().dropped();
    this.sending = new Sending(batches.acquire(), core.drops(), owner::outsideLost);
    this.outward = new Outward(inside, core, sending, batches.acquire());
    this.delivery = new Delivery(inside, core.drops(), batches.acquire());
    this.inward = new Inward(core, new CoreControl(), delivery, batches.acquire());
  }

  private final class CoreControl implements Inward.Control {
    @Override
    public void handshake(byte[] message, Endpoint from, long now) {
      core.handshake(message, from, now, unixNanos());
      afterCore(now);
    }

    @Override
    public void afterCore(long now) {
      flushPeers(now);
    }
  }

  /** Nanoseconds since 1970, as exact as milliseconds. */
  public static long unixNanos() {
    return System.currentTimeMillis() * 1_000_000L;
  }

  /** Begins to move packets from inside. */
  public void start() {
    insideRegistration =
        inside.listen(
            new PortListener() {
              @Override
              public void readable() {
                schedule();
              }

              @Override
              public void writable() {
                insideWritable = true;
                schedule();
              }

              @Override
              public void closed(@Nullable VnetException cause) {
                owner.insideEnded(cause);
              }
            });
    schedule();
  }

  /**
   * Sends and receives through another port from now on, which stays its owner's; null: through
   * none.
   */
  public void use(@Nullable PacketPort port) {
    PacketPort.Registration before = outsideRegistration;
    if (before != null) {
      before.close();
      outsideRegistration = null;
    }
    sending.flush();
    outside = port;
    sending.use(port);
    inward.use(port);
    if (port != null) {
      outsideRegistration = port.listen(outsideListener(port));
      schedule();
    }
  }

  private PortListener outsideListener(PacketPort port) {
    return new PortListener() {
      @Override
      public void readable() {
        schedule();
      }

      @Override
      public void writable() {
        outsideWritable = true;
        schedule();
      }

      @Override
      public void closed(@Nullable VnetException cause) {
        owner.outsideLost(port, cause);
      }
    };
  }

  /** Asks for a turn. Safe on any thread. */
  public void schedule() {
    if (scheduled.compareAndSet(false, true)) {
      execute();
    }
  }

  private void execute() {
    try {
      island.execute(turn);
    } catch (RejectedExecutionException e) {
      // The island has ended, and with it the ports that were seen there.
      owner.insideEnded(null);
    }
  }

  private void again() {
    execute();
  }

  /** Asks for another turn, after the island has looked at its poller. */
  private void scheduleAgain() {
    if (scheduled.compareAndSet(false, true)) {
      if (island instanceof IslandLoop loop
          && loop.eventLoop() instanceof SingleThreadEventLoop eventLoop) {
        eventLoop.executeAfterEventLoopIteration(again);
      } else {
        execute();
      }
    }
  }

  private void turn() {
    scheduled.set(false);
    if (ended) {
      return;
    }
    try {
      move(clock.getAsLong());
    } catch (VnetException e) {
      // A removed interface is met by a read before the port hears of it, and closes.
      if (inside.isOpen() && e.errno() != Errno.ENODEV) {
        owner.failed(e);
      } else {
        owner.insideEnded(e);
      }
    } catch (RuntimeException | Error e) {
      owner.failed(e);
    }
  }

  private void move(long now) {
    if (outsideWritable) {
      outsideWritable = false;
      sending.unblock();
    }
    if (insideWritable) {
      insideWritable = false;
      delivery.unblock();
    }
    boolean more = false;
    flushPeers(now);
    if (!sending.isBlocked()) {
      more = outward.turn(now);
    }
    if (!delivery.isBlocked()) {
      more |= receive(now);
    }
    flushPeers(now);
    sending.flush();
    if (more) {
      scheduleAgain();
    }
  }

  private boolean receive(long now) {
    PacketPort port = outside;
    try {
      return inward.turn(now);
    } catch (VnetException e) {
      if (port == null || port.isOpen() || !inside.isOpen()) {
        throw e;
      }
      owner.outsideLost(port, e);
      return false;
    }
  }

  /** A handshake message, to be sent with the next batch. */
  public void send(byte[] message, Endpoint to) {
    sending.message(message, to);
  }

  /** A peer has something staged that it may send, once the core's call has returned. */
  public void wantsFlush(Peer peer) {
    toFlush.add(peer);
  }

  /** Nothing of a peer is touched any more. */
  public void forget(Peer peer) {
    toFlush.remove(peer);
  }

  /** Does what a call of the core has asked for. */
  public void afterCore() {
    flushPeers(clock.getAsLong());
    sending.flush();
  }

  /**
   * Does what a call of the core has asked for, and sends at the next turn: where such calls come
   * one after the other, what they ask to be sent goes together.
   */
  public void afterCoreSoon() {
    flushPeers(clock.getAsLong());
    schedule();
  }

  private void flushPeers(long now) {
    while (!toFlush.isEmpty() && !sending.isBlocked()) {
      Peer peer = toFlush.getFirst();
      if (!outward.sendStaged(peer, now)) {
        return;
      }
      toFlush.remove(peer);
    }
  }

  /**
   * What the ports did not pass on, in the tunnel's own words: a port tells its reasons by {@link
   * PacketPort#counters}.
   */
  public Map<TunnelDrop, Long> portDrops() {
    EnumMap<TunnelDrop, Long> all = new EnumMap<>(formerDrops);
    addDrops(all, outside);
    add(all, TunnelDrop.DELIVER_FAILED, inside.counters().dropped() - insideDropsBefore);
    return all;
  }

  /**
   * Takes over what a port counted that was used and has been closed: what lay in it is in that.
   */
  public void closed(PacketPort port) {
    addDrops(formerDrops, port);
  }

  private static void addDrops(EnumMap<TunnelDrop, Long> all, @Nullable PacketPort port) {
    if (port != null) {
      PortCounters counters = port.counters();
      long received =
          counters.dropped(DropReason.TOO_SHORT) + counters.dropped(DropReason.MALFORMED);
      long waiting = counters.dropped(DropReason.FLUSHED_AT_CLOSE);
      add(all, TunnelDrop.MALFORMED, received);
      add(all, TunnelDrop.DELIVER_FAILED, waiting);
      add(all, TunnelDrop.SEND_FAILED, counters.dropped() - received - waiting);
    }
  }

  private static void add(EnumMap<TunnelDrop, Long> all, TunnelDrop reason, long number) {
    if (number > 0) {
      all.merge(reason, number, Long::sum);
    }
  }

  /** Ends it; the ports stay their owner's. What is under way is lost and counted. */
  public void close() {
    if (ended) {
      return;
    }
    ended = true;
    use(null);
    PacketPort.Registration registration = insideRegistration;
    if (registration != null) {
      registration.close();
    }
    toFlush.clear();
    inward.close();
    delivery.close();
    outward.close();
    sending.close();
    batches.close();
    slabs.close();
  }
}
