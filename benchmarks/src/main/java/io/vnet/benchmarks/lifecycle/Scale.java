package io.vnet.benchmarks.lifecycle;

import io.vnet.actors.VnetHost;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.DriverKind;
import io.vnet.benchmarks.Figure;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Many callers and many devices, through the public facade: cycles a second, what a device costs
 * when there are 100, 90,000 and a million of them, and a destroy that a thousand openers race.
 */
final class Scale {
  private static final int CALLERS = 64;
  private static final int PER_DRIVER = 30_000;
  private static final int HOSTS = 11;
  private static final int OPENERS = 1000;
  private static final double MEBIBYTE = 1024.0 * 1024;

  private final boolean quick;
  private final PrintStream progress;
  private final List<Figure> figures = new ArrayList<>();

  Scale(boolean quick, PrintStream progress) {
    this.quick = quick;
    this.progress = progress;
  }

  List<Figure> measure() {
    try (VnetHost host = VnetHost.start()) {
      long seconds = quick ? 0 : 3;
      asynchronous(host, seconds);
      blocking(host, seconds);
      add("cycles_per_s", best(() -> asynchronous(host, seconds)));
      add("blocking_cycles_per_s", best(() -> blocking(host, seconds)));
      racedDestroy(host);
    }
    System.gc();
    crowd();
    if (!quick) {
      million();
    }
    return figures;
  }

  private interface Rate {
    double get();
  }

  private double best(Rate rate) {
    double best = 0;
    for (int i = 0; i < (quick ? 1 : 3); i++) {
      best = Math.max(best, rate.get());
    }
    return best;
  }

  private void add(String name, double value) {
    Figure figure = new Figure(name, value);
    figures.add(figure);
    if (!quick) {
      progress.println("scale: " + figure);
    }
  }

  private static double asynchronous(VnetHost host, long seconds) {
    long began = System.nanoTime();
    long end = began + seconds * 1_000_000_000L;
    AtomicLong cycles = new AtomicLong();
    List<CompletableFuture<Boolean>> callers = new ArrayList<>();
    for (int i = 0; i < CALLERS; i++) {
      CompletableFuture<Boolean> done = new CompletableFuture<>();
      callers.add(done);
      cycle(host, end, cycles, done);
    }
    callers.forEach(CompletableFuture::join);
    return cycles.get() * 1e9 / (System.nanoTime() - began);
  }

  private static void cycle(
      VnetHost host, long end, AtomicLong cycles, CompletableFuture<Boolean> done) {
    CompletionStage<Device> created = host.createAsync(DeviceSpec.of("tun"));
    var _ =
        created
            .thenCompose(device ->
                device
                    .openAsync()
                    .thenCompose(handle -> {
                      handle.close();
                      return device.destroyAsync(DestroyPolicy.FORCE).done();
                    }))
            .whenComplete((_, failure) -> {
              if (failure != null) {
                done.completeExceptionally(failure);
                return;
              }
              cycles.incrementAndGet();
              if (System.nanoTime() < end) {
                cycle(host, end, cycles, done);
              } else {
                done.complete(true);
              }
            });
  }

