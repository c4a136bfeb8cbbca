package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.port.Answers;
import io.vnet.actors.testkit.Figures;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.Traffic;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.SlabPool;
import io.vnet.io.testkit.Heap;
import io.vnet.io.testkit.Progress;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * A million devices in memory, each opened by three at once while it is destroyed, leave what was
 * there before. Run by {@code mvn verify -Psoak}; {@code -Dvnet.soak.memory=} for another number.
 */
@Tag("soak")
class SoakTest {
  private static final long CYCLES = Long.getLong("vnet.soak.memory", 1_000_000);
  private static final int WARM_UP = 20_000;
  private static final int USERS = 4;
  private static final int OPENERS = 2;
  private static final int CARRY_EVERY = 8;
  private static final int GUARD_HOURS = 6;
  private static final int ANSWER_GUARD_SECONDS = 60;
  private static final long GROWTH_BYTES_MAX = 16L * 1024 * 1024;

  private final VnetHost host = VnetHost.start();
  private final LongAdder roved = new LongAdder();
  private final LongAdder opened = new LongAdder();
  private final LongAdder carried = new LongAdder();
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
    long heapBefore = Heap.usedBytes();
    List.of(roved, opened, carried).forEach(LongAdder::reset);
    refused.values().forEach(LongAdder::reset);

    inParallel(CYCLES, Progress.of("soak in memory", CYCLES));

    Figures after = Figures.now(host);
    long heapAfter = Heap.usedBytes();
    System.out.println(
        "soak in memory: "
            + CYCLES
            + " cycles, "
            + opened
            + " opens granted, "
            + refused
            + " refused, "
            + carried
            + " packets carried; heap "
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
        .isEqualTo(CYCLES * OPENERS + roved.sum());
    assertThat(carried.sum()).isPositive();
    assertThat(opened.sum()).isGreaterThan(CYCLES / 2);
    assertThat(refused.values()).allSatisfy(count -> assertThat(count.sum()).isPositive());
    // How much was in use at the same time is a matter of luck, but never more than this.
    assertThat(host.statistics().mappedBytes())
        .isLessThanOrEqualTo(USERS * (2L * 1024 * 1024 + 4L * SlabPool.DEFAULT_SLAB_BYTES));
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun0");
  }

  private void inParallel(long cycles, Progress progress) {
    AtomicLong next = new AtomicLong();
    AtomicBoolean over = new AtomicBoolean();
    List<CompletableFuture<?>> users = new ArrayList<>();
    List<CompletableFuture<?>> rovers = new ArrayList<>();
    for (int user = 0; user < USERS; user++) {
      String driver = List.of("tun", "tap", "vmnet").get(user % 3);
      AtomicReference<@Nullable Device> current = new AtomicReference<>();
      users.add(
          onThread(() -> {
            for (long i = next.getAndIncrement(); i < cycles; i = next.getAndIncrement()) {
              cycle(driver, i, current);
              progress.done(i);
            }
          }));
      rovers.add(
          onThread(() -> {
            while (!over.get()) {
              rove(current);
            }
          }));
    }
    try (progress) {
      users.forEach(user -> user.orTimeout(GUARD_HOURS, TimeUnit.HOURS).join());
    } finally {
      over.set(true);
    }
    rovers.forEach(rover -> rover.orTimeout(ANSWER_GUARD_SECONDS, TimeUnit.SECONDS).join());
    await().until(() -> host.devices().isEmpty());
  }

  private static CompletableFuture<?> onThread(Runnable work) {
    return CompletableFuture.runAsync(
        work, task -> Thread.ofPlatform().daemon().name("soak").start(task));
  }

  /** Two openers at once and a rover; the destroy comes among them, after them, or as a close. */
  private void cycle(String driver, long number, AtomicReference<@Nullable Device> current) {
    boolean transientDevice = number % 5 == 4;
    Device device = host.create(DeviceSpec.of(driver).withTransient(transientDevice));
    current.set(device);
    List<CompletionStage<DeviceHandle>> opens = new ArrayList<>();
    for (int i = 0; i < OPENERS; i++) {
      opens.add(device.openAsync());
    }
    CompletionStage<DeviceId> gone = device.gone();
    if (number % 2 == 0) {
      CompletionStage<DeviceId> forced = device.destroyAsync(DestroyPolicy.FORCE).done();
      opens.forEach(open -> use(device, open));
      end(transientDevice ? forced.exceptionally(failure -> goneBefore(failure, device)) : forced);
    } else {
      opens.forEach(open -> use(device, open));
      if (!transientDevice) {
        device.destroy(DestroyPolicy.WAIT);
      }
    }
    assertThat(end(gone)).isEqualTo(device.id());
  }

  /** Its last close may have been first. */
  private static DeviceId goneBefore(Throwable failure, Device device) {
    if (Answers.unwrap(failure) instanceof VnetException cause && cause.errno() == Errno.ENXIO) {
      return device.id();
    }
    throw new AssertionError(failure);
  }

  /** Opens whatever device is there, or was there, now. */
  private void rove(AtomicReference<@Nullable Device> current) {
    Device device = current.get();
    if (device == null) {
      Thread.onSpinWait();
    } else {
      roved.increment();
      use(device, device.openAsync());
    }
  }

  private void use(Device device, CompletionStage<DeviceHandle> open) {
    Optional<DeviceHandle> handle =
        end(
            open.handle((granted, failure) ->
                failure == null ? Optional.ofNullable(granted) : refused(failure)));
    handle.ifPresent(granted -> {
      opened.increment();
      if (opened.sum() % CARRY_EVERY == 0) {
        carry(device, granted);
      }
      granted.close();
    });
  }

  /** A packet, so that the device has rings to give back; it may be destroyed meanwhile. */
  private void carry(Device device, DeviceHandle handle) {
    try (NetworkEnd network = device.networkEnd()) {
      handle.write(Traffic.numbered(1, Traffic.SHORTEST));
      assertThat(Traffic.receive(host, network)).containsExactly(1L);
      carried.increment();
    } catch (VnetException e) {
      assertThat(e.errno()).isEqualTo(Errno.ENXIO);
    }
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
