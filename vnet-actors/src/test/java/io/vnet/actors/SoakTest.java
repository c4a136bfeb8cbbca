package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.port.Answers;
import io.vnet.actors.testkit.Figures;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.Progress;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.SlabPool;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A million devices in memory, each opened by several at once while it is destroyed, leave what was
 * there before. Run by {@code mvn verify -Psoak}; {@code -Dvnet.soak.memory=} for another number.
 */
@Tag("soak")
class SoakTest {
  private static final long CYCLES = Long.getLong("vnet.soak.memory", 1_000_000);
  private static final int WARM_UP = 20_000;
  private static final int USERS = 4;
  private static final int OPENERS = 3;
  private static final int GUARD_HOURS = 6;
  private static final int ANSWER_GUARD_SECONDS = 60;
  private static final long GROWTH_BYTES_MAX = 16L * 1024 * 1024;

  private final VnetHost host = VnetHost.start();
  private final LongAdder opened = new LongAdder();
  private final Map<Errno, LongAdder> refused = new EnumMap<>(Errno.class);

  SoakTest() {
    for (Errno errno : List.of(Errno.EBUSY, Errno.ENXIO)) {
      refused.put(errno, new LongAdder());
    }
  }

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  @Test
  void a_million_cycles_with_concurrent_opens_leave_the_same_figures_as_before() {
    inParallel(WARM_UP, Progress.of("soak warm-up", WARM_UP));
    Figures before = Figures.now(host);
    long heapBefore = Figures.heapBytes();
    opened.reset();
    refused.values().forEach(LongAdder::reset);

    inParallel(CYCLES, Progress.of("soak in memory", CYCLES));

    Figures after = Figures.now(host);
    long heapAfter = Figures.heapBytes();
    System.out.println(
        "soak in memory: "
            + CYCLES
            + " cycles, "
            + opened
            + " opens granted, "
            + refused
            + " refused; heap "
            + heapBefore
            + " then "
            + heapAfter
            + " bytes; "
            + after
            + ", mapped "
            + host.statistics().mappedBytes());
    assertThat(after).isEqualTo(before);
    assertThat(heapAfter - heapBefore).isLessThan(GROWTH_BYTES_MAX);
    assertThat(opened.sum() + refused.values().stream().mapToLong(LongAdder::sum).sum())
        .isEqualTo(CYCLES * OPENERS);
    assertThat(opened.sum()).isGreaterThan(CYCLES / 2);
    assertThat(refused.values()).allSatisfy(count -> assertThat(count.sum()).isPositive());
    // How much was in use at the same time is a matter of luck, but never more than this.
    assertThat(host.statistics().mappedBytes())
        .isLessThanOrEqualTo(USERS * (2L * 1024 * 1024 + SlabPool.DEFAULT_SLAB_BYTES));
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun0");
  }

  private void inParallel(long cycles, Progress progress) {
    AtomicLong next = new AtomicLong();
    List<CompletableFuture<?>> users = new ArrayList<>();
    for (int user = 0; user < USERS; user++) {
      String driver = List.of("tun", "tap", "vmnet").get(user % 3);
      users.add(
          CompletableFuture.runAsync(
              () -> {
                for (long i = next.getAndIncrement(); i < cycles; i = next.getAndIncrement()) {
                  cycle(driver, i);
                  progress.done(i);
                }
              },
              task -> Thread.ofPlatform().daemon().name("soak").start(task)));
    }
    try (progress) {
      users.forEach(user -> user.orTimeout(GUARD_HOURS, TimeUnit.HOURS).join());
    }
    await().until(() -> host.devices().isEmpty());
  }

  /** Three openers at once; the destroy comes among them, after them, or as a close of the last. */
  private void cycle(String driver, long number) {
    boolean transientDevice = number % 5 == 4;
    Device device = host.create(DeviceSpec.of(driver).withTransient(transientDevice));
    List<CompletionStage<DeviceHandle>> opens = new ArrayList<>();
    for (int i = 0; i < OPENERS; i++) {
      opens.add(device.openAsync());
    }
    boolean amid = number % 2 == 0;
    CompletionStage<?> destroyed =
        amid ? device.destroyAsync(DestroyPolicy.FORCE).done() : device.gone();
    int granted = 0;
    for (CompletionStage<DeviceHandle> open : opens) {
      granted += count(open);
    }
    if (amid) {
      end(destroyed);
    } else if (transientDevice && granted > 0) {
      end(destroyed);
    } else {
      device.destroy(DestroyPolicy.WAIT);
    }
  }

  private int count(CompletionStage<DeviceHandle> open) {
    Optional<DeviceHandle> handle =
        end(
            open.handle((granted, failure) ->
                failure == null ? Optional.ofNullable(granted) : refused(failure)));
    handle.ifPresent(granted -> {
      opened.increment();
      granted.close();
    });
    return handle.isPresent() ? 1 : 0;
  }

  private Optional<DeviceHandle> refused(Throwable failure) {
    if (Answers.unwrap(failure) instanceof VnetException cause) {
      LongAdder count = refused.get(cause.errno());
      if (count != null) {
        count.increment();
        return Optional.empty();
      }
    }
    throw new AssertionError(failure);
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(ANSWER_GUARD_SECONDS, TimeUnit.SECONDS).join();
  }
}
