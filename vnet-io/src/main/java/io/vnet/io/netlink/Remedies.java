package io.vnet.io.netlink;

import io.vnet.api.error.Errno;

/** What a caller can do about the kernel's no. One clause each, or empty. */
final class Remedies {
  private static final String CAPABILITY = "run with CAP_NET_ADMIN (root)";

  private Remedies() {}

  static String general(Errno errno) {
    return switch (errno) {
      case EPERM, EACCES -> CAPABILITY;
      case ENOBUFS, ENOMEM, EAGAIN -> "try again";
      default -> "";
    };
  }

  static String create(Errno errno, String kind) {
    return switch (errno) {
      case EEXIST -> "use another name, or delete that interface first";
      case EOPNOTSUPP -> "this kernel has no " + kind + " driver: modprobe " + kind;
      default -> general(errno);
    };
  }

  static String change(Errno errno, LinkChange change) {
    return switch (errno) {
      case ENODEV -> "look at the links: it has been removed or moved";
      case EEXIST -> "use another name";
      case EBUSY ->
          switch (change) {
            case LinkChange.Name _ -> "bring the interface down first";
            case LinkChange.Mac _ -> "bring the interface down first";
            default -> "";
          };
      case EINVAL ->
          switch (change) {
            case LinkChange.Mtu _ -> "use an MTU that this kind of interface takes";
            case LinkChange.Mac _ -> "use a unicast address";
            default -> "";
          };
      case EADDRNOTAVAIL -> "use a unicast address that is not zero";
      case EOPNOTSUPP -> "this kind of interface cannot do that";
      default -> general(errno);
    };
  }

  static String deleteLink(Errno errno) {
    return errno == Errno.EOPNOTSUPP
        ? "only interfaces that software made can be deleted"
        : general(errno);
  }

  static String addAddress(Errno errno, String device) {
    return switch (errno) {
      case EEXIST -> "replace it, or delete it first";
      case ENODEV -> "look at the links: there is no " + device;
      case EACCES, EOPNOTSUPP -> "enable IPv6 on " + device + ", or use IPv4";
      default -> general(errno);
    };
  }

  static String deleteAddress(Errno errno, String device) {
    return switch (errno) {
      case EADDRNOTAVAIL -> "list the addresses: " + device + " has no such one";
      default -> general(errno);
    };
  }

  static String addRoute(Errno errno, Route route, String device) {
    String there = device.isEmpty() ? "the interface" : device;
    return switch (errno) {
      case EEXIST -> "replace it, or use another metric or table";
      case ENETUNREACH, EHOSTUNREACH, EINVAL ->
          route.gateway().isPresent()
              ? "bring "
                  + there
                  + " up and give it an address in the network of "
                  + route.gateway().get()
                  + " first"
              : route
                  .preferredSource()
                  .map(source -> "give this host the address " + source + " first")
                  .orElse("");
      case ENETDOWN -> "bring " + there + " up first";
      case ENODEV -> "look at the links: there is no " + there;
      default -> general(errno);
    };
  }

  static String deleteRoute(Errno errno) {
    return errno == Errno.ESRCH
        ? "list the routes: destination, gateway, metric, table and scope have to match"
        : general(errno);
  }

  static String addRule(Errno errno) {
    return errno == Errno.EEXIST ? "it is there already" : general(errno);
  }

  static String deleteRule(Errno errno) {
    return errno == Errno.ENOENT ? "list the rules: all that is said has to match" : general(errno);
  }

  static String neighbour(Errno errno, String device) {
    return switch (errno) {
      case EEXIST -> "replace it, or delete it first";
      case ENOENT -> "list the neighbours: there is no such one on " + device;
      case ENODEV -> "look at the links: there is no " + device;
      case EINVAL -> "use an interface that has neighbours (ARP)";
      case ENETDOWN -> "bring " + device + " up first";
      default -> general(errno);
    };
  }
}
