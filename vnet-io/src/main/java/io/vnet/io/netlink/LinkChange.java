package io.vnet.io.netlink;

import io.vnet.api.address.MacAddress;
import io.vnet.io.netns.NetworkNamespace;
import java.util.Objects;

/** One thing that can be changed about an interface. Each is one request: all of it or nothing. */
public sealed interface LinkChange {
  /** Up or down. Going down takes the interface's routes and IPv6 addresses with it. */
  record Up(boolean up) implements LinkChange {
    @Override
    public String toString() {
      return up ? "up" : "down";
    }
  }

  /** The MTU in bytes. Below 1280 the kernel takes IPv6 off the interface. */
  record Mtu(int bytes) implements LinkChange {
    @Override
    public String toString() {
      return "mtu " + bytes;
    }
  }

  /** The hardware address. */
  record Mac(MacAddress address) implements LinkChange {
    /** Refuses null. */
    public Mac {
      Objects.requireNonNull(address, "address");
    }

    @Override
    public String toString() {
      return "address " + address;
    }
  }

  /** The name, of 1 to 15 bytes. Before Linux 6.2 only of an interface that is down. */
  record Name(String name) implements LinkChange {
    /** Refuses null. */
    public Name {
      Objects.requireNonNull(name, "name");
    }

    @Override
    public String toString() {
      return "name " + name;
    }
  }

  /** The text for people, at most 255 bytes; empty: none. */
  record Alias(String text) implements LinkChange {
    /** Refuses null. */
    public Alias {
      Objects.requireNonNull(text, "text");
    }

    @Override
    public String toString() {
      return "alias '" + text + "'";
    }
  }

  /**
   * Makes it a port of the bridge of this index; 0: of none. A bridge whose hardware address nobody
   * has set takes one of its ports'.
   */
  record Master(int index) implements LinkChange {
    @Override
    public String toString() {
      return index == 0 ? "nomaster" : "master " + index;
    }
  }

  /** Moves it to another namespace, where it is down and without addresses. */
  record Namespace(NetworkNamespace target) implements LinkChange {
    /** Refuses null. */
    public Namespace {
      Objects.requireNonNull(target, "target");
    }

    @Override
    public String toString() {
      return "netns " + target.path();
    }
  }

  /** Moves it to the namespace of a process, as {@link Namespace} does. */
  record NamespaceOfProcess(long pid) implements LinkChange {
    @Override
    public String toString() {
      return "netns " + pid;
    }
  }
}
