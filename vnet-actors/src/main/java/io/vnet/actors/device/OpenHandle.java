package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import io.vnet.actors.core.InterfaceRules;
import io.vnet.actors.core.SoftcState;
import io.vnet.actors.port.Answers;
import io.vnet.actors.port.GuardedPort;
import io.vnet.actors.port.PortWaiter;
import io.vnet.actors.port.SinglePackets;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.Framing;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.Packet;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The handle of one open: a port over the device's backend, and the one message that its close
 * sends.
 *
 * <p>A packet here costs what the backend costs (see {@link io.vnet.actors.memory.MemoryBackend}
 * and the host's) and no message. {@link #read} and {@link #write} move one packet through a batch
 * of their own call: convenient, not fast.
 */
final class OpenHandle extends BackendPort implements DeviceHandle {
  private static final int LONGEST_WRITE_BYTES = 65535;

  private final HostContext host;
  private final Node node;
  private final DeviceId device;
  private final long number;
  private final ActorRef<SoftcActor.Command> softc;
  private final SinglePackets singles;
  private final List<OpenQueue> others = new ArrayList<>();
  private final AtomicReference<@Nullable CompletableFuture<DeviceId>> closed =
      new AtomicReference<>();

  OpenHandle(
      HostContext host,
      Node node,
      long number,
      ActorRef<SoftcActor.Command> softc,
      DeviceBackend backend) {
    super(node.name(), node.id().name().driver().layer(), host.epoch(), backend);
    this.host = host;
    this.node = node;
    this.device = node.id();
    this.number = number;
    this.softc = softc;
    this.singles = new SinglePackets(this, host.singles(), this::signalReadable);
    List<DeviceBackend> queues = backend.queues();
    for (int i = 1; i < queues.size(); i++) {
      others.add(new OpenQueue(name() + "/" + i, layer(), host.epoch(), queues.get(i)));
    }
  }

  /** A queue after the first. It ends with the handle, and the handle with it. */
  private final class OpenQueue extends BackendPort {
    OpenQueue(String name, Layer layer, Epoch epoch, DeviceBackend queue) {
      super(name, layer, epoch, queue);
    }

    @Override
    protected void onClose() {
      OpenHandle.this.close();
    }

    /** Ends it from the handle; nobody is inside when this returns. */
    void end() {
      close();
      awaitQuiet();
    }
  }

  @Override
  public List<PacketPort> queues() {
    List<PacketPort> queues = new ArrayList<>();
    queues.add(this);
    queues.addAll(others);
    return List.copyOf(queues);
  }

  @Override
  public PortCounters counters() {
    PortCounters sum = super.counters();
    for (OpenQueue other : others) {
      sum = sum.plus(other.counters());
    }
    return sum;
  }

  /** One of {@link #queues}, to be told of readiness. */
  GuardedPort queue(int index) {
    return index == 0 ? this : others.get(index - 1);
  }

  /**
   * Takes all queues away from their users.
   *
   * @return false if the handle had ended before
   */
  boolean revokeAll(Errno errno, String reason) {
    boolean revoked = revoke(errno, reason);
    others.forEach(other -> other.revoke(errno, reason));
    return revoked;
  }

  @Override
  public DeviceId device() {
    return device;
  }

  @Override
  public Packet read() {
    return PortWaiter.receiveOne(this, singles, Long.MAX_VALUE, host.nanoClock(), host.mayWait())
        .orElseThrow();
  }

  @Override
  public Optional<Packet> read(Duration timeout) {
    return PortWaiter.receiveOne(
        this, singles, timeout.toNanos(), host.nanoClock(), host.mayWait());
  }

  @Override
  public void write(Packet packet) {
    if (packet.length() > longestWriteBytes()) {
      throw new VnetException(
          "write",
          name(),
          Errno.EIO,
          packet.length() + " bytes are more than " + longestWriteBytes(),
          "split the packet");
    }
    PortWaiter.sendOne(this, host.singles(), packet, host.mayWait());
  }

  /** A family word comes on top. */
  private int longestWriteBytes() {
    return node.state().filter(state -> state.network().framing() == Framing.FAMILY).isPresent()
        ? LONGEST_WRITE_BYTES + Integer.BYTES
        : LONGEST_WRITE_BYTES;
  }

  @Override
  public void setTransient(boolean transientDevice) {
    tellInSection(new SoftcActor.SetTransient(number, transientDevice), "set transient");
  }

  @Override
  public <T> T option(DeviceOption<T> option) {
    if (!isOpen()) {
      throw endedException("get " + option);
    }
    SoftcState state = node.state().orElseThrow();
    Optional<Object> value =
        option == DeviceOption.TRANSIENT
            ? Optional.of(state.transientDevice())
            : InterfaceRules.get(state.network(), state.driver(), option);
    return option
        .type()
        .cast(
            value.orElseThrow(() ->
                new VnetException(
                    "get " + option,
                    name(),
                    Errno.ENOTTY,
                    "a " + state.driver().driverName() + " has no such option",
                    "")));
  }

  @Override
  public <T> void setOption(DeviceOption<T> option, T value) {
    host.mayWait().accept("set " + option);
    var _ = Answers.join(setOptionAsync(option, value).toCompletableFuture());
  }

  @Override
  public <T> CompletionStage<DeviceId> setOptionAsync(DeviceOption<T> option, T value) {
    CompletableFuture<DeviceId> set = new CompletableFuture<>();
    try {
      if (option == DeviceOption.TRANSIENT) {
        setTransient(DeviceOption.TRANSIENT.type().cast(value));
        set.complete(device);
      } else {
        tellInSection(
            new SoftcActor.SetOption(
                number,
                option,
                value,
                reply -> {
                  var _ =
                      switch (reply) {
                        case SoftcActor.Done _ -> set.completeAsync(() -> device, host.answers());
                        case SoftcActor.Refused(var cause) -> set.completeExceptionally(cause);
                      };
                }),
            "set " + option);
      }
    } catch (VnetException e) {
      set.completeExceptionally(e);
    }
    return set.minimalCompletionStage();
  }

  @Override
  public String interfaceName() {
    return node.interfaceName();
  }

  @Override
  public long readablePackets() {
    return asReceiver("inspect", backend::queuedPackets);
  }

  @Override
  public int nextPacketBytes() {
    return (int) asReceiver("inspect", backend::nextPacketBytes);
  }

  @Override
  public CompletionStage<DeviceId> closed() {
    CompletableFuture<DeviceId> asked = new CompletableFuture<>();
    CompletableFuture<DeviceId> before = closed.compareAndExchange(null, asked);
    return (before == null ? asked : before).minimalCompletionStage();
  }

  @Override
  protected void onClose() {
    others.forEach(OpenQueue::end);
    softc.tell(new SoftcActor.Close(number));
  }

  /** Drops and counts what waits to be read; nothing if the handle has ended. */
  void flush(DropReason reason) {
    tryAsReceiver(() -> {
      int dropped = backend.discardQueued();
      ledger().dropped(reason, dropped);
      return dropped;
    });
  }

  /** The softc carried the close out, or the device is gone. */
  void closeDone() {
    CompletableFuture<DeviceId> done = CompletableFuture.completedFuture(device);
    CompletableFuture<DeviceId> asked = closed.compareAndExchange(null, done);
    if (asked != null && !asked.isDone()) {
      var _ = asked.completeAsync(() -> device, host.answers());
    }
  }

  private void tellInSection(SoftcActor.Command command, String operation) {
    EpochReader section = host.epoch().borrow();
    section.enter();
    try {
      if (!isOpen()) {
        throw endedException(operation);
      }
      softc.tell(command);
    } finally {
      section.exit();
      host.epoch().giveBack(section);
    }
  }
}
