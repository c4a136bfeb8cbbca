package io.vnet.io.tun;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.Offload;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Set;

/**
 * What can be asked of a descriptor of {@code /dev/net/tun}, a method a request. Its number belongs
 * to whoever made this object. Each method may block.
 *
 * <p>Source: linux/if_tun.h; what the requests mean is in drivers/net/tun.c.
 */
final class TunDescriptor {
  private final Libc libc;
  private final int number;
  private final String object;

  /**
   * What a descriptor is attached to.
   *
   * @param flags {@code IFF_TUN}, {@code IFF_NO_PI} and so on
   */
  record Attachment(String interfaceName, int flags) {
    boolean has(int flag) {
      return (flags & flag) == flag;
    }
  }

  /**
   * @param object for messages: the interface, or the descriptor as long as that is not known
   */
  TunDescriptor(Libc libc, int number, String object) {
    this.libc = libc;
    this.number = number;
    this.object = object;
  }

  int number() {
    return number;
  }

  /** The result of TUNSETIFF, which the caller explains. */
  long attach(String interfaceName, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      // struct ifreq: a name and a union, here of flags.
      MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
      request.setString(0, interfaceName, StandardCharsets.UTF_8);
      request.set(ValueLayout.JAVA_SHORT, LinuxConstants.IFNAMSIZ, (short) flags);
      return libc.ioctl(number, LinuxConstants.TUNSETIFF, request.address());
    }
  }

  /** What it is attached to; throws EBADFD if to nothing, ENOTTY if it is of another kind. */
  Attachment attachment() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
      check("TUNGETIFF", libc.ioctl(number, LinuxConstants.TUNGETIFF, request.address()));
      return new Attachment(
          request.getString(0, StandardCharsets.UTF_8),
          request.get(ValueLayout.JAVA_SHORT, LinuxConstants.IFNAMSIZ) & 0xFFFF);
    }
  }

  /**
   * Takes all offloads that the kernel knows, or none. What a process before left on a persistent
   * device holds for the device, not for the descriptor, so both are set.
   *
   * @param wanted whether packets have a virtio-net header
   */
  Set<OffloadFeature> takeOffloads(boolean wanted) {
    if (!wanted) {
      takeNoOffloads();
      return Set.of();
    }
    headerBytes(Offload.HEADER_BYTES);
    int segmentation =
        LinuxConstants.TUN_F_CSUM | LinuxConstants.TUN_F_TSO4 | LinuxConstants.TUN_F_TSO6;
    int datagrams = LinuxConstants.TUN_F_USO4 | LinuxConstants.TUN_F_USO6;
    if (libc.ioctl(number, LinuxConstants.TUNSETOFFLOAD, segmentation | datagrams) >= 0) {
      return EnumSet.allOf(OffloadFeature.class);
    }
    // USO: since Linux 6.2.
    check("TUNSETOFFLOAD", libc.ioctl(number, LinuxConstants.TUNSETOFFLOAD, segmentation));
    return EnumSet.of(OffloadFeature.CHECKSUM, OffloadFeature.TSO4, OffloadFeature.TSO6);
  }

  void takeNoOffloads() {
    check("TUNSETOFFLOAD", libc.ioctl(number, LinuxConstants.TUNSETOFFLOAD, 0));
  }

  /** The length of the virtio-net header. */
  int headerBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
      check("TUNGETVNETHDRSZ", libc.ioctl(number, LinuxConstants.TUNGETVNETHDRSZ, value.address()));
      return value.get(ValueLayout.JAVA_INT, 0);
    }
  }

  void headerBytes(int bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocateFrom(ValueLayout.JAVA_INT, bytes);
      check("TUNSETVNETHDRSZ", libc.ioctl(number, LinuxConstants.TUNSETVNETHDRSZ, value.address()));
    }
  }

  void persistent(boolean on) {
    check("TUNSETPERSIST", libc.ioctl(number, LinuxConstants.TUNSETPERSIST, on ? 1 : 0));
  }

  void owner(long uid) {
    check("TUNSETOWNER", libc.ioctl(number, LinuxConstants.TUNSETOWNER, uid));
  }

  void group(long gid) {
    check("TUNSETGROUP", libc.ioctl(number, LinuxConstants.TUNSETGROUP, gid));
  }

  /** The file's status flags: access mode, {@code O_NONBLOCK}. Throws EBADF if it is not open. */
  int statusFlags() {
    return (int) check("fcntl", libc.fcntl(number, LinuxConstants.F_GETFL, 0));
  }

  /** Non-blocking and closed by exec(2); undone to what both were. */
  void makeNonBlocking(Undo undo) {
    int status = statusFlags();
    if ((status & LinuxConstants.O_NONBLOCK) == 0) {
      setFlags(LinuxConstants.F_SETFL, status | LinuxConstants.O_NONBLOCK);
      undo.add(() -> setFlags(LinuxConstants.F_SETFL, status));
    }
    int descriptor = (int) check("fcntl", libc.fcntl(number, LinuxConstants.F_GETFD, 0));
    if ((descriptor & LinuxConstants.FD_CLOEXEC) == 0) {
      setFlags(LinuxConstants.F_SETFD, descriptor | LinuxConstants.FD_CLOEXEC);
      undo.add(() -> setFlags(LinuxConstants.F_SETFD, descriptor));
    }
  }

  private void setFlags(int command, int flags) {
    check("fcntl", libc.fcntl(number, command, flags));
  }

  private long check(String call, long result) {
    if (result >= 0) {
      return result;
    }
    Errno errno = Errno.ofNumber((int) -result);
    throw new VnetException(call, object, errno, reason(call, errno, result), remedy(call, errno));
  }

  private static String reason(String call, Errno errno, long result) {
    return switch (errno) {
      case EBADF -> "no such descriptor is open";
      case EBADFD -> "it is attached to no interface";
      case ENOTTY -> "it is no descriptor of /dev/net/tun";
      case EINVAL ->
          switch (call) {
            case "TUNSETOWNER" -> "no such user id in this user namespace";
            case "TUNSETGROUP" -> "no such group id in this user namespace";
            default -> Libc.meaning(result);
          };
      default -> Libc.meaning(result);
    };
  }

  private static String remedy(String call, Errno errno) {
    return switch (errno) {
      case EBADF, ENOTTY -> "pass one of /dev/net/tun that TUNSETIFF was called on";
      case EBADFD -> "call TUNSETIFF on it before; or its interface was removed";
      case EINVAL ->
          switch (call) {
            case "TUNSETOWNER", "TUNSETGROUP" -> "use an id of 0 to 4294967294 that is mapped";
            default -> "";
          };
      default -> "";
    };
  }
}
