package io.vnet.tunnel.quick;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.NetworkMonitor;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** Specification, section 10.5: what an administrator does to the interface is heard. */
@ExtendWith(NetworkNamespaces.class)
class InterfaceWatchIT {
  private static final class Heard implements InterfaceWatch.Listener {
    private final List<String> events = new CopyOnWriteArrayList<>();

    @Override
    public void changed(boolean up, int mtu) {
      events.add((up ? "up " : "down ") + mtu);
    }

    @Override
    public void gone() {
      events.add("gone");
    }

    void await(String... wanted) {
      org.awaitility.Awaitility.await()
          .untilAsserted(() -> assertThat(events).containsExactly(wanted));
    }
  }

  @Test
  void state_and_mtu_are_told_until_the_interface_is_deleted(NetworkNamespace namespace) {
    try (QuickLab lab = new QuickLab(namespace);
        NetworkMonitor monitor =
            NetworkMonitor.open(namespace, NetworkMonitor.DEFAULT_BUFFER_EVENTS)) {
      Heard heard = new Heard();
      int index = lab.netlink.link("wg0").map(Link::index).orElseThrow();
      try (InterfaceWatch watch = InterfaceWatch.start(monitor, index, heard)) {
        assertThat(watch).isNotNull();
        heard.await("down 1500");
        lab.ip("link set wg0 up");
        heard.await("down 1500", "up 1500");
        lab.ip("link set out0 mtu 1400");
        lab.ip("link set wg0 mtu 1300");
        heard.await("down 1500", "up 1500", "up 1300");
        lab.ip("link set wg0 name other");
        lab.ip("link set other down");
        heard.await("down 1500", "up 1500", "up 1300", "down 1300");
        lab.ip("link delete other");
        heard.await("down 1500", "up 1500", "up 1300", "down 1300", "gone");
      }
    }
  }

  @Test
  void one_that_is_not_there_any_more_is_gone_at_once(NetworkNamespace namespace) {
    try (QuickLab lab = new QuickLab(namespace);
        NetworkMonitor monitor = NetworkMonitor.open(namespace, 16)) {
      int index = lab.netlink.link("wg0").map(Link::index).orElseThrow();
      lab.ip("link delete wg0");
      Heard heard = new Heard();
      try (InterfaceWatch watch = InterfaceWatch.start(monitor, index, heard)) {
        assertThat(watch).isNotNull();
        heard.await("gone");
      }
    }
  }

  @Test
  void one_that_moves_to_another_namespace_is_gone(NetworkNamespace here, NetworkNamespace there) {
    try (QuickLab lab = new QuickLab(here);
        NetworkMonitor monitor = NetworkMonitor.open(here, 16)) {
      Heard heard = new Heard();
      int index = lab.netlink.link("wg0").map(Link::index).orElseThrow();
      try (InterfaceWatch watch = InterfaceWatch.start(monitor, index, heard)) {
        assertThat(watch).isNotNull();
        heard.await("down 1500");
        lab.ip("link set wg0 netns " + there.path());
        heard.await("down 1500", "gone");
      }
    }
  }

  @Test
  void a_closed_watch_tells_nothing_more(NetworkNamespace namespace) {
    try (QuickLab lab = new QuickLab(namespace);
        NetworkMonitor monitor = NetworkMonitor.open(namespace, 16)) {
      int index = lab.netlink.link("wg0").map(Link::index).orElseThrow();
      Heard closed = new Heard();
      Heard open = new Heard();
      InterfaceWatch watch = InterfaceWatch.start(monitor, index, closed);
      closed.await("down 1500");
      watch.close();
      try (InterfaceWatch other = InterfaceWatch.start(monitor, index, open)) {
        assertThat(other).isNotNull();
        lab.ip("link set wg0 up");
        await().untilAsserted(() -> assertThat(open.events).contains("up 1500"));
      }
      assertThat(closed.events).containsExactly("down 1500");
    }
  }
}
