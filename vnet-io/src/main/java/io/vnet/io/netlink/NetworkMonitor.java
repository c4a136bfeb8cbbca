package io.vnet.io.netlink;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.NetlinkConstants;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.thread.Uninterrupted;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells what changes about the links, addresses and routes of one network namespace.
 *
 * <p>Each subscriber gets {@link NetworkEvent.Resynced} first, so it need not list anything itself,
 * and again whenever events were lost: those that the kernel had no room for, and those for which
 * the subscriber's own buffer had none. A subscriber that applies what it gets in order ends with
 * the state as it is, if it minds what {@link NetworkEvent.RouteRemoved} says.
 *
 * <p><b>Threads:</b> one thread reads the kernel's events, and blocks in poll(2) while there are
 * none. Each subscriber is called on a virtual thread, one call at a time; a slow one delays nobody
 * else. Safe on any thread.
 *
 * <p><b>Bounded:</b> a subscriber's buffer holds a given number of events. When it is full all of
 * it is dropped, counted, and made up for by one {@code Resynced} when the subscriber asks for
 * more.
 *
 * <p>Who opened it closes it.
 */
public final class NetworkMonitor implements Flow.Publisher<NetworkEvent>, AutoCloseable {
  /** Events that a subscriber may leave waiting. */
  public static final int DEFAULT_BUFFER_EVENTS = 1024;

  private static final Logger LOG = LoggerFactory.getLogger(NetworkMonitor.class);

  /** The kernel's own bound for its buffer, sysctl net.core.rmem_max, is often less. */
  private static final int RECEIVE_BYTES = 1024 * 1024;

  private static final int GROUPS =
      NetlinkConstants.RTMGRP_LINK
          | NetlinkConstants.RTMGRP_IPV4_IFADDR
          | NetlinkConstants.RTMGRP_IPV4_ROUTE
          | NetlinkConstants.RTMGRP_IPV6_IFADDR
          | NetlinkConstants.RTMGRP_IPV6_ROUTE;

  private final NetlinkSocket socket;
  private final Netlink netlink;
  private final int bufferEvents;
  private final List<Subscription> subscriptions = new CopyOnWriteArrayList<>();
  private final AtomicLong kernelOverruns = new AtomicLong();
  private final AtomicLong droppedEvents = new AtomicLong();
  private final Thread reader;

  /** So that a socket that one closer has closed is not used by another. */
  private final Object closeLock = new Object();

  private volatile boolean closing;
  private @Nullable VnetException failure;
  private boolean ended;

  private NetworkMonitor(NetlinkSocket socket, Netlink netlink, int bufferEvents) {
    this.socket = socket;
    this.netlink = netlink;
    this.bufferEvents = bufferEvents;
    this.reader = Thread.ofPlatform().daemon().name("vnet-netlink-events").unstarted(this::read);
  }

  /**
   * That of the calling thread's namespace.
   *
   * @throws VnetException as {@link Netlink#open()}
   */
  public static NetworkMonitor open() {
    return open(NativeLibc.load(), Optional.empty(), DEFAULT_BUFFER_EVENTS, RECEIVE_BYTES);
  }

  /**
   * That of another namespace.
   *
   * @param bufferEvents that a subscriber may leave waiting, at least 1
   * @throws VnetException as {@link Netlink#open(NetworkNamespace)}
   */
  public static NetworkMonitor open(NetworkNamespace namespace, int bufferEvents) {
    return open(NativeLibc.load(), Optional.of(namespace), bufferEvents, RECEIVE_BYTES);
  }

  static NetworkMonitor open(
      Libc libc, Optional<NetworkNamespace> namespace, int bufferEvents, int receiveBytes) {
    if (bufferEvents < 1) {
      throw new IllegalArgumentException("bufferEvents " + bufferEvents + " is below 1");
    }
    NetworkMonitor monitor =
        namespace.isPresent()
            ? namespace.get().call(() -> openHere(libc, bufferEvents, receiveBytes))
            : openHere(libc, bufferEvents, receiveBytes);
    // Not in the namespace: a thread that was born there would keep it alive.
    monitor.reader.start();
    return monitor;
  }

