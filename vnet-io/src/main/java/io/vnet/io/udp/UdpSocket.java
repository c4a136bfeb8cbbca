package io.vnet.io.udp;

import static io.vnet.io.libc.SocketConstants.*;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One UDP socket of one address family: opened, with all its options, bound and non-blocking.
 *
 * <p><b>Owner of the descriptor:</b> whoever opened it, until {@link #close}.
 */
final class UdpSocket {
  private static final Logger LOG = LoggerFactory.getLogger(UdpSocket.class);

  /** How often two sockets are tried on a port of the kernel's choice. */
  private static final int PORT_TRIES = 100;

  private static final IpAddress ANY_V4 = IpAddress.v4(0);
  private static final IpAddress ANY_V6 = IpAddress.v6(0, 0);

  private final Libc libc;
  private final int fd;
  private final Endpoint local;
  private final boolean coalescing;
  private volatile boolean segmentation;

  private UdpSocket(Libc libc, int fd, Endpoint local, boolean segmentation, boolean coalescing) {
    this.libc = libc;
    this.fd = fd;
    this.local = local;
    this.segmentation = segmentation;
    this.coalescing = coalescing;
  }

  /**
   * One or two sockets on one port, in the calling thread's network namespace. If a step fails, all
   * that were opened are closed.
   *
   * @throws VnetException naming the call, its errno and the remedy
   */
  static List<UdpSocket> openAll(Libc libc, UdpSettings settings) {
    List<IpAddress> addresses = addresses(settings);
    for (int i = 1; ; i++) {
      List<UdpSocket> open = new ArrayList<>();
      try {
        openAt(libc, settings, addresses, open);
        return List.copyOf(open);
      } catch (VnetException e) {
        open.forEach(UdpSocket::closeQuietly);
        boolean unlucky = settings.port() == 0 && !open.isEmpty() && e.errno() == Errno.EADDRINUSE;
        if (!unlucky || i == PORT_TRIES) {
          throw e;
        }
      }
    }
  }

  private static List<IpAddress> addresses(UdpSettings settings) {
    if (settings.address().isPresent()) {
      return List.of(settings.address().get());
    }
    return switch (settings.families()) {
      case BOTH -> List.of(ANY_V4, ANY_V6);
      case IPV4 -> List.of(ANY_V4);
      case IPV6 -> List.of(ANY_V6);
    };
  }

  private static void openAt(
      Libc libc, UdpSettings settings, List<IpAddress> addresses, List<UdpSocket> open) {
    int port = settings.port();
    Optional<VnetException> missing = Optional.empty();
    for (IpAddress address : addresses) {
      try {
        UdpSocket socket = open(libc, settings, address, port);
        open.add(socket);
        port = socket.local.port();
      } catch (VnetException e) {
        // A kernel without one of the families has the other.
        if (e.errno() != Errno.EAFNOSUPPORT || addresses.size() == 1) {
          throw e;
        }
        missing = Optional.of(e);
      }
    }
    if (open.isEmpty() && missing.isPresent()) {
      throw missing.get();
    }
  }

  private static UdpSocket open(Libc libc, UdpSettings settings, IpAddress address, int port) {
    boolean v6 = address.v6();
    String name = Endpoint.of(address, port).toString();
    long made =
        libc.socket(
            v6 ? LinuxConstants.AF_INET6 : LinuxConstants.AF_INET,
            LinuxConstants.SOCK_DGRAM | LinuxConstants.SOCK_CLOEXEC | SOCK_NONBLOCK,
            0);
    if (made < 0) {
      throw failure("socket", name, made);
    }
    int fd = (int) made;
    try {
      Options options = new Options(libc, fd, name);
      options.common(settings);
      if (v6) {
        options.require("IPV6_V6ONLY", SOL_IPV6, IPV6_V6ONLY, 1);
      }
      if (settings.sticky()) {
        options.require(
            v6 ? "IPV6_RECVPKTINFO" : "IP_PKTINFO",
            v6 ? SOL_IPV6 : SOL_IP,
            v6 ? IPV6_RECVPKTINFO : IP_PKTINFO,
            1);
      }
      if (settings.ecn()) {
        options.require(
            v6 ? "IPV6_RECVTCLASS" : "IP_RECVTOS",
            v6 ? SOL_IPV6 : SOL_IP,
            v6 ? IPV6_RECVTCLASS : IP_RECVTOS,
            1);
      }
      // Setting it to 0 changes nothing and says whether the kernel has it.
      boolean segmentation =
          settings.segmentation() && options.isTaken("UDP_SEGMENT", SOL_UDP, UDP_SEGMENT, 0);
      boolean coalescing =
          settings.coalescing()
              && Kernel.coalescesWell(String.valueOf(System.getProperty("os.version")))
              && options.isTaken("UDP_GRO", SOL_UDP, UDP_GRO, 1);
      int bound = bind(libc, fd, address, port, name);
      return new UdpSocket(libc, fd, Endpoint.of(address, bound), segmentation, coalescing);
    } catch (RuntimeException e) {
      libc.close(fd);
      throw e;
    }
  }

  /** Binds and returns the port. */
  private static int bind(Libc libc, int fd, IpAddress address, int port, String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment at = arena.allocate(SocketAddresses.BYTES, 8);
      int bytes = SocketAddresses.write(at, 0, address, port, 0);
      long bound = libc.bind(fd, at.address(), bytes);
      if (bound < 0) {
        throw failure("bind", name, bound);
      }
      MemorySegment length = arena.allocateFrom(ValueLayout.JAVA_INT, SocketAddresses.BYTES);
      long named = libc.getsockname(fd, at.address(), length.address());
      if (named < 0) {
        throw failure("getsockname", name, named);
      }
      SocketAddresses own = new SocketAddresses();
      own.readName(at, 0);
      return own.port;
    }
  }

  private record Options(Libc libc, int fd, String name) {
    void common(UdpSettings settings) {
      if (settings.mark() != 0) {
        require("SO_MARK", LinuxConstants.SOL_SOCKET, SO_MARK, settings.mark());
      }
      buffer("SO_RCVBUF", SO_RCVBUFFORCE, LinuxConstants.SO_RCVBUF, settings.receiveBufferBytes());
      buffer("SO_SNDBUF", SO_SNDBUFFORCE, SO_SNDBUF, settings.sendBufferBytes());
      require("SO_RXQ_OVFL", LinuxConstants.SOL_SOCKET, SO_RXQ_OVFL, 1);
    }

    /** Beyond the system's limit if the process may, else up to it. */
    private void buffer(String option, int forced, int plain, int bytes) {
      if (libc.setsockopt(fd, LinuxConstants.SOL_SOCKET, forced, bytes) < 0) {
        require(option, LinuxConstants.SOL_SOCKET, plain, bytes);
      }
    }

    void require(String option, int level, int number, int value) {
      long set = libc.setsockopt(fd, level, number, value);
      if (set < 0) {
        throw failure(option, name, set);
      }
    }

    boolean isTaken(String option, int level, int number, int value) {
      long set = libc.setsockopt(fd, level, number, value);
      if (set < 0) {
        LOG.info("{}: {} is not to be had: {}", name, option, Libc.meaning(set));
      }
      return set >= 0;
    }
  }

  private static VnetException failure(String call, String name, long result) {
    Errno errno = Errno.ofNumber((int) -result);
    String port = name.substring(name.lastIndexOf(':') + 1);
    return new VnetException(
        call,
        name,
        errno,
        switch (errno) {
          case EADDRINUSE -> "another socket has UDP port " + port;
          case EADDRNOTAVAIL -> "no interface here has this address";
          case EACCES -> "this user may not bind to port " + port;
          case EPERM -> "this user may not set it";
          case EAFNOSUPPORT -> "the kernel has no such address family";
          default -> Libc.meaning(result);
        },
        switch (errno) {
          case EADDRINUSE ->
              "stop whoever has it (ss -lunp shows), use another port, or 0 for a free one";
          case EADDRNOTAVAIL -> "give it to an interface first, or receive at all addresses";
          case EACCES -> "run with CAP_NET_BIND_SERVICE (root), or use a port from 1024 on";
          case EPERM -> "run with CAP_NET_ADMIN (root)";
          case EAFNOSUPPORT -> "use the other address family";
          case EMFILE -> "close descriptors or raise the limit: ulimit -n";
          default -> "";
        });
  }

  int fd() {
    return fd;
  }

  boolean v6() {
    return local.address().v6();
  }

  /** Where it receives. */
  Endpoint local() {
    return local;
  }

  /** Whether trains are tried; the sender may switch it off. */
  boolean segmentation() {
    return segmentation;
  }

  void endSegmentation() {
    segmentation = false;
  }

  /** Whether trains are received. */
  boolean coalescing() {
    return coalescing;
  }

  /**
   * Sets SO_MARK.
   *
   * @throws VnetException EPERM
   */
  void mark(int mark) {
    new Options(libc, fd, local.toString())
        .require("SO_MARK", LinuxConstants.SOL_SOCKET, SO_MARK, mark);
  }

  /**
   * Closes the descriptor: it is gone, whatever is thrown.
   *
   * @throws VnetException close(2)'s
   */
  void close() {
    long closed = libc.close(fd);
    if (closed < 0) {
      throw failure("close", local.toString(), closed);
    }
  }

  private void closeQuietly() {
    libc.close(fd);
  }
}
