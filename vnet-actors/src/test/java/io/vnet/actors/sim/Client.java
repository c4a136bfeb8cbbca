package io.vnet.actors.sim;

import io.vnet.actors.device.DriverActor;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.NetworkEnd;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One user of the host: a script of {@link Operation}s, and what it holds. When the script is over
 * it closes all it holds, also what it is given later.
 */
final class Client {
  private static final int OPERATIONS_MIN = 3;
  private static final int OPERATIONS_MORE = 6;
  private static final int GUARD_SECONDS = 10;

  private final World world;
  private final String key;
  private final Queue<Operation> script = new ArrayDeque<>();
  private final List<DeviceHandle> handles = new ArrayList<>();
  private final List<DeviceHandle> granted = new ArrayList<>();
  private final Map<DeviceHandle, Integer> readers = new HashMap<>();
  private final Set<DeviceHandle> closing = new HashSet<>();
  private final List<NetworkEnd> ends = new ArrayList<>();
  private final Map<String, DeviceId> known = new HashMap<>();
  private @Nullable DestroyRequested lastDestroy;
  private boolean over;
  private int reads;

  /** A destroy that can be cancelled. */
  record DestroyRequested(DeviceId device, long waiter) {}

  Client(World world, String key, SplittableRandom random) {
    this.world = world;
    this.key = key;
    int operations = OPERATIONS_MIN + random.nextInt(OPERATIONS_MORE);
    for (int i = 0; i < operations; i++) {
      Operation operation = Operation.draw(random, world.mix(), i == 0);
      script.add(operation);
      if (operation instanceof Operation.Destroy && random.nextInt(3) == 0) {
        script.add(new Operation.Cancel());
      }
    }
  }

  World world() {
    return world;
  }

  String key() {
    return key;
  }

  /** The next operation is a step to come. */
  void resume() {
    step(this::next);
  }

  /** A later step of this client. */
  void step(Runnable task) {
    world.simulator().submit(key, task);
  }

  void note(String text) {
    world.simulator().trace().note(key + ": " + text);
  }

  private void next() {
    Operation operation = script.poll();
    if (operation != null) {
      note(operation.toString());
      world.simulator().performed(operation.getClass());
      operation.perform(this);
      return;
    }
    over = true;
    List.copyOf(handles).forEach(handle -> step(() -> close(handle)));
    List.copyOf(ends).forEach(end -> step(() -> close(end)));
  }

  /** The device of that name now, or the last one known of that name. */
  Optional<DeviceId> target(String name, boolean stale) {
    DeviceId old = known.get(name);
    if (stale && old != null) {
      return Optional.of(old);
    }
    Optional<DeviceId> found = world.find(name).map(node -> node.id());
    found.ifPresent(this::knows);
    return found;
  }

  void knows(DeviceId device) {
    known.put(device.toString(), device);
  }

  void takes(DeviceHandle handle) {
    handles.add(handle);
    granted.add(handle);
    if (over) {
      step(() -> close(handle));
    }
  }

  void takes(NetworkEnd end) {
    ends.add(end);
    if (over) {
      step(() -> close(end));
    }
  }

  Optional<DeviceHandle> lastHandle() {
    return handles.isEmpty() ? Optional.empty() : Optional.of(handles.getLast());
  }

  Optional<NetworkEnd> lastEnd() {
    return ends.isEmpty() ? Optional.empty() : Optional.of(ends.getLast());
  }

  /** Closes a handle; as the port does, only when its reader has left. */
  void close(DeviceHandle handle) {
    if (hasReader(handle)) {
      closing.add(handle);
      return;
    }
    handles.remove(handle);
    handle.close();
  }

  void close(NetworkEnd end) {
    ends.remove(end);
    end.close();
  }

  /** Whether another thread of this client is inside a call on the handle. */
  boolean hasReader(DeviceHandle handle) {
    return readers.getOrDefault(handle, 0) > 0;
  }

  /** A lane for a reader of this client: another thread of the same program. */
  String readerKey() {
    return key + "-reader-" + reads++;
  }

  void readerEnters(DeviceHandle handle) {
    readers.merge(handle, 1, Integer::sum);
  }

  void readerLeaves(DeviceHandle handle) {
    int left = readers.getOrDefault(handle, 0) - 1;
    readers.put(handle, left);
    if (left == 0 && closing.remove(handle)) {
      step(() -> close(handle));
    }
  }

  void destroying(DeviceId device, long waiter) {
    lastDestroy = new DestroyRequested(device, waiter);
  }

  void cancelLast() {
    if (lastDestroy != null) {
      DeviceId device = lastDestroy.device();
      world
          .driver(device.name().driver())
          .tell(new DriverActor.CancelDestroy(device, lastDestroy.waiter()));
    }
  }

  /** It ends in the common pool, perhaps on a thread that another simulation lent to it. */
  private static boolean ends(CompletionStage<?> stage) {
    try {
      stage.toCompletableFuture().get(GUARD_SECONDS, TimeUnit.SECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException | ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /** At the end nothing is held, and each close was reported to whoever waits for it. */
  void checkEnd() {
    if (!over || !handles.isEmpty() || !ends.isEmpty()) {
      world.simulator().report(key + " is not over: " + script + ", holds " + handles + ends);
    }
    for (DeviceHandle handle : granted) {
      if (!ends(handle.closed())) {
        world
            .simulator()
            .report(key + " waits for the close of " + Witness.text(handle.device()) + " for ever");
      }
    }
  }
}
