package io.vnet.actors.testkit;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.backend.HostNetworkProvider;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.Island;
import io.vnet.api.port.PortLedger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A host network without a kernel: its backends keep arriving packets in a queue, and each step of
 * their life can be made to fail or to stall. Safe on any thread.
 */
public final class FakeHostNetwork implements HostNetworkProvider, HostNetwork {
  private static final int GUARD_SECONDS = 60;

  /** Where it can fail or stall. */
  public enum Step {
    PROVIDER_START,
    OPEN,
    START,
    LINK_UP,
    LINK_DOWN,
    CHANGE,
    RENAME,
    COUNT,
    RECEIVE,
    QUIESCE,
    RELEASE,
    NETWORK_CLOSE
  }

  /** A step that stalls. */
  public static final class Stall {
    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch left = new CountDownLatch(1);
    private volatile @Nullable Thread thread;

    /** Waits until somebody is inside; returns the thread. */
    public Thread awaitEntered() {
      await(entered);
      Thread inside = thread;
      if (inside == null) {
        throw new AssertionError("nobody is inside");
      }
      return inside;
    }

    /** Lets whoever is inside, or comes later, go on. */
    public void leave() {
      left.countDown();
    }

    private void pass() {
      thread = Thread.currentThread();
      entered.countDown();
      await(left);
    }

