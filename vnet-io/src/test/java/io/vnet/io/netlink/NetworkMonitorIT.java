package io.vnet.io.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.libc.NetlinkConstants;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.FaultyLibc;
import io.vnet.io.testkit.NetworkNamespaces;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** A subscriber hears the state, then each change; what is lost is made up for by the state. */
@ExtendWith(NetworkNamespaces.class)
class NetworkMonitorIT {
  private static final int GUARD_SECONDS = 60;

  /** Keeps what it gets; asks for as much as a test says. */
  private static class Recorder implements Flow.Subscriber<NetworkEvent> {
    final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
    final BlockingQueue<NetworkEvent> events = new LinkedBlockingQueue<>();
    final CompletableFuture<Optional<Throwable>> end = new CompletableFuture<>();
    private final long first;

    Recorder(long first) {
      this.first = first;
    }

    static Recorder unbounded() {
      return new Recorder(Long.MAX_VALUE);
    }

    void request(long events) {
      subscription.join().request(events);
    }

    NetworkEvent next() throws InterruptedException {
      NetworkEvent event = events.poll(GUARD_SECONDS, TimeUnit.SECONDS);
      assertThat(event).as("an event").isNotNull();
      return Objects.requireNonNull(event);
    }

    <T extends NetworkEvent> T next(Class<T> type, Predicate<T> wanted)
        throws InterruptedException {
      while (true) {
        NetworkEvent event = next();
        if (type.isInstance(event) && wanted.test(type.cast(event))) {
          return type.cast(event);
        }
      }
    }

    NetworkEvent.Resynced resynced() throws InterruptedException {
      return next(NetworkEvent.Resynced.class, _ -> true);
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      if (first > 0) {
        given.request(first);
      }
      subscription.complete(given);
    }

    @Override
    public void onNext(NetworkEvent event) {
      events.add(event);
    }

    @Override
    public void onError(Throwable cause) {
      end.complete(Optional.of(cause));
    }

    @Override
    public void onComplete() {
      end.complete(Optional.empty());
    }
  }

  private static NetworkMonitor monitor(NetworkNamespace namespace, int bufferEvents) {
    return NetworkMonitor.open(namespace, bufferEvents);
  }

  @Test
  void the_state_comes_first_and_each_change_after_it(NetworkNamespace namespace) throws Exception {
    try (Netlink netlink = Netlink.open(namespace);
        NetworkMonitor monitor = monitor(namespace, 100)) {
      Recorder recorder = Recorder.unbounded();
      monitor.subscribe(recorder);
      NetworkEvent.Resynced first = recorder.resynced();
      assertThat(first.reason()).isEqualTo(NetworkEvent.Reason.SUBSCRIBED);
      assertThat(first.dropped()).isZero();
      assertThat(first.state().links()).extracting(Link::name).containsExactly("lo");
      assertThat(first.state().addresses()).isNotEmpty();

      int index = netlink.createVeth("a0", "a1").index();
      recorder.next(NetworkEvent.LinkChanged.class, event -> event.link().name().equals("a0"));
      netlink.change(index, new LinkChange.Up(true));
      netlink.change(netlink.link("a1").orElseThrow().index(), new LinkChange.Up(true));
      recorder.next(
          NetworkEvent.LinkChanged.class,
          event -> event.link().index() == index && event.link().carrier());

      InterfaceAddress address = InterfaceAddress.of(IpPrefix.parse("10.9.0.1/24")).on(index);
      netlink.addAddress(address);
      assertThat(
              recorder
                  .next(
                      NetworkEvent.AddressChanged.class,
                      event -> event.address().isSameEntry(address))
                  .address())
          .isEqualTo(address);
      Route route =
          netlink.addRoute(Route.to(IpPrefix.parse("10.1.0.0/16")).on(index).withMetric(5));
      recorder.next(NetworkEvent.RouteChanged.class, event -> event.route().equals(route));
      netlink.deleteRoute(route);
      recorder.next(NetworkEvent.RouteRemoved.class, event -> event.route().equals(route));
      netlink.deleteAddress(address);
      recorder.next(
          NetworkEvent.AddressRemoved.class, event -> event.address().isSameEntry(address));
      netlink.change(index, new LinkChange.Name("b0"));
      recorder.next(
          NetworkEvent.LinkChanged.class,
          event -> event.link().index() == index && event.link().name().equals("b0"));
      netlink.deleteLink(index);
      recorder.next(NetworkEvent.LinkRemoved.class, event -> event.link().index() == index);
      assertThat(monitor.kernelOverruns()).isZero();
      assertThat(monitor.droppedEvents()).isZero();
    }
  }

