package io.vnet.io.tun;

import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * A {@code struct ifreq} for one interface and the requests that are made with it. Results are what
 * ioctl(2) returns, or {@code -errno}. One thread; ends with its arena.
 *
 * <p>Source: netdevice(7), linux/if.h.
 */
final class InterfaceRequest {
  private static final int UNION = LinuxConstants.IFNAMSIZ;

  private final Libc libc;
  private final MemorySegment request;
  private final String name;

  InterfaceRequest(Libc libc, Arena arena, String name) {
    this.libc = libc;
    this.request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
    this.name = name;
  }

  private void reset() {
    request.fill((byte) 0);
    request.setString(0, name, StandardCharsets.UTF_8);
  }

  private long call(int fd, long number) {
    return libc.ioctl(fd, number, request.address());
  }

  /** TUNSETIFF with these flags. */
  long setTun(int tun, int flags) {
    reset();
    request.set(ValueLayout.JAVA_SHORT, UNION, (short) flags);
    return call(tun, LinuxConstants.TUNSETIFF);
  }

  /** The name in the request: the kernel's, after {@link #setTun}. */
  String name() {
    return request.getString(0, StandardCharsets.UTF_8);
  }

  /** The interface's flags (at least 0). */
  long flags(int socket) {
    reset();
    long result = call(socket, LinuxConstants.SIOCGIFFLAGS);
    return result < 0 ? result : request.get(ValueLayout.JAVA_SHORT, UNION) & 0xFFFF;
  }

  long setFlags(int socket, int flags) {
    reset();
    request.set(ValueLayout.JAVA_SHORT, UNION, (short) flags);
    return call(socket, LinuxConstants.SIOCSIFFLAGS);
  }

  /** The MTU in bytes. */
  long mtu(int socket) {
    reset();
    long result = call(socket, LinuxConstants.SIOCGIFMTU);
    return result < 0 ? result : request.get(ValueLayout.JAVA_INT, UNION);
  }

  long setMtu(int socket, int mtu) {
    reset();
    request.set(ValueLayout.JAVA_INT, UNION, mtu);
    return call(socket, LinuxConstants.SIOCSIFMTU);
  }

  long index(int socket) {
    reset();
    long result = call(socket, LinuxConstants.SIOCGIFINDEX);
    return result < 0 ? result : request.get(ValueLayout.JAVA_INT, UNION);
  }
}
