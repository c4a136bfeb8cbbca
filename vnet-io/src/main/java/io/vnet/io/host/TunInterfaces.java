package io.vnet.io.host;

import io.vnet.api.backend.HostInterface;
import io.vnet.api.device.DriverKind;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * The tun and tap interfaces of the calling thread's network namespace, asked for over rtnetlink:
 * {@code /sys/class/net} shows the namespace of whoever mounted it, which under nsenter(1) is
 * another.
 *
 * <p>Source: netlink(7), rtnetlink(7); {@code tun_fill_info} since Linux 4.17.
 */
final class TunInterfaces {
  /** The kernel makes no dump message longer than this for a reader with room for it. */
  private static final int BUFFER_BYTES = 64 * 1024;

  /** A dump during which interfaces came or went is asked for again. */
  private static final int ATTEMPTS = 16;

  private static final String KIND = "tun";

  private final Libc libc;
  private final List<HostInterface> found = new ArrayList<>();
  private boolean interrupted;

  private TunInterfaces(Libc libc) {
    this.libc = libc;
  }

  /**
   * Lists them in the kernel's order.
   *
   * @throws VnetException what the kernel answered instead
   */
  static List<HostInterface> list(Libc libc) {
    return new TunInterfaces(libc).list();
  }

  private List<HostInterface> list() {
    long socket =
        libc.socket(
            LinuxConstants.AF_NETLINK,
            LinuxConstants.SOCK_RAW | LinuxConstants.SOCK_CLOEXEC,
            NetlinkConstants.NETLINK_ROUTE);
    if (socket < 0) {
      throw failure("socket", (int) -socket);
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BUFFER_BYTES, 8);
      for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        found.clear();
        interrupted = false;
        ask((int) socket, buffer);
        readAnswer((int) socket, buffer);
        if (!interrupted) {
          return found;
        }
      }
      throw new VnetException(
          "list", "interfaces", Errno.EAGAIN, "they kept changing meanwhile", "try again");
    } finally {
      libc.close((int) socket);
    }
  }

  private void ask(int socket, MemorySegment buffer) {
    int bytes = NetlinkConstants.NLMSGHDR_BYTES + NetlinkConstants.IFINFOMSG_BYTES;
    buffer.asSlice(0, bytes).fill((byte) 0);
    buffer.set(ValueLayout.JAVA_INT, 0, bytes);
    buffer.set(ValueLayout.JAVA_SHORT, 4, (short) NetlinkConstants.RTM_GETLINK);
    buffer.set(
        ValueLayout.JAVA_SHORT,
        6,
        (short) (NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_DUMP));
    long written = libc.write(socket, buffer.address(), bytes);
    if (written < 0) {
      throw failure("RTM_GETLINK", (int) -written);
    }
  }

  private void readAnswer(int socket, MemorySegment buffer) {
    boolean more = true;
    while (more) {
      long read = libc.read(socket, buffer.address(), BUFFER_BYTES);
      if (read >= 0) {
        more = readMessages(buffer.asSlice(0, read));
      } else if (Errno.ofNumber((int) -read) != Errno.EINTR) {
        throw failure("RTM_GETLINK", (int) -read);
      }
    }
  }

  /** False after the last one of the answer. */
  private boolean readMessages(MemorySegment messages) {
    for (long at = 0; at + NetlinkConstants.NLMSGHDR_BYTES <= messages.byteSize(); ) {
      long bytes = Integer.toUnsignedLong(messages.get(ValueLayout.JAVA_INT, at));
      if (bytes < NetlinkConstants.NLMSGHDR_BYTES || at + bytes > messages.byteSize()) {
        throw new VnetException(
            "RTM_GETLINK", "interfaces", Errno.EIO, "the kernel's answer was cut", "");
      }
      int type = messages.get(ValueLayout.JAVA_SHORT, at + 4) & 0xFFFF;
      int flags = messages.get(ValueLayout.JAVA_SHORT, at + 6);
      interrupted |= (flags & NetlinkConstants.NLM_F_DUMP_INTR) != 0;
      if (type == NetlinkConstants.NLMSG_DONE) {
        return false;
      }
      if (type == NetlinkConstants.NLMSG_ERROR) {
        throw failure(
            "RTM_GETLINK",
            -messages.get(ValueLayout.JAVA_INT, at + NetlinkConstants.NLMSGHDR_BYTES));
      }
      if (type == NetlinkConstants.RTM_NEWLINK) {
        MemorySegment link = messages.asSlice(at, bytes);
        read(link.asSlice(NetlinkConstants.NLMSGHDR_BYTES)).ifPresent(found::add);
      }
      at += align(bytes);
    }
    return true;
  }

  /** Empty if it is no tun or tap interface. */
  private static Optional<HostInterface> read(MemorySegment link) {
    Map<Integer, MemorySegment> attributes =
        attributes(link.asSlice(NetlinkConstants.IFINFOMSG_BYTES));
    MemorySegment info = attributes.get(NetlinkConstants.IFLA_LINKINFO);
    MemorySegment name = attributes.get(NetlinkConstants.IFLA_IFNAME);
    MemorySegment mtu = attributes.get(NetlinkConstants.IFLA_MTU);
    if (info == null || name == null || mtu == null) {
      return Optional.empty();
    }
    Map<Integer, MemorySegment> kinds = attributes(info);
    MemorySegment kind = kinds.get(NetlinkConstants.IFLA_INFO_KIND);
    MemorySegment data = kinds.get(NetlinkConstants.IFLA_INFO_DATA);
    if (kind == null || !kind.getString(0).equals(KIND) || data == null) {
      return Optional.empty();
    }
    Map<Integer, MemorySegment> tun = attributes(data);
    boolean up = (link.get(ValueLayout.JAVA_INT, 8) & LinuxConstants.IFF_UP) != 0;
    return Optional.of(
        new HostInterface(
            name.getString(0),
            octet(tun, NetlinkConstants.IFLA_TUN_TYPE) == LinuxConstants.IFF_TAP
                ? DriverKind.TAP
                : DriverKind.TUN,
            up,
            up && octet(attributes, NetlinkConstants.IFLA_CARRIER) == 1,
            mtu.get(ValueLayout.JAVA_INT_UNALIGNED, 0),
            id(tun, NetlinkConstants.IFLA_TUN_OWNER),
            id(tun, NetlinkConstants.IFLA_TUN_GROUP),
            octet(tun, NetlinkConstants.IFLA_TUN_PERSIST) == 1));
  }

  /** The values by their types. */
  private static Map<Integer, MemorySegment> attributes(MemorySegment list) {
    Map<Integer, MemorySegment> values = new HashMap<>();
    for (long at = 0; at + NetlinkConstants.NLATTR_BYTES <= list.byteSize(); ) {
      int bytes = list.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) & 0xFFFF;
      if (bytes < NetlinkConstants.NLATTR_BYTES || at + bytes > list.byteSize()) {
        break;
      }
      int type = list.get(ValueLayout.JAVA_SHORT_UNALIGNED, at + 2);
      values.put(
          type & NetlinkConstants.NLA_TYPE_MASK,
          list.asSlice(at + NetlinkConstants.NLATTR_BYTES, bytes - NetlinkConstants.NLATTR_BYTES));
      at += align(bytes);
    }
    return values;
  }

  private static int octet(Map<Integer, MemorySegment> attributes, int type) {
    MemorySegment value = attributes.get(type);
    return value == null ? 0 : value.get(ValueLayout.JAVA_BYTE, 0);
  }

  private static OptionalLong id(Map<Integer, MemorySegment> attributes, int type) {
    MemorySegment value = attributes.get(type);
    return value == null
        ? OptionalLong.empty()
        : OptionalLong.of(Integer.toUnsignedLong(value.get(ValueLayout.JAVA_INT_UNALIGNED, 0)));
  }

  private static long align(long bytes) {
    return (bytes + 3) & ~3L;
  }

  private static VnetException failure(String operation, int number) {
    Errno errno = Errno.ofNumber(number);
    return new VnetException(operation, "interfaces", errno, errno.meaning(), "");
  }
}
