package io.vnet.actors;

import io.vnet.actors.testkit.LibcNetwork;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PortListener;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/**
 * A process that brings devices of the kernel to given points of their lives and keeps them there
 * until it is killed. Says {@code reached POINT} on its output for each, and before all, of a
 * namespace of its own that holds a device too: {@code namespace net:[4026532000]}.
 */
final class LifeToKill {
  /** Where a life can be held. */
  enum Point {
    /** The interface exists and is being configured. */
    CREATING,
    CREATED,
    OPENED,
    CLOSED,
    /** A destroy waits for the holder. */
    DESTROY_REQUESTED,
    /** Before the handle is revoked. */
    OPENS_REFUSED,
    /** The handle is revoked and the node removed; the poller still has the descriptor. */
    DETACHED,
    /** A reader is inside its section. */
    QUIESCED,
    /** Before the descriptor is closed. */
    READERS_DRAINED,
    RELEASED,
    UNIT_FREED;

    String interfaceName() {
      String name = PREFIX + name().toLowerCase(Locale.ROOT);
      return name.substring(0, Math.min(name.length(), LinuxConstants.IFNAMSIZ - 1));
    }

    boolean hasInterface() {
      return compareTo(RELEASED) < 0;
    }
  }

  /** How the names of the interfaces begin. */
  static final String PREFIX = "k-";

  private static final String NODE = "/dev/net/tun";

  private LifeToKill() {}

  /**
   * Runs it.
   *
   * @param arguments a namespace file, whether the devices are transient, and points
   */
  public static void main(String[] arguments) throws InterruptedException, IOException {
    Path file = Path.of(arguments[0]);
    boolean transientDevice = Boolean.parseBoolean(arguments[1]);
    NetworkNamespace own = NetworkNamespace.create();
    VnetHost inside = VnetHost.start();
    DeviceHandle held = inside.create(spec(Point.OPENED, own.path(), transientDevice)).open();
    say("namespace " + Files.readSymbolicLink(own.path()));
    for (int i = 2; i < arguments.length; i++) {
      bringTo(Point.valueOf(arguments[i]), file, transientDevice);
    }
    forEver();
    throw new AssertionError(held);
  }

  private static DeviceSpec spec(Point point, Path namespace, boolean transientDevice) {
    return DeviceSpec.of(transientDevice ? "tap" : "tun")
        .withTransient(transientDevice)
        .withHost(
            HostBacking.create()
                .withInterfaceName(point.interfaceName())
                .inNetworkNamespace(namespace));
  }

  private static void bringTo(Point point, Path namespace, boolean transientDevice) {
    VnetHost host =
        VnetHost.start(
            HostSettings.defaults(), () -> Optional.of(new LibcNetwork(libcThatHolds(point))));
    host.onEvent(event -> {
      if (event.kind().name().equals(point.name())) {
        reached(point);
      }
    });
    CompletionStage<Device> created = host.createAsync(spec(point, namespace, transientDevice));
    if (point == Point.CREATING) {
      return;
    }
    Device device = created.toCompletableFuture().join();
    if (point == Point.CREATED) {
      return;
    }
    DeviceHandle handle = device.open();
    switch (point) {
      case CREATING, CREATED, OPENED -> {}
      case CLOSED -> handle.close();
      case DESTROY_REQUESTED -> device.destroyAsync(DestroyPolicy.WAIT);
      case OPENS_REFUSED -> {
        handle.listen(new StubbornListener());
        device.destroyAsync(DestroyPolicy.FORCE);
      }
      case DETACHED -> {
        handle.island().orElseThrow().execute(LifeToKill::forEver);
        device.destroyAsync(DestroyPolicy.FORCE);
      }
      case QUIESCED -> {
        host.context().epoch().register("held").enter();
        device.destroyAsync(DestroyPolicy.FORCE);
      }
      case READERS_DRAINED, RELEASED, UNIT_FREED -> device.destroyAsync(DestroyPolicy.FORCE);
    }
  }

  /** Told on the softc's thread, and does not return. */
  private static final class StubbornListener implements PortListener {
    @Override
    public void readable() {}

    @Override
    public void writable() {}

    @Override
    public void closed(@Nullable VnetException cause) {
      forEver();
    }
  }

  private static Libc libcThatHolds(Point point) {
    Libc libc = NativeLibc.load();
    return (Libc)
        Proxy.newProxyInstance(
            Libc.class.getClassLoader(),
            new Class<?>[] {Libc.class},
            (_, method, arguments) -> {
              Object[] given = Objects.requireNonNull(arguments);
              if (point == Point.CREATING
                  && method.getName().equals("ioctl")
                  && given[1].equals(LinuxConstants.TUNSETOFFLOAD)) {
                reached(point);
                forEver();
              }
              if (point == Point.READERS_DRAINED
                  && method.getName().equals("close")
                  && isDevice((int) given[0])) {
                forEver();
              }
              return method.invoke(libc, given);
            });
  }

  private static boolean isDevice(int fd) throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(fd)))
        .equals(Path.of(NODE));
  }

  private static void reached(Point point) {
    say("reached " + point);
  }

  private static synchronized void say(String line) {
    System.out.println(line);
    System.out.flush();
  }

  private static void forEver() {
    try {
      new CountDownLatch(1).await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
