package io.vnet.api.port;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every call, with its arguments, reaches the port below, and its answer comes back. */
class ForwardingPortTest {
  private static final Map<Class<?>, Object> ANSWERS =
      Map.of(
          String.class,
          "tun3",
          Layer.class,
          Layer.L2,
          int.class,
          7,
          boolean.class,
          true,
          PacketPort.Registration.class,
          (PacketPort.Registration) () -> {},
          PortCounters.class,
          new PortCounters(1, 2, 3, 4, 5, Map.of()),
          Set.class,
          Set.of(OffloadFeature.values()),
          Optional.class,
          Optional.of(new ThisThread()));

  private final SlabPool slabs = new SlabPool(1024, 1);
  private final BatchPool pool = new BatchPool(slabs, 1, 0, 0);
  private final PacketBatch batch = pool.acquire();
  private final Map<Class<?>, Object> arguments =
      Map.of(
          PacketBatch.class,
          batch,
          int.class,
          11,
          long.class,
          13L,
          DropReason.class,
          DropReason.MALFORMED,
          PortListener.class,
          new Deaf());
  private final AtomicReference<@Nullable Call> reached = new AtomicReference<>();

  private record Call(Method method, List<Object> arguments) {}

  private record ThisThread() implements Island {
    @Override
    public String name() {
      return "this-thread";
    }

    @Override
    public boolean inIsland() {
      return true;
    }

    @Override
    public void execute(Runnable task) {
      throw new AssertionError("nothing is executed here");
    }
  }

  private record Deaf() implements PortListener {
    @Override
    public void readable() {}

    @Override
    public void writable() {}

    @Override
    public void closed(@Nullable VnetException cause) {}
  }

  @AfterEach
  void close() {
    batch.release();
    pool.close();
    slabs.close();
  }

  static Stream<Method> methods() {
    return Arrays.stream(PacketPort.class.getMethods())
        .filter(method -> !Modifier.isStatic(method.getModifiers()) && !method.isBridge());
  }

  @ParameterizedTest
  @MethodSource("methods")
  void passes_on(Method method) throws IllegalAccessException {
    PacketPort below =
        (PacketPort)
            Proxy.newProxyInstance(
                PacketPort.class.getClassLoader(),
                new Class<?>[] {PacketPort.class},
                (_, called, given) -> {
                  reached.set(
                      new Call(called, given == null ? List.of() : Arrays.asList(given.clone())));
                  return ANSWERS.get(called.getReturnType());
                });
    ForwardingPort port = new ForwardingPort(below) {};
    Object[] given =
        Arrays.stream(method.getParameterTypes())
            .map(type -> Objects.requireNonNull(arguments.get(type), type::getName))
            .toArray(Object[]::new);

    Object answer;
    try {
      answer = method.invoke(port, given);
    } catch (InvocationTargetException e) {
      throw new AssertionError(e.getCause());
    }

    assertThat(reached.get()).isEqualTo(new Call(method, Arrays.asList(given)));
    assertThat(answer).isSameAs(ANSWERS.get(method.getReturnType()));
  }
}
