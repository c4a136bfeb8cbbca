package io.vnet.io.tun;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostIo;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PortLedger;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.FaultyLibc;
import io.vnet.io.testkit.Program;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A namespace with an opener, an island and batches. Closing it asserts that every descriptor was
 * closed, and none used after.
 */
final class TunLab implements AutoCloseable {
  static final int GUARD_SECONDS = 60;
  static final Duration GUARD = Duration.ofSeconds(GUARD_SECONDS);
  static final int MTU = 1400;
  private static final long SIOCETHTOOL = 0x8946;
  private static final int ETHTOOL_GTSO = 0x1e;

  final NetworkNamespace namespace;
  final boolean offload;
  final FaultyLibc libc;
  final TunOpener opener;
  final IslandLoop island;
  final SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 8);
  final BatchPool batches = new BatchPool(slabs);

  TunLab(NetworkNamespace namespace) {
    this(namespace, HostIo.EPOLL);
  }

  TunLab(NetworkNamespace namespace, HostIo io) {
    this(namespace, io, false);
  }

  /**
   * @param offload whether requests are for devices with offloads
   */
  TunLab(NetworkNamespace namespace, HostIo io, boolean offload) {
    this(namespace, io, offload, NativeLibc.load());
  }

  /** Over another C library. */
  TunLab(NetworkNamespace namespace, HostIo io, boolean offload, Libc kernel) {
    this.namespace = namespace;
    this.offload = offload;
    this.libc = new FaultyLibc(kernel);
    this.island = io == HostIo.IO_URING ? IslandLoop.uring(libc) : new IslandLoop();
    this.opener = new TunOpener(libc, "/dev/net/tun");
  }

  /** A request for an interface in the namespace; the driver and unit by name. */
  BackendRequest request(String device, HostBacking.Mode mode, boolean up, String... addresses) {
    List<IpPrefix> prefixes = new ArrayList<>();
    for (String address : addresses) {
      prefixes.add(IpPrefix.parse(address));
    }
    return new BackendRequest(
        DeviceName.match(device).orElseThrow(),
        MTU,
        up,
        HostBacking.create()
            .withMode(mode)
            .inNetworkNamespace(namespace.path())
            .withAddresses(prefixes.toArray(IpPrefix[]::new))
            .withOffload(offload));
  }

  /** Of one queue. */
  TunBackend open(BackendRequest request) {
    return (TunBackend) opener.open(request, island);
  }

  /** Of as many queues as are asked for, all on the one island. */
  DeviceBackend openQueues(BackendRequest request) {
    return opener.open(request, island);
  }

  /**
   * A descriptor as another program hands it over: opened inside, blocking, not closed by exec(2).
   * It goes into the books, and its taker closes it.
   *
   * @param flags as TUNSETIFF has them; 0: attached to nothing
   */
  int given(String name, int flags) {
    return given(namespace, name, flags);
  }

  /** The same in any namespace. */
  int given(NetworkNamespace inside, String name, int flags) {
    Libc plain = NativeLibc.load();
    int fd = inside.call(() -> (int) plain.open("/dev/net/tun", LinuxConstants.O_RDWR));
    assertThat(fd).isPositive();
    libc.give(fd);
    if (flags != 0) {
      assertThat(new TunDescriptor(plain, fd, name).attach(name, flags)).isZero();
    }
    return fd;
  }

  /** What the kernel knows of a tun or tap. */
  Link.Tun tun(String name) {
    try (Netlink netlink = Netlink.open(namespace)) {
      return netlink.link(name).orElseThrow().tun().orElseThrow();
    }
  }

  /** A new interface that is up, has addresses and a handle, and its listener. */
  Attached attached(String device, String... addresses) {
    return attached(request(device, HostBacking.Mode.CREATE, true, addresses));
  }

  Attached attached(BackendRequest request) {
    TunBackend backend = open(request);
    Attached attached = new Attached(backend);
    backend.start(attached);
    backend.linkUp();
    return attached;
  }

  /** Ends a backend in the order that its contract asks for. */
  static void end(DeviceBackend backend, PortLedger ledger) {
    quiesce(backend);
    backend.release(ledger);
  }

  static void quiesce(DeviceBackend backend) {
    CountDownLatch quiet = new CountDownLatch(1);
    backend.quiesce(quiet::countDown);
    try {
      assertThat(quiet.await(GUARD_SECONDS, TimeUnit.SECONDS)).as("quiesced").isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What ip(8) says inside. */
  String ip(String... arguments) {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    return Program.outputIn(namespace, command.toArray(String[]::new));
  }

  /** The interfaces inside but loopback, one a line. */
  List<String> links() {
    return ip("-o", "link", "show").lines().filter(line -> !line.contains(": lo: ")).toList();
  }

  /** What ip(8) says about one interface, on one line. */
  String link(String name) {
    return ip("-o", "-d", "link", "show", "dev", name);
  }

  /** The one descriptor of {@code /dev/net/tun} that is open. */
  int tunDescriptor() {
    List<Integer> open =
        libc.open().entrySet().stream()
            .filter(entry -> entry.getValue().equals("open /dev/net/tun"))
            .map(Map.Entry::getKey)
            .toList();
    assertThat(open).hasSize(1);
    return open.getFirst();
  }

  /** Whether the kernel hands segments longer than the MTU to the interface. */
  boolean segmentsTcp(String name) {
    return namespace.call(() -> {
      int socket = (int) libc.socket(LinuxConstants.AF_INET, LinuxConstants.SOCK_DGRAM, 0);
      try (Arena arena = Arena.ofConfined()) {
        // struct ethtool_value: command, value.
        MemorySegment value = arena.allocate(8, 8);
        value.set(ValueLayout.JAVA_INT, 0, ETHTOOL_GTSO);
        MemorySegment request = arena.allocate(LinuxConstants.IFREQ_BYTES, 8);
        request.setString(0, name);
        request.set(ValueLayout.JAVA_LONG, LinuxConstants.IFNAMSIZ, value.address());
        assertThat(libc.ioctl(socket, SIOCETHTOOL, request.address())).isZero();
        return value.get(ValueLayout.JAVA_INT, 4) != 0;
      } finally {
        libc.close(socket);
      }
    });
  }

  @Override
  public void close() {
    island.close();
    batches.close();
    slabs.close();
    assertThat(libc.open()).as("open descriptors").isEmpty();
    assertThat(libc.misuses()).as("calls with a descriptor that is not open").isEmpty();
    assertThat(slabs.mappedBytes()).as("mapped").isZero();
  }

  /** A started backend: sees its signals, moves single packets. */
  final class Attached implements BackendListener, AutoCloseable {
    final TunBackend backend;
    final PortLedger ledger = new PortLedger();
    final Semaphore readable = new Semaphore(0);
    final CompletableFuture<VnetException> lost = new CompletableFuture<>();

    Attached(TunBackend backend) {
      this.backend = backend;
    }

    @Override
    public void readable() {
      readable.release();
    }

    @Override
    public void writable() {
      throw new AssertionError("a tun never says that it is writable");
    }

    @Override
    public void lost(VnetException cause) {
      lost.complete(cause);
    }

    void send(byte[] packet) {
      PacketBatch batch = batches.acquire();
      try {
        assertThat(batch.append(Packet.of(packet))).isTrue();
        assertThat(backend.send(batch, 0, ledger)).isEqualTo(1);
      } finally {
        batch.release();
      }
    }

    /** Receives until a packet passes, waiting for the signal in between; drops the others. */
    byte[] await(Predicate<byte[]> wanted) throws InterruptedException {
      while (true) {
        byte[] found = receive(wanted);
        if (found != null) {
          return found;
        }
        assertThat(readable.tryAcquire(GUARD_SECONDS, TimeUnit.SECONDS)).as("signal").isTrue();
      }
    }

    /** Receives until a packet passes or there is none; drops the others. */
    byte @Nullable [] receive(Predicate<byte[]> wanted) {
      PacketBatch batch = batches.acquire();
      try {
        while (backend.receive(batch, ledger) > 0) {
          for (int i = 0; i < batch.count(); i++) {
            byte[] packet = batch.packet(i).toByteArray();
            if (wanted.test(packet)) {
              return packet;
            }
          }
          batch.clear();
        }
        return null;
      } finally {
        batch.release();
      }
    }

    @Override
    public void close() {
      end(backend, ledger);
    }
  }
}
