package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import io.vnet.actors.port.GuardedPort;
import io.vnet.actors.port.PortWaiter;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Island;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * The handle of one open: a port over the device's backend, and the one message that its close
 * sends.
 *
 * <p>A packet here costs what the backend costs (see {@link io.vnet.actors.memory.MemoryBackend}
 * and the host's) and no message. {@link #read} and {@link #write} move one packet through a batch
 * of their own call: convenient, not fast.
 */
final class OpenHandle extends GuardedPort implements DeviceHandle {
  private static final int LONGEST_WRITE_BYTES = 65535;

  private final HostContext host;
  private final DeviceId device;
  private final long number;
  private final ActorRef<SoftcActor.Command> softc;
  private final DeviceBackend backend;
  private final CompletableFuture<DeviceId> closed = new CompletableFuture<>();

  OpenHandle(
      HostContext host,
      DeviceId device,
      long number,
      ActorRef<SoftcActor.Command> softc,
      DeviceBackend backend) {
    super(device.toString(), device.name().driver().layer(), host.epoch());
    this.host = host;
    this.device = device;
    this.number = number;
    this.softc = softc;
    this.backend = backend;
  }

  @Override
  public DeviceId device() {
    return device;
  }

  @Override
  public int mtu() {
    return backend.mtu();
  }

  @Override
  public Optional<Island> island() {
    return backend.island();
  }

  @Override
  protected int doReceive(PacketBatch into) {
    return backend.receive(into, ledger());
  }

  @Override
  protected int doSend(PacketBatch batch, int from) {
    return backend.send(batch, from, ledger());
  }

  @Override
  protected void afterReceive() {
    backend.afterReceive();
  }

  @Override
  protected void afterSend() {
    backend.afterSend();
  }

  @Override
  public Packet read() {
    return PortWaiter.receiveOne(this, host.singles(), Long.MAX_VALUE, host.nanoClock())
        .orElseThrow();
  }

  @Override
  public Optional<Packet> read(Duration timeout) {
    return PortWaiter.receiveOne(this, host.singles(), timeout.toNanos(), host.nanoClock());
  }

  @Override
  public void write(Packet packet) {
    if (packet.length() > LONGEST_WRITE_BYTES) {
      throw new VnetException(
          "write",
          name(),
          Errno.EIO,
          packet.length() + " bytes are more than " + LONGEST_WRITE_BYTES,
          "split the packet");
    }
    PortWaiter.sendOne(this, host.singles(), packet);
  }

  @Override
  public void setTransient(boolean transientDevice) {
    tellInSection(new SoftcActor.SetTransient(number, transientDevice), "set transient");
  }

  @Override
  public CompletionStage<DeviceId> closed() {
    return closed.minimalCompletionStage();
  }

  @Override
  protected void onClose() {
    softc.tell(new SoftcActor.Close(number));
  }

  /** The softc carried the close out, or the device is gone. */
  void closeDone() {
    var _ = closed.completeAsync(() -> device);
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