  @Test
  void nothing_comes_that_was_not_asked_for(NetworkNamespace namespace) throws Exception {
    try (Netlink netlink = Netlink.open(namespace);
        NetworkMonitor monitor = monitor(namespace, 100)) {
      Recorder recorder = new Recorder(0);
      Recorder witness = Recorder.unbounded();
      monitor.subscribe(recorder);
      monitor.subscribe(witness);
      witness.resynced();
      netlink.createBridge("br0");
      witness.next(NetworkEvent.LinkChanged.class, event -> event.link().name().equals("br0"));
      assertThat(recorder.events).isEmpty();
      recorder.request(1);
      // Asked for only now, so that it has the bridge, whose event is not told once more.
      assertThat(recorder.resynced().state().links())
          .extracting(Link::name)
          .containsExactly("lo", "br0");
      assertThat(recorder.events).isEmpty();
    }
  }

  @Test
  void a_slow_subscriber_loses_its_buffer_counted_and_gets_the_state(NetworkNamespace namespace)
      throws Exception {
    try (Netlink netlink = Netlink.open(namespace);
        NetworkMonitor monitor = monitor(namespace, 4)) {
      Recorder slow = new Recorder(1);
      Recorder quick = Recorder.unbounded();
      monitor.subscribe(slow);
      monitor.subscribe(quick);
      slow.resynced();
      quick.resynced();
      int index = netlink.createBridge("br0").index();
      for (int mtu = 1400; mtu < 1420; mtu++) {
        netlink.change(index, new LinkChange.Mtu(mtu));
        int now = mtu;
        quick.next(NetworkEvent.LinkChanged.class, event -> event.link().mtu() == now);
      }
      slow.request(1);
      NetworkEvent.Resynced state = slow.resynced();
      assertThat(state.reason()).isEqualTo(NetworkEvent.Reason.SLOW_SUBSCRIBER);
      assertThat(state.dropped()).isGreaterThanOrEqualTo(20).isEqualTo(monitor.droppedEvents());
      assertThat(state.state().links()).anyMatch(link -> link.mtu() == 1419);
      slow.request(1);
      netlink.change(index, new LinkChange.Mtu(1500));
      slow.next(NetworkEvent.LinkChanged.class, event -> event.link().mtu() == 1500);
    }
  }

  @Test
  void what_the_kernel_lost_is_made_up_for_by_the_state(NetworkNamespace namespace)
      throws Exception {
    FaultyLibc libc = new FaultyLibc();
    try (Netlink netlink = Netlink.open(namespace);
        NetworkMonitor monitor = NetworkMonitor.open(libc, Optional.of(namespace), 100, 0)) {
      Recorder recorder = Recorder.unbounded();
      monitor.subscribe(recorder);
      recorder.resynced();
      libc.failExactly("recv MSG_PEEK", 0, Errno.ENOBUFS);
      netlink.createBridge("br0");
      NetworkEvent.Resynced state = recorder.resynced();
      assertThat(state.reason()).isEqualTo(NetworkEvent.Reason.KERNEL_OVERRUN);
      assertThat(state.state().links()).extracting(Link::name).contains("br0");
      assertThat(monitor.kernelOverruns()).isEqualTo(1);
      netlink.createBridge("br1");
      recorder.next(NetworkEvent.LinkChanged.class, event -> event.link().name().equals("br1"));
    }
    assertThat(libc.open()).isEmpty();
    assertThat(libc.misuses()).isEmpty();
  }

