package io.vnet.actors.sim;

import io.vnet.api.backend.BackendListener;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Island;
import io.vnet.api.port.PortLedger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that knows which of its devices are released, and that fails as the {@link Mix} says: an
 * open, or any later call, may throw; a backend may be slow to quiesce, or be lost.
 */
final class SimulatedNetwork implements HostNetwork {
  private static final long STALL_NANOS = 3_000_000;

  private final Simulator simulator;
  private final Mix mix;
  private final SplittableRandom random;
  private final Consumer<String> fault;
  private final Map<String, Backend> present = new HashMap<>();
  private final List<Backend> all = new ArrayList<>();

  /**
   * @param fault is told the name of a device before something of it fails
   */
  SimulatedNetwork(Simulator simulator, Mix mix, SplittableRandom random, Consumer<String> fault) {
    this.simulator = simulator;
    this.mix = mix;
    this.random = random;
    this.fault = fault;
  }

  @Override
  public DeviceBackend open(BackendRequest request) {
    String name = request.interfaceName();
    if (chance(mix.throwPercent())) {
      if (random.nextBoolean()) {
        throw new VnetException("open", name, Errno.EPERM, "simulated", "");
      }
      throw new IllegalStateException("simulated failure of open " + name);
    }
    if (present.containsKey(name)) {
      simulator.report(name + " is opened while an older one is not released");
    }
    Backend backend = new Backend(name, request.mtu(), chance(mix.blockingPercent()));
    present.put(name, backend);
    all.add(backend);
    return backend;
  }

  /** The backend of that name that is not released, if there is one. */
  Optional<Backend> find(String name) {
    return Optional.ofNullable(present.get(name));
  }

  /** After the host has ended: each backend was released. */
  void checkEnd() {
    for (Backend backend : all) {
      if (!backend.released) {
        simulator.report(backend.name + " was never released");
      }
    }
  }

  @Override
  public List<? extends Island> islands() {
    return List.of();
  }

  @Override
  public Island island(boolean superPackets) {
    throw new UnsupportedOperationException("nothing runs on islands here");
  }

  @Override
  public List<HostInterface> interfaces() {
    return List.of();
  }

  @Override
  public void close() {}

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  /** One interface. */
  final class Backend implements DeviceBackend {
    private final String name;
    private final int mtu;
    private final boolean blocking;
    private @Nullable BackendListener listener;
    private Runnable meanwhile = () -> {};
    private boolean quiesced;
    private boolean released;

    private Backend(String name, int mtu, boolean blocking) {
      this.name = name;
      this.mtu = mtu;
      this.blocking = blocking;
    }

    /**
     * The kernel's interface went away; or the poller says something that its listener chokes on.
     */
    void lose() {
      if (listener != null && !quiesced) {
        fault.accept(name);
        listener.lost(new VnetException("poll", name, Errno.EBADFD, "simulated loss", ""));
      }
    }

    @Override
    public String interfaceName() {
      return name;
    }

    @Override
    public int mtu() {
      return mtu;
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
      touch("start");
      listener = newListener;
      mayThrow("start");
    }

    @Override
    public void linkUp() {
      touch("link up");
      mayThrow("link up");
    }

    @Override
    public void linkDown(PortLedger ledger) {
      touch("link down");
      mayThrow("link down");
    }

    /** Its descriptor is used from here to the return, while others go on. */
    @Override
    public int receive(PacketBatch into, PortLedger ledger) {
      passTime("receive");
      return 0;
    }

    /** How many steps others make inside the next receive or send. */
    void meanwhile(int steps) {
      meanwhile(() -> simulator.meanwhile(steps));
    }

    /** What others do inside the next receive or send. */
    void meanwhile(Runnable what) {
      meanwhile = what;
    }

    private void passTime(String operation) {
      touch(operation);
      Runnable now = meanwhile;
      meanwhile = () -> {};
      now.run();
      touch("the rest of a " + operation);
    }

    @Override
    public int send(PacketBatch batch, int from, PortLedger ledger) {
      passTime("send");
      return batch.count() - from;
    }

    @Override
    public void quiesce(Runnable done) {
      touch("quiesce");
      if (chance(mix.throwPercent())) {
        quiesced = true;
        fault.accept(name);
        throw new IllegalStateException("simulated failure of quiesce " + name);
      }
      Runnable leave =
          () -> {
            quiesced = true;
            done.run();
          };
      if (chance(mix.stallPercent())) {
        simulator.after(STALL_NANOS, () -> simulator.submit("poller of " + name, leave));
      } else if (random.nextBoolean()) {
        simulator.submit("poller of " + name, leave);
      } else {
        leave.run();
      }
    }

    @Override
    public void release(PortLedger ledger) {
      if (released) {
        simulator.report(name + " is released twice");
      }
      if (!quiesced) {
        simulator.report(name + " is released before it is quiesced");
      }
      released = true;
      present.remove(name, this);
      mayThrow("release");
    }

    private void touch(String operation) {
      if (released) {
        simulator.report(operation + " of " + name + " after its release");
      }
    }

    private void mayThrow(String operation) {
      if (chance(mix.throwPercent())) {
        fault.accept(name);
        throw new IllegalStateException("simulated failure of " + operation + " " + name);
      }
    }
  }
}
