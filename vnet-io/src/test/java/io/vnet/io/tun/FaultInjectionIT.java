package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PortLedger;
import io.vnet.io.netlink.LinkChange;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.NetworkNamespaces;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Fails each system call of a device's life once, with several errnos: the step fails with a {@link
 * VnetException} or goes on, and nothing is left behind.
 */
@ExtendWith(NetworkNamespaces.class)
class FaultInjectionIT {
  private static final List<Errno> ERRNOS =
      List.of(Errno.EPERM, Errno.ENOMEM, Errno.EINTR, Errno.EBUSY, Errno.EIO);
  private static final String[] ADDRESSES = {"10.9.0.1/24", "10.9.1.1/24", "fd09::1/64"};

  /** Of linkDown and of release. */
  private static final int DRAINS = 2;

  private static final Set<String> OF_OPEN =
      Set.of(
          "open",
          "setns",
          "socket",
          "setsockopt",
          "bind",
          "find",
          "list",
          "set",
          "add",
          "TUNSETIFF",
          "TUNSETOFFLOAD");

  /** Of an exchange over netlink: many, and all treated alike. */
  private static final Set<String> EXCHANGE = Set.of("setsockopt", "bind", "poll", "recv", "write");

  private static final Errno EXCHANGE_ERRNO = Errno.EIO;
  private static final Pattern UP = Pattern.compile("[^<]*<[^>]*\\bUP\\b[^>]*>.*", Pattern.DOTALL);
  private static final Pattern NOT_UP =
      Pattern.compile("[^<]*<(?![^>]*\\bUP\\b)[^>]*>.*", Pattern.DOTALL);
  private static final BackendListener DEAF =
      new BackendListener() {
        @Override
        public void readable() {}

        @Override
        public void writable() {}

        @Override
        public void lost(VnetException cause) {}
      };

  /** One life; every step is tried, also after one has failed, as the owner does. */
  private static List<VnetException> live(TunLab lab, BackendRequest request) {
    List<VnetException> failures = new ArrayList<>();
    TunBackend backend;
    try {
      backend = lab.open(request);
    } catch (VnetException e) {
      failures.add(e);
      return failures;
    }
    PortLedger ledger = new PortLedger();
    backend.start(DEAF);
    attempt(failures, backend::linkUp);
    attempt(failures, () -> backend.linkDown(ledger));
    TunLab.quiesce(backend);
    attempt(failures, () -> backend.release(ledger));
    return failures;
  }

  private static void attempt(List<VnetException> failures, Runnable step) {
    try {
      step.run();
    } catch (VnetException e) {
      failures.add(e);
    }
  }

  private interface Check {
    void check(TunLab lab, String fault, List<VnetException> failures);
  }

  private static void inject(
      NetworkNamespace namespace, BackendRequest request, int callsMin, Check check) {
    List<String> calls;
    try (TunLab lab = new TunLab(namespace)) {
      assertThat(live(lab, request)).isEmpty();
      calls = lab.libc.calls();
      check.check(lab, "no fault", List.of());
    }
    assertThat(calls).hasSizeGreaterThanOrEqualTo(callsMin);
    for (Errno errno : ERRNOS) {
      for (int i = 0; i < calls.size(); i++) {
        String call = calls.get(i);
        int nth = Collections.frequency(calls.subList(0, i), call);
        if (EXCHANGE.contains(call.split(" ", 2)[0]) && errno != EXCHANGE_ERRNO) {
          continue;
        }
        // How many packets the drains find is the kernel's affair: the reads that there always are.
        if (call.equals("read") && nth >= DRAINS) {
          continue;
        }
        String fault = errno + " at " + call + " number " + nth;
        inject(namespace, request, call, nth, errno, fault, check);
      }
    }
  }

  private static void inject(
      NetworkNamespace namespace,
      BackendRequest request,
      String call,
      int nth,
      Errno errno,
      String fault,
      Check check) {
    Descriptors before = Descriptors.now();
    try (TunLab lab = new TunLab(namespace)) {
      lab.libc.failExactly(call, nth, errno);
      List<VnetException> failures = live(lab, request);
      assertThat(lab.libc.fired()).as(fault).isEqualTo(1);
      assertThat(failures)
          .as(fault)
          .hasSizeLessThanOrEqualTo(1)
          .allSatisfy(e -> {
            assertThat(e.operation()).isNotEmpty();
            assertThat(e.object()).isNotEmpty();
            assertThat(e.errno()).isEqualTo(errno);
          });
      assertThat(lab.libc.open()).as(fault).isEmpty();
      assertThat(lab.libc.misuses()).as(fault).isEmpty();
      check.check(lab, fault, failures);
    }
    assertThat(Descriptors.now().since(before)).as(fault).isEmpty();
  }

  @Test
  void a_device_that_is_made_leaves_nothing_behind(NetworkNamespace namespace) {
    BackendRequest request;
    try (TunLab lab = new TunLab(namespace)) {
      request = lab.request("tun3", Mode.CREATE, true, ADDRESSES);
    }
    List<String> refused = new ArrayList<>();
    inject(
        namespace,
        request,
        18,
        (lab, fault, failures) -> {
          assertThat(lab.links()).as(fault).isEmpty();
          failures.forEach(e -> refused.add(fault));
        });
    // Most calls matter; those that do not are closes and the drain's reads.
    assertThat(refused).anyMatch(fault -> fault.contains("setns"));
    assertThat(refused).anyMatch(fault -> fault.contains("open /dev/net/tun"));
    assertThat(refused).anyMatch(fault -> fault.contains("TUNSETIFF"));
    assertThat(refused).anyMatch(fault -> fault.contains("TUNSETOFFLOAD"));
    assertThat(refused).anyMatch(fault -> fault.contains("TUNSETCARRIER"));
    for (String call : EXCHANGE) {
      assertThat(refused).anyMatch(fault -> fault.contains("EIO at " + call));
    }
  }

  @Test
  void an_interface_that_was_there_gets_its_mtu_and_flags_back(NetworkNamespace namespace) {
    BackendRequest request;
    try (TunLab lab = new TunLab(namespace)) {
      request = lab.request("tun3", Mode.ATTACH, true, "10.9.0.1/24");
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
      reset(lab);
    }
    inject(
        namespace,
        request,
        15,
        (lab, fault, failures) -> {
          boolean refused = failures.stream().anyMatch(e -> OF_OPEN.contains(verb(e)));
          assertThat(lab.links()).as(fault).hasSize(1);
          assertThat(lab.link("tun3"))
              .as(fault)
              .contains(refused ? "mtu 1234" : "mtu " + TunLab.MTU)
              .matches(refused ? NOT_UP : UP);
          reset(lab);
        });
  }

  private static String verb(VnetException e) {
    return e.operation().split(" ", 2)[0];
  }

  /** What the next life finds is what the first one found. */
  private static void reset(TunLab lab) {
    try (Netlink netlink = Netlink.open(lab.namespace)) {
      int index = netlink.link("tun3").orElseThrow().index();
      netlink.addresses().stream()
          .filter(address -> address.interfaceIndex() == index)
          .forEach(netlink::deleteAddress);
      netlink.change(index, new LinkChange.Mtu(1234));
      netlink.change(index, new LinkChange.Up(false));
    }
  }
}
