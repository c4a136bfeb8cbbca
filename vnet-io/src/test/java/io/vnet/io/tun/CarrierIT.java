package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.error.Errno;
import io.vnet.api.port.PortLedger;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.NetworkEvent;
import io.vnet.io.netlink.NetworkMonitor;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The carrier is on while somebody has the device open, and at no other time. */
@ExtendWith(NetworkNamespaces.class)
class CarrierIT {
  /** Keeps what the kernel tells about one interface. */
  private static final class Links implements Flow.Subscriber<NetworkEvent> {
    final CompletableFuture<Boolean> ready = new CompletableFuture<>();
    final List<Link> seen = new CopyOnWriteArrayList<>();

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(NetworkEvent event) {
      if (event instanceof NetworkEvent.Resynced) {
        ready.complete(true);
      } else if (event instanceof NetworkEvent.LinkChanged(var link)
          && link.name().equals("tun3")) {
        seen.add(link);
      }
    }

    @Override
    public void onError(Throwable cause) {
      ready.completeExceptionally(cause);
    }

    @Override
    public void onComplete() {}

    /** Waits for the last thing told to be so. */
    void awaitLast(boolean up, boolean carrier) {
      await()
          .atMost(TunLab.GUARD)
          .until(() ->
              !seen.isEmpty() && seen.getLast().up() == up && seen.getLast().carrier() == carrier);
    }

    /** Each change of the carrier. */
    List<Boolean> carriers() {
      List<Boolean> changes = new ArrayList<>();
      for (Link link : seen) {
        if (changes.isEmpty() || changes.getLast() != link.carrier()) {
          changes.add(link.carrier());
        }
      }
      return changes;
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Mode.class,
      names = {"CREATE", "ATTACH"})
  void nobody_sees_it_on_before_the_device_is_opened_or_after(Mode mode, NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = new TunLab(namespace);
        NetworkMonitor monitor = NetworkMonitor.open(namespace, 1000)) {
      if (mode == Mode.ATTACH) {
        lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
        lab.ip("link", "set", "dev", "tun3", "up");
      }
      Links links = new Links();
      monitor.subscribe(links);
      assertThat(links.ready.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();

      TunBackend backend = lab.open(lab.request("tun3", mode, true));
      links.awaitLast(true, false);
      backend.linkUp();
      links.awaitLast(true, true);
      backend.linkDown(new PortLedger());
      links.awaitLast(true, false);
      backend.linkUp();
      links.awaitLast(true, true);
      TunLab.end(backend, new PortLedger());

      assertThat(links.carriers()).startsWith(false, true, false, true);
    }
  }

  @Test
  void it_is_off_from_the_first_moment_also_where_the_kernel_has_only_the_second_request(
      NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace);
        Netlink netlink = Netlink.open(namespace)) {
      TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, true));
      assertThat(netlink.link("tun3").orElseThrow().carrier()).isFalse();
      assertThat(lab.libc.calls()).containsSubsequence("ioctl TUNSETIFF", "ioctl TUNSETCARRIER");
      TunLab.end(backend, new PortLedger());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Errno.class,
      names = {"EINVAL", "ENOTTY"})
  void a_kernel_without_carrier_requests_is_good_enough(Errno errno, NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.libc.failNext("ioctl TUNSETCARRIER", errno);
      TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, true));
      lab.libc.failNext("ioctl TUNSETCARRIER", errno);
      backend.linkUp();
      lab.libc.failNext("ioctl TUNSETCARRIER", errno);
      backend.linkDown(new PortLedger());
      assertThat(lab.libc.fired()).isEqualTo(3);
      TunLab.end(backend, new PortLedger());
    }
  }

  /** An interface's owner without capabilities may not ask where the interface is. */
  @ParameterizedTest
  @EnumSource(
      value = Errno.class,
      names = {"EPERM", "EINVAL", "ENOTTY"})
  void whoever_may_not_ask_where_the_interface_is_turns_it_on_too(
      Errno errno, NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, true));
      lab.libc.failNext("ioctl TUNGETDEVNETNS", errno);
      backend.linkUp();
      assertThat(lab.libc.fired()).isEqualTo(1);
      await().atMost(TunLab.GUARD).until(() -> lab.link("tun3").contains("LOWER_UP"));
      TunLab.end(backend, new PortLedger());
    }
  }

  @Test
  void an_interface_that_is_gone_is_told_by_the_poller_and_not_here(NetworkNamespace namespace)
      throws Exception {
    try (TunLab lab = new TunLab(namespace)) {
      TunBackend backend = lab.open(lab.request("tun3", Mode.CREATE, true));
      TunLab.Attached attached = lab.new Attached(backend);
      backend.start(attached);
      lab.ip("link", "delete", "dev", "tun3");
      backend.linkUp();
      assertThat(attached.lost.get(TunLab.GUARD_SECONDS, TimeUnit.SECONDS).errno())
          .isEqualTo(Errno.ENODEV);
      backend.linkDown(attached.ledger);
      attached.close();
    }
  }
}