  private static NetworkMonitor openHere(Libc libc, int bufferEvents, int receiveBytes) {
    NetlinkSocket socket = NetlinkSocket.open(libc, GROUPS, receiveBytes);
    try {
      return new NetworkMonitor(socket, Netlink.open(libc), bufferEvents);
    } catch (RuntimeException e) {
      socket.close();
      throw e;
    }
  }

  /** How often the kernel had more to tell than its buffer holds. */
  public long kernelOverruns() {
    return kernelOverruns.get();
  }

  /** Events that were dropped from the buffers of slow subscribers, all together. */
  public long droppedEvents() {
    return droppedEvents.get();
  }

  @Override
  public void subscribe(Flow.Subscriber<? super NetworkEvent> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    Subscription subscription = new Subscription(subscriber);
    synchronized (this) {
      if (ended) {
        subscription.end(failure);
      } else {
        subscriptions.add(subscription);
      }
    }
    subscription.start();
  }

  private void read() {
    VnetException cause = null;
    try (Arena arena = Arena.ofConfined()) {
      NetlinkSocket.Receiver receiver = socket.receiver(arena);
      while (!closing) {
        receiver.poll(-1);
        drain(receiver);
      }
    } catch (VnetException e) {
      cause = e;
    }
    end(cause);
  }

  /**
   * Reads until there is nothing more. Once the kernel has lost events it loses more, without a
   * word, until its buffer is empty: only then is the state asked for.
   */
  private void drain(NetlinkSocket.Receiver receiver) {
    boolean lost = false;
    while (!closing) {
      try {
        ByteBuffer bytes = receiver.receive();
        if (!bytes.hasRemaining()) {
          break;
        }
        Message.Datagram datagram = Message.split(bytes);
        lost |= !datagram.whole();
        if (!lost) {
          tell(datagram.messages());
        }
      } catch (VnetException e) {
        if (e.errno() != Errno.ENOBUFS) {
          throw e;
        }
        lost = true;
      }
    }
    if (lost) {
      kernelOverruns.incrementAndGet();
      subscriptions.forEach(Subscription::resync);
    }
  }

  private void tell(List<Message> messages) {
    for (Message message : messages) {
      event(message)
          .ifPresent(event -> subscriptions.forEach(subscription -> subscription.offer(event)));
    }
  }

  /** Empty if it is nothing that is told here. */
  private static Optional<NetworkEvent> event(Message message) {
    return switch (message.type()) {
      case NetlinkConstants.RTM_NEWLINK -> link(message).map(NetworkEvent.LinkChanged::new);
      case NetlinkConstants.RTM_DELLINK -> link(message).map(NetworkEvent.LinkRemoved::new);
      case NetlinkConstants.RTM_NEWADDR ->
          AddressMessages.decode(message).map(NetworkEvent.AddressChanged::new);
      case NetlinkConstants.RTM_DELADDR ->
          AddressMessages.decode(message).map(NetworkEvent.AddressRemoved::new);
      case NetlinkConstants.RTM_NEWROUTE ->
          RouteMessages.decode(message).map(NetworkEvent.RouteChanged::new);
      case NetlinkConstants.RTM_DELROUTE ->
          RouteMessages.decode(message).map(NetworkEvent.RouteRemoved::new);
      default -> Optional.empty();
    };
  }

  /** A bridge tells of its ports under a family of its own; the link itself is told besides. */
  private static Optional<Link> link(Message message) {
    return message.family() == 0 ? LinkMessages.decode(message) : Optional.empty();
  }

  private void end(@Nullable VnetException cause) {
    synchronized (this) {
      ended = true;
      failure = cause;
    }
    subscriptions.forEach(subscription -> subscription.end(cause));
  }

  /**
   * Completes the subscribers, ends the thread and closes the sockets. What a subscriber has not
   * taken it does not get. More than once is as once.
   *
   * @throws VnetException the thread could not be told: call again
   */
  @Override
  public void close() {
    closing = true;
    synchronized (closeLock) {
      if (reader.isAlive()) {
        socket.wake();
        Uninterrupted.await(reader::join);
      }
      socket.close();
      netlink.close();
    }
  }

  /** One subscriber with its buffer. All state is guarded by this object. */
  private final class Subscription implements Flow.Subscription {
    private final Flow.Subscriber<? super NetworkEvent> subscriber;
    private final Queue<NetworkEvent> waiting = new ArrayDeque<>();
    private long demand;
    private long dropped;
    private NetworkEvent.@Nullable Reason resync = NetworkEvent.Reason.SUBSCRIBED;
    private boolean over;
    private @Nullable Throwable failure;
    private boolean cancelled;

