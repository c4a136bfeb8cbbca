package io.vnet.actors.linear;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.VnetHost;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.Vnet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Four threads open, close, destroy, cancel, rename and move two devices; what they saw must be
 * explained by some order of the core's steps. {@code -Dvnet.linear.rounds} and {@code
 * -Dvnet.linear.seed} choose how many rounds and from which seed; threads are real, so a seed gives
 * the calls again, not their timing.
 */
class LinearizabilityTest {
  private static final int ROUNDS = Integer.getInteger("vnet.linear.rounds", 1500);
  private static final long SEED = Long.getLong("vnet.linear.seed", 1);
  private static final int THREADS = 4;
  private static final int CALLS = 8;
  private static final String HERE = "vnet0";

  private static final DeviceId DEVICE = new DeviceId(DeviceName.match("tun0").orElseThrow(), 1);

  @Test
  void what_threads_see_of_a_device_is_explained_by_an_order_of_the_cores_steps() throws Exception {
    VnetHost host = VnetHost.start();
    Vnet blue = host.createVnet("blue");
    Map<String, Integer> results = new TreeMap<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      for (long round = SEED; round < SEED + ROUNDS; round++) {
        long seed = round;
        for (Recorder recorder : round(host, blue, threads, new SplittableRandom(seed))) {
          List<Call> history = recorder.history();
          history.forEach(call ->
              results.merge(
                  call.what().getClass().getSimpleName() + " " + call.result(), 1, Integer::sum));
          assertThat(Checker.explains(recorder.device().id(), HERE, history))
              .as(() ->
                  "no order of the core's steps explains what was seen of "
                      + recorder.device()
                      + " with -Dvnet.linear.seed="
                      + seed
                      + ":\n"
                      + text(history))
              .isTrue();
        }
        host.devices()
            .forEach(info -> host.find(info.id().toString()).ifPresent(device -> device.destroy()));
      }
    }
    System.out.println("linearizability: " + ROUNDS + " rounds; results " + results);
    assertThat(results.keySet())
        .contains(
            "Open granted",
            "Open EBUSY",
            "Open ENXIO",
            "Close closed",
            "Destroy gone",
            "Destroy EBUSY",
            "Destroy EINTR",
            "Destroy ENXIO",
            "Rename done",
            "Rename ENXIO",
            "Move done",
            "Move EEXIST");
    Leftovers.assertNothingLeft(host);
  }

  private static List<Recorder> round(
      VnetHost host, Vnet blue, ExecutorService threads, SplittableRandom random) throws Exception {
    AtomicLong clock = new AtomicLong();
    List<Recorder> recorders =
        List.of(
            new Recorder(host.create(DeviceSpec.of("tun")), clock),
            new Recorder(host.create(DeviceSpec.of("tun")), clock));
    CyclicBarrier start = new CyclicBarrier(THREADS);
    List<Future<Boolean>> workers = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      SplittableRandom own = random.split();
      workers.add(
          threads.submit(() -> {
            start.await();
            work(host, blue, recorders, own);
            return true;
          }));
    }
    for (Future<Boolean> worker : workers) {
      assertThat(worker.get()).isTrue();
    }
    return recorders;
  }

  private static void work(
      VnetHost host, Vnet blue, List<Recorder> recorders, SplittableRandom random) {
    List<Recorder.Held> held = new ArrayList<>();
    for (int i = 0; i < CALLS; i++) {
      Recorder recorder = recorders.get(random.nextInt(recorders.size()));
      switch (random.nextInt(20)) {
        case 0 -> recorder.destroy(DestroyPolicy.FORCE, false);
        case 1, 2 -> recorder.destroy(DestroyPolicy.REFUSE, false);
        case 3 -> recorder.destroy(DestroyPolicy.WAIT, false);
        case 4, 5 -> recorder.destroy(DestroyPolicy.WAIT, true);
        case 6, 7, 8 ->
            recorder.rename(
                recorder.device() + (random.nextBoolean() ? "x" : "y"), random.nextBoolean());
        case 9, 10, 11 ->
            recorder.move(random.nextBoolean() ? blue : host.vnet0(), random.nextBoolean());
        case 12, 13, 14 -> {
          if (!held.isEmpty()) {
            Recorder.Held last = held.removeLast();
            last.recorder().close(last);
          }
        }
        default -> {
          Optional<Recorder.Held> granted = recorder.open();
          granted.ifPresent(held::add);
        }
      }
    }
    held.forEach(last -> last.recorder().close(last));
  }

  private static String text(List<Call> history) {
    return history.stream().map(Call::toString).collect(Collectors.joining("\n"));
  }

  private static List<Call> history(Call... calls) {
    return List.of(calls);
  }

  private static Call call(int number, Call.What what, long invoked, long returned, String result) {
    return new Call(number, what, invoked, returned, result);
  }

  static Stream<Arguments> right() {
    Call.What open = new Call.Open();
    Call.What force = new Call.Destroy(DestroyPolicy.FORCE, false);
    return Stream.of(
        Arguments.of(
            "one of two opens at once is refused",
            history(
                call(0, open, 1, 4, "EBUSY"),
                call(1, open, 2, 3, "granted"),
                call(2, new Call.Close(1), 5, 6, "closed"))),
        Arguments.of(
            "an open that begins before a close is over",
            history(
                call(0, open, 1, 2, "granted"),
                call(1, new Call.Close(0), 3, 6, "closed"),
                call(2, open, 4, 5, "EBUSY"))),
        Arguments.of(
            "an open in a teardown",
            history(
                call(0, force, 1, 6, "gone"),
                call(1, open, 2, 3, "EBUSY"),
                call(2, open, 4, 5, "ENXIO"))),
        Arguments.of(
            "a cancelled wait",
            history(
                call(0, open, 1, 2, "granted"),
                call(1, new Call.Destroy(DestroyPolicy.WAIT, true), 3, 6, "EINTR"),
                call(2, open, 4, 5, "EBUSY"),
                call(3, new Call.Close(0), 7, 8, "closed"),
                call(4, open, 9, 10, "granted"))));
  }

  static Stream<Arguments> wrong() {
    Call.What open = new Call.Open();
    Call.What force = new Call.Destroy(DestroyPolicy.FORCE, false);
    Call.What refuse = new Call.Destroy(DestroyPolicy.REFUSE, false);
    return Stream.of(
        Arguments.of(
            "two grants that overlap",
            history(
                call(0, open, 1, 3, "granted"),
                call(1, open, 2, 4, "granted"),
                call(2, new Call.Close(0), 5, 6, "closed"),
                call(3, new Call.Close(1), 7, 8, "closed"))),
        Arguments.of("a refusal by nobody", history(call(0, open, 1, 2, "EBUSY"))),
        Arguments.of("an end without a cause", history(call(0, open, 1, 2, "ENXIO"))),
        Arguments.of(
            "an open of what is gone",
            history(call(0, force, 1, 2, "gone"), call(1, open, 3, 4, "granted"))),
        Arguments.of(
            "a busy answer of what is gone",
            history(call(0, force, 1, 2, "gone"), call(1, open, 3, 4, "EBUSY"))),
        Arguments.of(
            "two that destroyed it, one after the other",
            history(call(0, force, 1, 2, "gone"), call(1, force, 3, 4, "gone"))),
        Arguments.of(
            "a cancel that wins though the device is closed",
            history(
                call(0, open, 1, 2, "granted"),
                call(1, new Call.Close(0), 3, 4, "closed"),
                call(2, new Call.Destroy(DestroyPolicy.WAIT, true), 5, 6, "EINTR"))),
        Arguments.of(
            "a wait that ends before the holder closes",
            history(
                call(0, open, 1, 2, "granted"),
                call(1, new Call.Destroy(DestroyPolicy.WAIT, false), 3, 4, "gone"),
                call(2, new Call.Close(0), 5, 6, "closed"))),
        Arguments.of(
            "a refusal that left a trace",
            history(
                call(0, open, 1, 2, "granted"),
                call(1, refuse, 3, 4, "EBUSY"),
                call(2, new Call.Close(0), 5, 6, "closed"),
                call(3, open, 7, 8, "EBUSY"))),
        Arguments.of(
            "a rename that finds nothing of a living device",
            history(
                call(0, new Call.Move("blue"), 1, 2, "done"),
                call(1, new Call.Rename("x"), 3, 4, "ENXIO"))),
        Arguments.of(
            "a move to where it was and was not",
            history(
                call(0, new Call.Move("blue"), 1, 2, "done"),
                call(1, new Call.Move("blue"), 3, 4, "done"))));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("right")
  void a_right_history_is_explained(String name, List<Call> history) {
    assertThat(Checker.explains(DEVICE, HERE, history)).as(name).isTrue();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrong")
  void a_planted_wrong_result_is_found(String name, List<Call> history) {
    assertThat(Checker.explains(DEVICE, HERE, history)).as(name).isFalse();
  }
}