    private static void await(CountDownLatch latch) {
      try {
        if (!latch.await(GUARD_SECONDS, TimeUnit.SECONDS)) {
          throw new AssertionError("waited for " + GUARD_SECONDS + " s");
        }
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  /** The only one; its tasks run on the common pool, several at a time. */
  private static final class FakeIsland implements Island {
    private final Set<Thread> inside = ConcurrentHashMap.newKeySet();

    @Override
    public String name() {
      return "fake-island";
    }

    @Override
    public boolean inIsland() {
      return inside.contains(Thread.currentThread());
    }

    @Override
    public void execute(Runnable task) {
      ForkJoinPool.commonPool()
          .execute(() -> {
            inside.add(Thread.currentThread());
            try {
              task.run();
            } finally {
              inside.remove(Thread.currentThread());
            }
          });
    }
  }

  private final Island island = new FakeIsland();
  private final boolean blocking;
  private final Map<Step, Supplier<? extends RuntimeException>> failures =
      new ConcurrentHashMap<>();
  private final Map<Step, Supplier<? extends Error>> errors = new ConcurrentHashMap<>();
  private final Map<Step, Stall> stalls = new ConcurrentHashMap<>();
  private final Map<String, FakeBackend> open = new ConcurrentHashMap<>();
  private final List<Step> steps = new CopyOnWriteArrayList<>();

  /**
   * @param blocking whether the backends say that their calls may block
   */
  public FakeHostNetwork(boolean blocking) {
    this.blocking = blocking;
  }

  /** Makes a step fail each time. */
  public void fail(Step step, Supplier<? extends RuntimeException> failure) {
    failures.put(step, failure);
  }

  /** Makes a step fail each time with an error. */
  public void failWithError(Step step, Supplier<? extends Error> error) {
    errors.put(step, error);
  }

  /** Makes a step stall until it is told to leave. */
  public Stall stall(Step step) {
    Stall stall = new Stall();
    stalls.put(step, stall);
    return stall;
  }

  /** The backend with that interface name, which is open. */
  public FakeBackend backend(String interfaceName) {
    FakeBackend backend = open.get(interfaceName);
    if (backend == null) {
      throw new AssertionError(interfaceName + " is not open, but " + open.keySet());
    }
    return backend;
  }

  /** Backends that were opened and not released. */
  public int open() {
    return open.size();
  }

  /** The steps so far. */
  public List<Step> steps() {
    return List.copyOf(steps);
  }

  private void step(Step step) {
    steps.add(step);
    Stall stall = stalls.get(step);
    if (stall != null) {
      stall.pass();
    }
    Supplier<? extends RuntimeException> failure = failures.get(step);
    if (failure != null) {
      throw failure.get();
    }
    Supplier<? extends Error> error = errors.get(step);
    if (error != null) {
      throw error.get();
    }
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public Optional<VnetException> obstacle() {
    return Optional.empty();
  }

  @Override
  public HostNetwork start(IslandSettings settings) {
    step(Step.PROVIDER_START);
    return this;
  }

  @Override
  public DeviceBackend open(BackendRequest request) {
    step(Step.OPEN);
    FakeBackend backend = new FakeBackend(request);
    open.put(backend.interfaceName(), backend);
    return backend;
  }

  @Override
  public List<? extends Island> islands() {
    return List.of(island);
  }

  @Override
  public Island island(boolean superPackets) {
    return island;
  }

  @Override
  public List<HostInterface> interfaces() {
    return List.of();
  }

  @Override
  public void close() {
    step(Step.NETWORK_CLOSE);
  }

  /** One device's backend. */
  public final class FakeBackend implements DeviceBackend {
    private final BackendRequest request;
    private final Queue<Packet> arrived = new ConcurrentLinkedQueue<>();
    private final List<DeviceBackend> queues = new ArrayList<>();
    private volatile String interfaceName;
    private volatile @Nullable BackendListener listener;

    FakeBackend(BackendRequest request) {
      this.request = request;
      this.interfaceName = request.interfaceName();
      queues.add(this);
      for (int i = 1; i < request.host().queues(); i++) {
        queues.add(new FakeQueue(this));
      }
    }

    @Override
    public List<DeviceBackend> queues() {
      return List.copyOf(queues);
    }

    /** A packet comes in by a queue. */
    public void arrive(int queue, Packet packet) {
      if (queues.get(queue) instanceof FakeQueue other) {
        other.arrived.add(packet);
        listener().queue(queue).readable();
      } else {
        arrive(packet);
      }
    }

    /** A packet comes in from the network. */
    public void arrive(Packet packet) {
      arrived.add(packet);
      listener().readable();
    }

    /** Somebody removed the interface. */
    public void lose() {
      listener()
          .lost(new VnetException("poll", interfaceName(), Errno.ENODEV, "removed by a test", ""));
    }

    private BackendListener listener() {
      BackendListener current = listener;
      if (current == null) {
        throw new AssertionError(interfaceName() + " was not started");
      }
      return current;
    }

    @Override
    public String interfaceName() {
      return interfaceName;
    }

    @Override
    public int mtu() {
      return request.mtu();
    }

    @Override
    public Optional<Island> island() {
      return Optional.empty();
    }

    @Override
    public boolean blocking() {
      return blocking;
    }

    @Override
    public void start(BackendListener newListener) {
      listener = newListener;
      step(Step.START);
    }

    @Override
    public void linkUp() {
      step(Step.LINK_UP);
    }

    @Override
    public void linkDown(PortLedger ledger) {
      ledger.dropped(DropReason.FLUSHED_AT_CLOSE, discard());
      step(Step.LINK_DOWN);
    }

    @Override
    public void change(InterfaceChange change) {
      step(Step.CHANGE);
    }

    @Override
    public void rename(String newName) {
      step(Step.RENAME);
      interfaceName = newName;
    }

    @Override
    public InterfaceCounters interfaceCounters() {
      step(Step.COUNT);
      return new InterfaceCounters(1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    private int discard() {
      int dropped = 0;
      while (arrived.poll() != null) {
        dropped++;
      }
      for (DeviceBackend queue : queues) {
        if (queue instanceof FakeQueue other) {
          while (other.arrived.poll() != null) {
            dropped++;
          }
        }
      }
      return dropped;
    }

    @Override
    public int receive(PacketBatch into, PortLedger ledger) {
      return FakeHostNetwork.this.receive(arrived, into, ledger);
    }

    @Override
    public int send(PacketBatch batch, int from, PortLedger ledger) {
      ledger.sent(batch.count() - from, 0);
      return batch.count() - from;
    }

    @Override
    public void quiesce(Runnable done) {
      step(Step.QUIESCE);
      done.run();
    }

    @Override
    public void release(PortLedger ledger) {
      open.values().remove(this);
      ledger.dropped(DropReason.DEVICE_DESTROYED, discard());
      step(Step.RELEASE);
    }
  }

  private int receive(Queue<Packet> arrived, PacketBatch into, PortLedger ledger) {
    step(Step.RECEIVE);
    int packets = 0;
    for (Packet packet = arrived.peek();
        packet != null && into.append(packet);
        packet = arrived.peek()) {
      arrived.remove();
      packets++;
      ledger.received(1, packet.length());
    }
    return packets;
  }

  /** A queue after the first: packets, and nothing of a life of its own. */
  private final class FakeQueue implements DeviceBackend {
    private final FakeBackend first;
    private final Queue<Packet> arrived = new ConcurrentLinkedQueue<>();

    FakeQueue(FakeBackend first) {
      this.first = first;
    }

    @Override
    public String interfaceName() {
      return first.interfaceName();
    }

    @Override
    public int mtu() {
      return first.mtu();
    }

    @Override
    public Optional<Island> island() {
      return Optional.empty();
    }

    @Override
    public int receive(PacketBatch into, PortLedger ledger) {
      return FakeHostNetwork.this.receive(arrived, into, ledger);
    }

    @Override
    public int send(PacketBatch batch, int from, PortLedger ledger) {
      return first.send(batch, from, ledger);
    }

    @Override
    public boolean blocking() {
      throw ofTheFirst();
    }

    @Override
    public void start(BackendListener listener) {
      throw ofTheFirst();
    }

    @Override
    public void linkUp() {
      throw ofTheFirst();
    }

    @Override
    public void linkDown(PortLedger ledger) {
      throw ofTheFirst();
    }

    @Override
    public void quiesce(Runnable done) {
      throw ofTheFirst();
    }

    @Override
    public void release(PortLedger ledger) {
      throw ofTheFirst();
    }

    private static AssertionError ofTheFirst() {
      return new AssertionError("that is asked of the first queue");
    }
  }
}