    /** A thread is at work; also before onSubscribe has returned. */
    private boolean running = true;

    Subscription(Flow.Subscriber<? super NetworkEvent> subscriber) {
      this.subscriber = subscriber;
    }

    /** On the subscriber's thread: onSubscribe is called by subscribe itself. */
    void start() {
      try {
        subscriber.onSubscribe(this);
      } catch (RuntimeException e) {
        cancel();
        throw e;
      }
      Thread.ofVirtual().name("vnet-netlink-subscriber").start(this::run);
    }

    @Override
    public synchronized void request(long events) {
      if (events <= 0) {
        end(
            new IllegalArgumentException(
                "a request of " + events + " events, not of at least 1 (Reactive Streams, 3.9)"));
        return;
      }
      demand = demand + events < 0 ? Long.MAX_VALUE : demand + events;
      wake();
    }

    @Override
    public synchronized void cancel() {
      cancelled = true;
      waiting.clear();
      subscriptions.remove(this);
    }

    synchronized void offer(NetworkEvent event) {
      if (over || cancelled) {
        return;
      }
      if (resync != null) {
        // The state that is told next has it.
        countIfSlow();
        return;
      }
      if (waiting.size() == bufferEvents) {
        drop(NetworkEvent.Reason.SLOW_SUBSCRIBER);
        countIfSlow();
      } else {
        waiting.add(event);
      }
      wake();
    }

    private void countIfSlow() {
      if (resync == NetworkEvent.Reason.SLOW_SUBSCRIBER) {
        dropped++;
        droppedEvents.incrementAndGet();
      }
    }

    private void drop(NetworkEvent.Reason reason) {
      dropped += waiting.size();
      droppedEvents.addAndGet(waiting.size());
      waiting.clear();
      resync = reason;
    }

    /** The kernel lost events. */
    synchronized void resync() {
      if (!over && !cancelled && resync == null) {
        drop(NetworkEvent.Reason.KERNEL_OVERRUN);
        wake();
      }
    }

    synchronized void end(@Nullable Throwable cause) {
      if (!over) {
        over = true;
        failure = cause;
        wake();
      }
    }

    private boolean hasWork() {
      return !cancelled && (over || (demand > 0 && (resync != null || !waiting.isEmpty())));
    }

    private void wake() {
      if (!running && hasWork()) {
        running = true;
        Thread.ofVirtual().name("vnet-netlink-subscriber").start(this::run);
      }
    }

    private void run() {
      try {
        boolean more = true;
        while (more) {
          more = step();
        }
      } catch (RuntimeException e) {
        // By its contract a subscriber throws nothing; one that does gets nothing more.
        LOG.error("a subscriber of network events failed and is cancelled", e);
        cancel();
      }
    }

    /** Calls the subscriber once; false: there is nothing to call it for. */
    private boolean step() {
      NetworkEvent event = null;
      NetworkEvent.Reason reason = null;
      long lost = 0;
      synchronized (this) {
        if (!hasWork()) {
          running = false;
          return false;
        }
        if (!over) {
          demand -= demand == Long.MAX_VALUE ? 0 : 1;
          reason = resync;
          lost = dropped;
          event = reason == null ? waiting.poll() : null;
          // From here on events are kept again: each is in the state or follows it.
          resync = null;
          dropped = 0;
        }
      }
      if (event != null) {
        subscriber.onNext(event);
      } else if (reason != null) {
        tellState(reason, lost);
      } else {
        cancel();
        finish();
      }
      return true;
    }

    private void tellState(NetworkEvent.Reason reason, long lost) {
      NetworkSnapshot state;
      try {
        state = netlink.snapshot();
      } catch (VnetException e) {
        end(closing ? null : e);
        return;
      }
      subscriber.onNext(new NetworkEvent.Resynced(state, reason, lost));
    }

    private void finish() {
      Throwable cause;
      synchronized (this) {
        cause = failure;
      }
      if (cause == null) {
        subscriber.onComplete();
      } else {
        subscriber.onError(cause);
      }
    }
  }
}
