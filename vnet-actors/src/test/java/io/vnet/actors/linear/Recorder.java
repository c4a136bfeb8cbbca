package io.vnet.actors.linear;

import io.vnet.actors.port.Answers;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.Vnet;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Calls one device and writes down what came of it. Safe on any thread. */
final class Recorder {
  private static final int GUARD_SECONDS = 60;

  private final Device device;
  private final AtomicLong clock;
  private final AtomicInteger numbers = new AtomicInteger();
  private final ConcurrentLinkedQueue<Call> calls = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<CompletableFuture<?>> pending = new ConcurrentLinkedQueue<>();

  /** A handle and the call that got it. */
  record Held(Recorder recorder, int call, DeviceHandle handle) {}

  Recorder(Device device, AtomicLong clock) {
    this.device = device;
    this.clock = clock;
  }

  Device device() {
    return device;
  }

  /** Waits for the answer. */
  Optional<Held> open() {
    int number = numbers.getAndIncrement();
    long invoked = clock.incrementAndGet();
    try {
      DeviceHandle handle = device.open();
      over(number, new Call.Open(), invoked, Call.GRANTED);
      return Optional.of(new Held(this, number, handle));
    } catch (VnetException e) {
      over(number, new Call.Open(), invoked, e.errno().name());
      return Optional.empty();
    }
  }

  /** Goes on at once. */
  void close(Held held) {
    int number = numbers.getAndIncrement();
    Call.What what = new Call.Close(held.call());
    long invoked = clock.incrementAndGet();
    held.handle().close();
    var _ = record(number, what, invoked, held.handle().closed(), Call.CLOSED);
  }

  /** Goes on at once. */
  void destroy(DestroyPolicy policy, boolean cancelled) {
    int number = numbers.getAndIncrement();
    Call.What what = new Call.Destroy(policy, cancelled);
    long invoked = clock.incrementAndGet();
    DestroyRequest request = device.destroyAsync(policy);
    var _ = record(number, what, invoked, request.done(), Call.GONE);
    if (cancelled) {
      request.cancel();
    }
  }

  /** Waits for the answer, or not. */
  void rename(String name, boolean wait) {
    int number = numbers.getAndIncrement();
    long invoked = clock.incrementAndGet();
    CompletableFuture<?> over =
        record(number, new Call.Rename(name), invoked, device.renameAsync(name), Call.DONE);
    if (wait) {
      over.join();
    }
  }

  /** Waits for the answer, or not. */
  void move(Vnet target, boolean wait) {
    int number = numbers.getAndIncrement();
    Call.What what = new Call.Move(target.name());
    long invoked = clock.incrementAndGet();
    CompletableFuture<?> over =
        record(number, what, invoked, device.moveToAsync(target), Call.DONE);
    if (wait) {
      over.join();
    }
  }

  private CompletableFuture<?> record(
      int number, Call.What what, long invoked, CompletionStage<?> stage, String success) {
    CompletableFuture<?> over =
        stage
            .<String>handle((_, failure) ->
                failure == null
                    ? success
                    : Answers.unwrap(failure) instanceof VnetException refused
                        ? refused.errno().name()
                        : failure.toString())
            .thenAccept(result -> over(number, what, invoked, result))
            .toCompletableFuture();
    pending.add(over);
    return over;
  }

  private void over(int number, Call.What what, long invoked, String result) {
    calls.add(new Call(number, what, invoked, clock.incrementAndGet(), result));
  }

  /** The whole history, once every call is over. */
  List<Call> history() {
    for (CompletableFuture<?> call : pending) {
      call.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    }
    List<Call> history = new ArrayList<>(calls);
    history.sort(Comparator.comparingInt(Call::number));
    return history;
  }
}