  private static double blocking(VnetHost host, long seconds) {
    long began = System.nanoTime();
    long end = began + seconds * 1_000_000_000L;
    AtomicLong cycles = new AtomicLong();
    try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Long>> ended = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        ended.add(
            callers.submit(() -> {
              do {
                Device device = host.create(DeviceSpec.of("tun"));
                device.open().close();
                device.destroy();
                cycles.incrementAndGet();
              } while (System.nanoTime() < end);
              return cycles.get();
            }));
      }
      for (Future<Long> caller : ended) {
        caller.get();
      }
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    return cycles.get() * 1e9 / (System.nanoTime() - began);
  }

  /** A forced destroy while a thousand threads try to open: from the request to its answer. */
  private void racedDestroy(VnetHost host) {
    int rounds = quick ? 1 : 60;
    double[] micros = new double[rounds];
    try (ExecutorService openers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int round = 0; round < rounds; round++) {
        Device device = host.create(DeviceSpec.of("tun"));
        CountDownLatch go = new CountDownLatch(1);
        List<Future<Boolean>> ended = new ArrayList<>();
        for (int i = 0; i < (quick ? 10 : OPENERS); i++) {
          ended.add(
              openers.submit(() -> {
                go.await();
                return device
                    .openAsync()
                    .handle((handle, _) -> {
                      if (handle != null) {
                        handle.close();
                      }
                      return handle != null;
                    })
                    .toCompletableFuture()
                    .get();
              }));
        }
        go.countDown();
        long began = System.nanoTime();
        device.destroy();
        micros[round] = (System.nanoTime() - began) / 1e3;
        for (Future<Boolean> opener : ended) {
          opener.get();
        }
      }
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    Arrays.sort(micros);
    add("raced_destroy_p50_us", micros[rounds / 2]);
    add("raced_destroy_p99_us", micros[(int) ((rounds - 1) * 0.99)]);
  }

  /** One host with 90,000 devices: memory, listing, and a life among them. */
  private void crowd() {
    long before = heap();
    try (VnetHost host = VnetHost.start()) {
      int perDriver = quick ? 10 : PER_DRIVER;
      populate(host, quick ? 10 : 100);
      double few = lives(host);
      long began = System.nanoTime();
      for (DriverKind driver : DriverKind.values()) {
        for (CompletableFuture<Device> made : creations(host, driver.driverName(), perDriver)) {
          made.join();
        }
      }
      int devices = host.statistics().devices();
      add("create_us_per_device", (System.nanoTime() - began) / 1e3 / (3.0 * perDriver));
      long used = heap() - before + host.statistics().mappedBytes();
      add("bytes_per_device", used / (double) devices);
      add("mebibytes_for_" + (quick ? "all" : "90000") + "_devices", used / MEBIBYTE);
      host.devices();
      began = System.nanoTime();
      int listed = host.devices().size();
      add("list_ms", (System.nanoTime() - began) / 1e6);
      if (listed != devices) {
        throw new IllegalStateException(listed + " of " + devices + " devices listed");
      }
      add("life_among_many_over_life_among_100_ratio", lives(host) / few);
      began = System.nanoTime();
      host.terminate().toCompletableFuture().join();
      add("terminate_us_per_device", (System.nanoTime() - began) / 1e3 / devices);
    }
  }

  /** A million devices in one process, over several hosts, as a host has 98,304 units. */
  private void million() {
    long before = heap();
    List<VnetHost> hosts = new ArrayList<>();
    int devices = 0;
    for (int i = 0; i < HOSTS; i++) {
      VnetHost host = VnetHost.start();
      hosts.add(host);
      for (DriverKind driver : DriverKind.values()) {
        for (CompletableFuture<Device> made :
            creations(host, driver.driverName(), PER_DRIVER + 310)) {
          made.join();
        }
      }
      devices += host.statistics().devices();
    }
    if (devices < 1_000_000) {
      throw new IllegalStateException("only " + devices);
    }
    add("bytes_per_device_of_a_million", (heap() - before) / (double) devices);
    hosts.stream()
        .map(VnetHost::terminate)
        .toList()
        .forEach(end -> end.toCompletableFuture().join());
  }

  private static void populate(VnetHost host, int devices) {
    creations(host, "tun", devices).forEach(CompletableFuture::join);
  }

  private static List<CompletableFuture<Device>> creations(VnetHost host, String name, int count) {
    List<CompletableFuture<Device>> made = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (i >= 1024) {
        // Not more on the way than a program would have.
        made.get(i - 1024).join();
      }
      made.add(host.createAsync(DeviceSpec.of(name)).toCompletableFuture());
    }
    return made;
  }

  /** Nanoseconds of one life, by 64 callers, among what is there. */
  private double lives(VnetHost host) {
    asynchronous(host, quick ? 0 : 1);
    return 1e9 / best(() -> asynchronous(host, quick ? 0 : 1));
  }

  private static long heap() {
    System.gc();
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
