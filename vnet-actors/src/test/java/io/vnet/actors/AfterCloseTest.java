package io.vnet.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.stream.javadsl.Flow;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.RunnableGraph;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import io.vnet.actors.port.Answers;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.actors.testkit.FakeHostNetwork;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.device.ClonePolicy;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.device.Vnet;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.HostedPort;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import io.vnet.api.port.PortSite;
import io.vnet.io.udp.UdpPort;
import io.vnet.io.udp.UdpSettings;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntPredicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Calls every public method of every object that has ended, with generated arguments: each returns,
 * with a value or with a failure that its contract has, and nothing is left by it. A new method is
 * called without being asked for; a parameter of a new type fails until {@link #valuesOf} knows it.
 */
class AfterCloseTest {
  /** Guards against a call that hangs; generous, because the machine may be busy. */
  private static final int GUARD_SECONDS = 10;

  private static final Set<Errno> ENDED = EnumSet.of(Errno.EBADF, Errno.ENXIO, Errno.ESHUTDOWN);

  /** What an argument of ours deserves by itself. */
  private static final Set<Errno> ARGUMENT = EnumSet.of(Errno.EIO, Errno.EINVAL);

  private static final Island ISLAND = new FakeHostNetwork(false).island(true);

  private final SlabPool slabs = new SlabPool(SlabPool.DEFAULT_SLAB_BYTES, 16);
  private final BatchPool ownBatches = new BatchPool(slabs);
  private final PacketBatch ownBatch = ownBatches.acquire();
  private final ExecutorService watched = Executors.newCachedThreadPool();
  private final List<String> wrong = new ArrayList<>();
  private final PacketPort port;
  private int calls;

  AfterCloseTest() {
    ownBatch.append(Packet.of(new byte[] {0x45}));
    try (VnetHost past = VnetHost.start()) {
      port = past.create(DeviceSpec.of("tun")).open();
    }
  }

  /**
   * Something that has ended.
   *
   * @param errnos how its methods may fail
   */
  private record Ended(String what, Class<?> contract, Object object, Set<Errno> errnos) {
    static Ended of(String what, Class<?> contract, Object object, Errno errno) {
      return new Ended(what, contract, object, EnumSet.of(errno));
    }

    Ended afterTermination() {
      return new Ended(what + " of a terminated host", contract, object, ENDED);
    }
  }

  /** Everything of a host's that can end before it does. */
  private static List<Ended> endedOf(VnetHost host) {
    Vnet removed = host.createVnet("removed");
    removed.remove(DestroyPolicy.FORCE);
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle closed = device.open();
    NetworkEnd closedEnd = device.networkEnd();
    PacketStreams streams = host.streams(closed);
    closed.close();
    closed.closed().toCompletableFuture().join();
    closedEnd.close();
    Device destroyed = host.create(DeviceSpec.of("tap"));
    DeviceHandle revoked = destroyed.open();
    NetworkEnd revokedEnd = destroyed.networkEnd();
    PacketStreams revokedStreams = host.streams(revoked);
    DestroyRequest done = destroyed.destroyAsync(DestroyPolicy.FORCE);
    done.done().toCompletableFuture().join();
    DestroyRequest refused = destroyed.destroyAsync(DestroyPolicy.WAIT);
    UdpPort udp = udp(host);
    PacketStreams udpStreams = host.streams(udp);
    udp.closeAsync().toCompletableFuture().join();
    return List.of(
        Ended.of("a removed vnet", Vnet.class, removed, Errno.ENXIO),
        Ended.of("a closed UDP port", UdpPort.class, udp, Errno.EBADF),
        Ended.of("streams of a closed UDP port", PacketStreams.class, udpStreams, Errno.EBADF),
        Ended.of("a closed handle", DeviceHandle.class, closed, Errno.EBADF),
        Ended.of("a closed network end", NetworkEnd.class, closedEnd, Errno.EBADF),
        Ended.of("streams of a closed handle", PacketStreams.class, streams, Errno.EBADF),
        Ended.of("a destroyed device", Device.class, destroyed, Errno.ENXIO),
        Ended.of("a revoked handle", DeviceHandle.class, revoked, Errno.ENXIO),
        Ended.of("a revoked network end", NetworkEnd.class, revokedEnd, Errno.ENXIO),
        Ended.of("streams of a revoked handle", PacketStreams.class, revokedStreams, Errno.ENXIO),
        Ended.of("a destroy that was carried out", DestroyRequest.class, done, Errno.ENXIO),
        Ended.of("a destroy that came too late", DestroyRequest.class, refused, Errno.ENXIO));
  }

  private static UdpPort udp(VnetHost host) {
    IpAddress loopback = IpAddress.parse("127.0.0.1");
    return host.openPort(site -> UdpPort.open(UdpSettings.onPort(0).withAddress(loopback), site));
  }

  @Test
  void every_method_of_what_ended_has_a_defined_result() {
    VnetHost host = VnetHost.start();
    endedOf(host).forEach(ended -> callAll(host, ended));
    finish(host);
  }

  @Test
  void every_method_of_what_a_terminated_host_left_has_a_defined_result() {
    VnetHost host = VnetHost.start();
    List<Ended> all = new ArrayList<>(endedOf(host));
    Vnet other = host.createVnet("other");
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    PacketBatch batch = host.batches().acquire();
    batch.release();
    all.add(Ended.of("a device", Device.class, device, Errno.ESHUTDOWN));
    all.add(Ended.of("a network end", NetworkEnd.class, device.networkEnd(), Errno.ESHUTDOWN));
    all.add(Ended.of("a UDP port", UdpPort.class, udp(host), Errno.EBADF));
    all.add(Ended.of("a handle", DeviceHandle.class, handle, Errno.ESHUTDOWN));
    all.add(Ended.of("a vnet", Vnet.class, other, Errno.ESHUTDOWN));
    all.add(Ended.of("the first vnet", Vnet.class, host.vnet0(), Errno.ESHUTDOWN));
    all.add(
        Ended.of(
            "a waiting destroy",
            DestroyRequest.class,
            device.destroyAsync(DestroyPolicy.WAIT),
            Errno.ESHUTDOWN));
    all.add(Ended.of("streams", PacketStreams.class, host.streams(handle), Errno.ESHUTDOWN));
    all.add(Ended.of("the pool", BatchPool.class, host.batches(), Errno.ESHUTDOWN));
    all.add(Ended.of("a released batch", PacketBatch.class, batch, Errno.ESHUTDOWN));
    all.add(Ended.of("the host", VnetHost.class, host, Errno.ESHUTDOWN));
    Leftovers.assertNothingLeft(host);
    all.forEach(ended -> callAll(host, ended.afterTermination()));
    finish(host);
  }

  private void finish(VnetHost host) {
    assertThat(wrong).isEmpty();
    assertThat(calls).isGreaterThan(100);
    ownBatch.release();
    ownBatches.close();
    assertThat(ownBatches.lent()).isZero();
    slabs.close();
    watched.shutdown();
    Leftovers.assertNothingLeft(host);
  }

  private void callAll(VnetHost host, Ended ended) {
    Stream.of(ended.contract().getMethods())
        .filter(method -> !Modifier.isStatic(method.getModifiers()))
        .filter(method -> method.getDeclaringClass() != Object.class)
        .sorted(Comparator.comparing(Method::toString))
        .forEach(method ->
            argumentLists(host, method).forEach(arguments -> call(host, ended, method, arguments)));
  }

  private void call(VnetHost host, Ended ended, Method method, List<Object> arguments) {
    calls++;
    String text = ended.what() + ": " + method.getName() + arguments;
    CompletableFuture<@Nullable Object> outcome =
        CompletableFuture.supplyAsync(() -> invoke(ended.object(), method, arguments), watched)
            .thenCompose(result -> outcomeOf(host, result));
    try {
      outcome.get(GUARD_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      wrong.add(text + " did not end within " + GUARD_SECONDS + " s");
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    } catch (ExecutionException e) {
      Throwable cause = Answers.unwrap(e.getCause() == null ? e : e.getCause());
      if (!isDefined(ended, cause)) {
        wrong.add(text + " ended with " + cause);
      }
    }
  }

  private static boolean isDefined(Ended ended, Throwable failure) {
    if (failure instanceof VnetException refused) {
      return ended.errnos().contains(refused.errno()) || ARGUMENT.contains(refused.errno());
    }
    // A batch that was given back must not be touched; it may say so, and no more.
    return ended.contract() == PacketBatch.class
        && (failure instanceof IllegalStateException
            || failure instanceof IllegalArgumentException
            || failure instanceof IndexOutOfBoundsException);
  }

  private static @Nullable Object invoke(Object target, Method method, List<Object> arguments) {
    try {
      method.setAccessible(true);
      return method.invoke(target, arguments.toArray());
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new AssertionError(e.getCause());
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }

  /** What a result comes to: a stage is waited for, a stream is run, a request is waited for. */
  @SuppressWarnings("unchecked")
  private static CompletionStage<@Nullable Object> outcomeOf(
      VnetHost host, @Nullable Object result) {
    return switch (result) {
      case null -> CompletableFuture.completedFuture(null);
      case CompletionStage<?> stage -> (CompletionStage<@Nullable Object>) stage;
      case DestroyRequest request -> request.done().thenApply(id -> id);
      case Source<?, ?> source when isRunning(host) ->
          source.runWith(Sink.ignore(), host.system()).thenApply(done -> done);
      case Sink<?, ?> sink when isRunning(host) ->
          ((CompletionStage<Object>)
                  Source.<Object>empty().runWith((Sink<Object, Object>) sink, host.system()))
              .thenApply(done -> done);
      case Flow<?, ?, ?> flow when isRunning(host) ->
          Source.<Object>empty()
              .via((Flow<Object, Object, Object>) flow)
              .runWith(Sink.ignore(), host.system())
              .thenApply(done -> done);
      default -> CompletableFuture.completedFuture(result);
    };
  }

  private static boolean isRunning(VnetHost host) {
    return !host.system().whenTerminated().isCompleted();
  }

  private List<List<Object>> argumentLists(VnetHost host, Method method) {
    List<Class<?>> types = List.of(method.getParameterTypes());
    if (!types.isEmpty() && types.getFirst() == DeviceOption.class) {
      return optionArguments(types.size() == 1);
    }
    List<List<Object>> lists = List.of(List.of());
    for (Class<?> type : types) {
      List<List<Object>> longer = new ArrayList<>();
      for (List<Object> shorter : lists) {
        for (Object value : valuesOf(host, method, type)) {
          List<Object> list = new ArrayList<>(shorter);
          list.add(value);
          longer.add(list);
        }
      }
      lists = longer;
    }
    return lists;
  }

  /** Options, alone or each with a value of its type. */
  private static List<List<Object>> optionArguments(boolean alone) {
    return alone
        ? List.of(
            List.of(DeviceOption.TRANSIENT),
            List.of(DeviceOption.MTU),
            List.of(DeviceOption.OWNER_PID))
        : List.of(
            List.of(DeviceOption.TRANSIENT, true),
            List.of(DeviceOption.MTU, 1400),
            List.of(DeviceOption.OWNER_PID, 1L));
  }

  private List<Object> valuesOf(VnetHost host, Method method, Class<?> type) {
    if (type.isEnum()) {
      return List.of(Objects.requireNonNull(type.getEnumConstants()));
    }
    if (type == boolean.class) {
      return List.of(true, false);
    }
    if (type == int.class) {
      return List.of(0, 1);
    }
    if (type == long.class) {
      return List.of(0L, 1L);
    }
    if (type == String.class) {
      return List.of("tun", "tap7", "removed", "");
    }
    if (type == Duration.class) {
      return List.of(Duration.ZERO, Duration.ofMillis(1));
    }
    if (type == DeviceSpec.class) {
      return List.of(DeviceSpec.of("tun"), DeviceSpec.of("tap3").withTransient(true));
    }
    if (type == InterfaceChange.class) {
      return List.of(new InterfaceChange.Up(true), new InterfaceChange.Mtu(1400));
    }
    if (type == Vnet.class) {
      return List.of(host.vnet0());
    }
    if (type == ClonePolicy.class) {
      return List.of(ClonePolicy.defaults());
    }
    if (type == Packet.class) {
      return List.of(Packet.of(new byte[] {0x45}), Packet.of(new byte[70_000]));
    }
    if (type == Endpoint.class) {
      return List.of(Endpoint.parse("192.0.2.1:9"));
    }
    if (type == PacketBatch.class) {
      return List.of(ownBatch);
    }
    if (type == PacketPort.class) {
      return List.of(port);
    }
    if (type == PortListener.class) {
      return List.of(
          new PortListener() {
            @Override
            public void readable() {}

            @Override
            public void writable() {}

            @Override
            public void closed(@Nullable VnetException cause) {}
          });
    }
    if (type == Consumer.class) {
      return List.of((Consumer<Object>) _ -> {});
    }
    if (type == Function.class) {
      return List.of(
          (Function<PortSite, HostedPort>)
              _ -> {
                throw new AssertionError("a host that has ended opens a port");
              });
    }
    if (type == Island.class) {
      return List.of(ISLAND);
    }
    if (type == IntPredicate.class) {
      return List.of((IntPredicate) _ -> true);
    }
    if (type == MemorySegment.class) {
      return List.of(MemorySegment.ofArray(new byte[64]));
    }
    if (type == RunnableGraph.class) {
      return List.of(Source.empty().toMat(Sink.ignore(), Keep.right()));
    }
    throw new AssertionError(
        method + " has a parameter of a type that this test has no values for: " + type.getName());
  }
}