  /** The real thing: more is told than a small buffer holds while nobody reads. */
  @Test
  void a_full_socket_says_ENOBUFS_once_and_then_works_again(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace);
        NetlinkSocket socket =
            namespace.call(
                () -> NetlinkSocket.open(NativeLibc.load(), NetlinkConstants.RTMGRP_LINK, 1));
        Arena arena = Arena.ofConfined()) {
      int index = netlink.createBridge("br0").index();
      for (int mtu = 1400; mtu < 1420; mtu++) {
        netlink.change(index, new LinkChange.Mtu(mtu));
      }
      NetlinkSocket.Receiver receiver = socket.receiver(arena);
      assertThat(receiver.poll(0)).isTrue();
      assertThatThrownBy(receiver::receive)
          .isInstanceOfSatisfying(
              VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOBUFS));
      int kept = 0;
      while (receiver.receive().hasRemaining()) {
        kept++;
      }
      assertThat(kept).isLessThan(20);
      netlink.change(index, new LinkChange.Mtu(1500));
      assertThat(receiver.poll(GUARD_SECONDS * 1000)).isTrue();
      List<Link> told = new ArrayList<>();
      Message.split(receiver.receive())
          .messages()
          .forEach(message -> LinkMessages.decode(message).ifPresent(told::add));
      assertThat(told).extracting(Link::mtu).containsExactly(1500);
    }
  }

  @Test
  void close_completes_the_subscribers_and_leaves_nothing(NetworkNamespace namespace)
      throws Exception {
    monitor(namespace, 1).close();
    Descriptors before = Descriptors.now();
    NetworkMonitor monitor = monitor(namespace, 1);
    Recorder idle = new Recorder(0);
    Recorder busy = Recorder.unbounded();
    monitor.subscribe(idle);
    monitor.subscribe(busy);
    busy.resynced();
    monitor.close();
    monitor.close();
    assertThat(idle.end.get(GUARD_SECONDS, TimeUnit.SECONDS)).isEmpty();
    assertThat(busy.end.get(GUARD_SECONDS, TimeUnit.SECONDS)).isEmpty();
    assertThat(idle.events).isEmpty();
    Recorder late = Recorder.unbounded();
    monitor.subscribe(late);
    assertThat(late.end.get(GUARD_SECONDS, TimeUnit.SECONDS)).isEmpty();
    assertThat(Descriptors.now().since(before)).isEmpty();
    await()
        .atMost(Duration.ofSeconds(GUARD_SECONDS))
        .until(() ->
            Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.getName().equals("vnet-netlink-events")));
  }

  @Test
  void a_socket_that_fails_for_good_fails_the_subscribers(NetworkNamespace namespace)
      throws Exception {
    FaultyLibc libc = new FaultyLibc();
    try (Netlink netlink = Netlink.open(namespace);
        NetworkMonitor monitor = NetworkMonitor.open(libc, Optional.of(namespace), 100, 0)) {
      Recorder recorder = Recorder.unbounded();
      monitor.subscribe(recorder);
      recorder.resynced();
      libc.failExactly("recv MSG_PEEK", 0, Errno.EIO);
      netlink.createBridge("br0");
      assertThat(recorder.end.get(GUARD_SECONDS, TimeUnit.SECONDS))
          .hasValueSatisfying(cause ->
              assertThat(cause)
                  .isInstanceOfSatisfying(
                      VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EIO)));
      Recorder late = Recorder.unbounded();
      monitor.subscribe(late);
      assertThat(late.end.get(GUARD_SECONDS, TimeUnit.SECONDS)).isPresent();
    }
    assertThat(libc.open()).isEmpty();
    assertThat(libc.misuses()).isEmpty();
  }

  @Test
  void a_cancelled_subscriber_and_one_that_throws_get_nothing_more(NetworkNamespace namespace)
      throws Exception {
    try (Netlink netlink = Netlink.open(namespace);
        NetworkMonitor monitor = monitor(namespace, 100)) {
      Recorder cancelled = Recorder.unbounded();
      monitor.subscribe(cancelled);
      cancelled.resynced();
      cancelled.subscription.join().cancel();
      cancelled.subscription.join().cancel();
      cancelled.request(1);
      CompletableFuture<NetworkEvent> thrown = new CompletableFuture<>();
      Recorder throwing =
          new Recorder(Long.MAX_VALUE) {
            @Override
            public void onNext(NetworkEvent event) {
              super.onNext(event);
              thrown.complete(event);
              throw new IllegalStateException("thrown by a subscriber, on purpose");
            }
          };
      monitor.subscribe(throwing);
      thrown.get(GUARD_SECONDS, TimeUnit.SECONDS);
      Recorder witness = Recorder.unbounded();
      monitor.subscribe(witness);
      witness.resynced();
      netlink.createBridge("br0");
      witness.next(NetworkEvent.LinkChanged.class, event -> event.link().name().equals("br0"));
      assertThat(cancelled.events).isEmpty();
      assertThat(throwing.events).hasSize(1);
    }
  }

  @Test
  void a_request_of_nothing_is_an_error_and_no_subscriber_is_refused(NetworkNamespace namespace)
      throws Exception {
    try (NetworkMonitor monitor = monitor(namespace, 100)) {
      Recorder recorder = new Recorder(0);
      monitor.subscribe(recorder);
      recorder.request(0);
      assertThat(recorder.end.get(GUARD_SECONDS, TimeUnit.SECONDS))
          .hasValueSatisfying(
              cause -> assertThat(cause).isInstanceOf(IllegalArgumentException.class));
      assertThatThrownBy(() -> monitor.subscribe(nothing()))
          .isInstanceOf(NullPointerException.class);
    }
    assertThatThrownBy(() -> monitor(namespace, 0)).isInstanceOf(IllegalArgumentException.class);
  }

  @SuppressWarnings("NullAway") // What a caller without checks may do.
  private static Flow.Subscriber<NetworkEvent> nothing() {
    return null;
  }

  @Test
  void a_monitor_that_cannot_be_opened_leaves_nothing(NetworkNamespace namespace) {
    FaultyLibc libc = new FaultyLibc();
    for (int i = 0; i < 2; i++) {
      libc.fail("socket", i, Errno.EMFILE);
      assertThatThrownBy(() -> NetworkMonitor.open(libc, Optional.of(namespace), 1, 0))
          .isInstanceOfSatisfying(
              VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EMFILE));
      assertThat(libc.open()).isEmpty();
    }
  }
}
