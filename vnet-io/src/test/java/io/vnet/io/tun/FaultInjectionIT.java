package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.HostBacking.Mode;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.LinkChange;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.NetworkNamespaces;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
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

  /** How a life went. */
  private record Life(boolean opened, List<VnetException> failures) {}

  /** One life; every step is tried, also after one has failed, as the owner does. */
  private static Life live(TunLab lab, BackendRequest request) {
    List<VnetException> failures = new ArrayList<>();
    DeviceBackend backend;
    try {
      backend = lab.openQueues(request);
    } catch (VnetException e) {
      failures.add(e);
      return new Life(false, failures);
    }
    PortLedger ledger = new PortLedger();
    backend.start(DEAF);
    attempt(failures, backend::linkUp);
    attempt(failures, () -> backend.linkDown(ledger));
    TunLab.quiesce(backend);
    attempt(failures, () -> backend.release(ledger));
    return new Life(true, failures);
  }

  private static void attempt(List<VnetException> failures, Runnable step) {
    try {
      step.run();
    } catch (VnetException e) {
      failures.add(e);
    }
  }

  /** What is around a life. */
  private interface Scene {
    /** Sets it up, and says what to open. */
    BackendRequest begin(TunLab lab);

    /** Checks what a life left, and takes the scene down. */
    void end(TunLab lab, String fault, Life life);
  }

  private static void inject(NetworkNamespace namespace, int callsMin, Scene scene) {
    List<String> calls;
    try (TunLab lab = new TunLab(namespace)) {
      BackendRequest request = scene.begin(lab);
      int before = lab.libc.calls().size();
      Life life = live(lab, request);
      assertThat(life.failures()).isEmpty();
      calls = List.copyOf(lab.libc.calls().subList(before, lab.libc.calls().size()));
      scene.end(lab, "no fault", life);
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
        inject(namespace, scene, call, nth, errno, errno + " at " + call + " number " + nth);
      }
    }
  }

  private static void inject(
      NetworkNamespace namespace, Scene scene, String call, int nth, Errno errno, String fault) {
    Descriptors before = Descriptors.now();
    try (TunLab lab = new TunLab(namespace)) {
      BackendRequest request = scene.begin(lab);
      lab.libc.failExactly(call, nth, errno);
      Life life = live(lab, request);
      assertThat(lab.libc.fired()).as(fault).isEqualTo(1);
      assertThat(life.failures())
          .as(fault)
          .hasSizeLessThanOrEqualTo(1)
          .allSatisfy(e -> {
            assertThat(e.operation()).isNotEmpty();
            assertThat(e.object()).isNotEmpty();
            assertThat(e.errno()).isEqualTo(errno);
          });
      scene.end(lab, fault, life);
      assertThat(lab.libc.open()).as(fault).isEmpty();
      assertThat(lab.libc.misuses()).as(fault).isEmpty();
    }
    assertThat(Descriptors.now().since(before)).as(fault).isEmpty();
  }

  /** A new interface, of which nothing may be left; keeps the faults that were told. */
  private static final class New implements Scene {
    private final HostBacking backing;
    final List<String> refused = new ArrayList<>();

    New(HostBacking backing) {
      this.backing = backing;
    }

    @Override
    public BackendRequest begin(TunLab lab) {
      return request(lab, backing);
    }

    @Override
    public void end(TunLab lab, String fault, Life life) {
      assertThat(lab.links()).as(fault).isEmpty();
      life.failures().forEach(_ -> refused.add(fault));
    }
  }

  private static BackendRequest request(TunLab lab, HostBacking backing) {
    return new BackendRequest(
        DeviceName.match("tun3").orElseThrow(),
        TunLab.MTU,
        true,
        backing.mode() == Mode.ADOPT ? backing : backing.inNetworkNamespace(lab.namespace.path()));
  }

  private static HostBacking withAddresses(String... addresses) {
    return HostBacking.create()
        .withAddresses(Arrays.stream(addresses).map(IpPrefix::parse).toArray(IpPrefix[]::new));
  }

  @Test
  void a_device_that_is_made_leaves_nothing_behind(NetworkNamespace namespace) {
    New scene = new New(withAddresses(ADDRESSES));
    inject(namespace, 18, scene);
    // Most calls matter; those that do not are closes and the drain's reads.
    assertThat(scene.refused).anyMatch(fault -> fault.contains("setns"));
    assertThat(scene.refused).anyMatch(fault -> fault.contains("open /dev/net/tun"));
    for (String request : List.of("TUNSETIFF", "TUNSETOFFLOAD", "TUNSETCARRIER")) {
      assertThat(scene.refused).anyMatch(fault -> fault.contains(request));
    }
    for (String call : EXCHANGE) {
      assertThat(scene.refused).anyMatch(fault -> fault.contains("EIO at " + call));
    }
  }

  @Test
  void a_device_of_two_queues_leaves_nothing_behind(NetworkNamespace namespace) {
    New scene = new New(HostBacking.create().withQueues(2));
    inject(namespace, 18, scene);
    for (int queue = 0; queue < 2; queue++) {
      String number = " number " + queue;
      assertThat(scene.refused)
          .contains(
              "EBUSY at open /dev/net/tun" + number,
              "EBUSY at ioctl TUNSETIFF" + number,
              "EIO at ioctl TUNSETCARRIER" + number);
    }
    assertThat(scene.refused).contains("EIO at ioctl TUNGETIFF number 0");
  }

  @Test
  void an_interface_that_is_to_stay_stays_only_if_all_went_well(NetworkNamespace namespace) {
    List<String> refused = new ArrayList<>();
    inject(
        namespace,
        18,
        new Scene() {
          @Override
          public BackendRequest begin(TunLab lab) {
            return request(
                lab, HostBacking.create().withOwner(65534).withGroup(12).withPersistent(true));
          }

          @Override
          public void end(TunLab lab, String fault, Life life) {
            life.failures().forEach(_ -> refused.add(fault));
            if (life.opened()) {
              Link.Tun tun = lab.tun("tun3");
              assertThat(tun.persistent()).as(fault).isTrue();
              assertThat(tun.owner()).as(fault).hasValue(65534);
              assertThat(tun.group()).as(fault).hasValue(12);
              lab.ip("link", "delete", "dev", "tun3");
            }
            assertThat(lab.links()).as(fault).isEmpty();
          }
        });
    for (String request : List.of("TUNSETOWNER", "TUNSETGROUP", "TUNSETPERSIST", "TUNGETIFF")) {
      assertThat(refused).contains("EPERM at ioctl " + request + " number 0");
    }
  }

  @Test
  void an_interface_that_was_there_gets_its_settings_and_owners_back(NetworkNamespace namespace) {
    try (TunLab lab = new TunLab(namespace)) {
      lab.ip("tuntap", "add", "name", "tun3", "mode", "tun", "user", "1", "group", "2");
    }
    HostBacking changed =
        withAddresses("10.9.0.1/24").withMode(Mode.ATTACH).withOwner(65534).withGroup(12);
    Scene scene =
        new Scene() {
          @Override
          public BackendRequest begin(TunLab lab) {
            reset(lab);
            return request(lab, changed);
          }

          @Override
          public void end(TunLab lab, String fault, Life life) {
            assertThat(lab.links()).as(fault).hasSize(1);
            assertThat(lab.link("tun3"))
                .as(fault)
                .contains(life.opened() ? "mtu " + TunLab.MTU : "mtu 1234")
                .matches(life.opened() ? UP : NOT_UP);
            Link.Tun tun = lab.tun("tun3");
            assertThat(tun.owner()).as(fault).hasValue(life.opened() ? 65534 : 1);
            assertThat(tun.group()).as(fault).hasValue(life.opened() ? 12 : 2);
            assertThat(tun.persistent()).as(fault).isTrue();
          }
        };
    inject(namespace, 15, scene);
  }

  @Test
  void an_interface_that_is_to_go_stays_if_not_all_went_well(NetworkNamespace namespace) {
    inject(
        namespace,
        15,
        new Scene() {
          @Override
          public BackendRequest begin(TunLab lab) {
            lab.ip("tuntap", "add", "name", "tun3", "mode", "tun");
            return request(lab, HostBacking.create().withMode(Mode.ATTACH).withPersistent(false));
          }

          @Override
          public void end(TunLab lab, String fault, Life life) {
            if (!life.opened()) {
              assertThat(lab.tun("tun3").persistent()).as(fault).isTrue();
              lab.ip("link", "delete", "dev", "tun3");
            }
            assertThat(lab.links()).as(fault).isEmpty();
          }
        });
  }

  @Test
  void an_adopted_descriptor_is_the_givers_still_if_not_all_went_well(NetworkNamespace namespace) {
    List<String> refused = new ArrayList<>();
    Scene scene =
        new Scene() {
          private int given;

          @Override
          public BackendRequest begin(TunLab lab) {
            given =
                lab.given(
                    "tun3",
                    LinuxConstants.IFF_TUN
                        | LinuxConstants.IFF_NO_PI
                        | LinuxConstants.IFF_VNET_HDR);
            new TunDescriptor(NativeLibc.load(), given, "tun3").headerBytes(12);
            return request(
                lab,
                HostBacking.adopt(given)
                    .withOwner(65534)
                    .withPersistent(true)
                    .withAddresses(IpPrefix.parse("10.9.0.1/24")));
          }

          @Override
          public void end(TunLab lab, String fault, Life life) {
            life.failures().forEach(_ -> refused.add(fault));
            if (life.opened()) {
              assertThat(lab.tun("tun3").persistent()).as(fault).isTrue();
              lab.ip("link", "delete", "dev", "tun3");
            } else {
              Libc plain = NativeLibc.load();
              assertThat(lab.libc.open()).as(fault).containsExactly(Map.entry(given, "given"));
              assertThat(plain.fcntl(given, LinuxConstants.F_GETFL, 0) & LinuxConstants.O_NONBLOCK)
                  .as(fault)
                  .isZero();
              assertThat(plain.fcntl(given, LinuxConstants.F_GETFD, 0)).as(fault).isZero();
              assertThat(new TunDescriptor(plain, given, "tun3").headerBytes())
                  .as(fault)
                  .isEqualTo(12);
              assertThat(lab.link("tun3")).as(fault).contains("mtu 1500").matches(NOT_UP);
              assertThat(lab.tun("tun3").persistent()).as(fault).isFalse();
              lab.libc.close(given);
            }
            assertThat(lab.links()).as(fault).isEmpty();
          }
        };
    inject(namespace, 20, scene);
    for (String call :
        List.of(
            "fcntl " + LinuxConstants.F_GETFL,
            "fcntl " + LinuxConstants.F_SETFL,
            "fcntl " + LinuxConstants.F_GETFD,
            "fcntl " + LinuxConstants.F_SETFD,
            "ioctl TUNGETIFF",
            "ioctl TUNGETVNETHDRSZ",
            "ioctl TUNSETVNETHDRSZ",
            "ioctl TUNSETOWNER",
            "ioctl TUNSETPERSIST",
            "ioctl TUNSETCARRIER")) {
      assertThat(refused).contains("EIO at " + call + " number 0");
    }
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
    Libc plain = NativeLibc.load();
    int fd = lab.given("tun3", LinuxConstants.IFF_TUN | LinuxConstants.IFF_NO_PI);
    TunDescriptor tun = new TunDescriptor(plain, fd, "tun3");
    tun.owner(1);
    tun.group(2);
    assertThat(lab.libc.close(fd)).isZero();
  }
}
