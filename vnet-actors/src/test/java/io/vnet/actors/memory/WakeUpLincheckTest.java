package io.vnet.actors.memory;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.actors.testkit.Exploration;
import io.vnet.api.backend.BackendListener;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PortLedger;
import io.vnet.api.port.PortListener;
import java.lang.foreign.ValueLayout;
import org.jetbrains.lincheck.LincheckAssertionError;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Whoever found nothing to do is told when there is something: however a sender and a receiver
 * interleave, a packet lies before a receiver, or room before a sender, only if a signal followed
 * the call that found none.
 */
@Tag("lincheck")
class WakeUpLincheckTest {
  private static final int PACKET_BYTES = 20;
  private static final SlabPool SLABS = new SlabPool(64, Integer.MAX_VALUE);
  private static final BatchPool BATCHES = new BatchPool(SLABS, 1, 0, 0);
  private static final PacketBatch SENT = BATCHES.acquire();
  private static final PacketBatch RECEIVED = BATCHES.acquire();
  private static final byte IPV4 = 0x45;

  static {
    SENT.segment().set(ValueLayout.JAVA_BYTE, 0, IPV4);
    SENT.commit(PACKET_BYTES);
  }

  /**
   * A sender and a receiver with a queue of one packet between them. Who found nothing to do sleeps
   * until the signal.
   */
  public abstract static class Sides {
    private boolean receiverWaits;
    private boolean senderWaits;
    volatile boolean readable;
    volatile boolean writable;

    abstract boolean trySend();

    abstract boolean tryReceive();

    abstract long queued();

    abstract void release();

    @Operation(nonParallelGroup = "sender")
    public void send() {
      if (!senderWaits || writable) {
        writable = false;
        senderWaits = !trySend();
      }
    }

    @Operation(nonParallelGroup = "receiver")
    public void receive() {
      if (!receiverWaits || readable) {
        RECEIVED.clear();
        readable = false;
        receiverWaits = !tryReceive();
      }
    }

    @Validate
    public void nobody_sleeps_before_work() {
      boolean empty = queued() == 0;
      if (receiverWaits && !readable && !empty) {
        throw new AssertionError("the receiver sleeps before a packet");
      }
      if (senderWaits && !writable && empty) {
        throw new AssertionError("the sender sleeps before room");
      }
      release();
    }
  }

  /** The interface end of an in-memory device sends, its handle's backend receives. */
  public static class MemoryDevice extends Sides implements BackendListener, PortListener {
    private static final DeviceName NAME = DeviceName.match("tun0").orElseThrow();
    private static final DeviceSpec SPEC =
        DeviceSpec.of("tun0").withQueue(1, DeviceSpec.Overflow.BACK_PRESSURE);

    private final PortLedger ledger = new PortLedger();
    private final MemoryBackend backend =
        new MemoryBackend(
            new DeviceId(NAME, 1), SPEC, Epoch.create(Epoch.Barrier.FULL_FENCE), SLABS);
    private final MemoryNetworkEnd network;

    public MemoryDevice() {
      backend.start(this);
      backend.linkUp();
      network = backend.attach();
      var _ = network.listen(this);
    }

    @Override
    boolean trySend() {
      return network.send(SENT, 0) == 1;
    }

    @Override
    boolean tryReceive() {
      boolean any = backend.receive(RECEIVED, ledger) == 1;
      if (any) {
        backend.afterReceive();
      }
      return any;
    }

    @Override
    long queued() {
      return backend.queuedPackets();
    }

    @Override
    void release() {
      network.close();
      backend.release(ledger);
    }

    @Override
    public void readable() {
      readable = true;
    }

    @Override
    public void writable() {
      writable = true;
    }

    @Override
    public void lost(VnetException cause) {
      throw cause;
    }

    @Override
    public void closed(@Nullable VnetException cause) {
      writable = true;
    }
  }

  /** The same protocol on the bare ring, of which one side forgets to look once more. */
  public abstract static class BareRing extends Sides {
    private final PacketRing ring = new PacketRing(SLABS, 1);
    private final boolean senderLooksAgain;
    private final boolean receiverLooksAgain;

    BareRing(boolean senderLooksAgain, boolean receiverLooksAgain) {
      this.senderLooksAgain = senderLooksAgain;
      this.receiverLooksAgain = receiverLooksAgain;
    }

    @Override
    boolean trySend() {
      int at = ring.claim(PACKET_BYTES);
      if (at < 0) {
        ring.producerWaits(true);
        at = senderLooksAgain ? ring.claim(PACKET_BYTES) : -1;
      }
      if (at < 0) {
        return false;
      }
      ring.publish(at, PACKET_BYTES);
      if (ring.takeConsumerWait()) {
        readable = true;
      }
      return true;
    }

    @Override
    boolean tryReceive() {
      int moved = ring.drainTo(RECEIVED);
      if (moved == 0) {
        ring.consumerWaits(true);
        moved = receiverLooksAgain ? ring.drainTo(RECEIVED) : 0;
      }
      if (moved == 0) {
        return false;
      }
      if (ring.takeProducerWait()) {
        writable = true;
      }
      return true;
    }

    @Override
    long queued() {
      return ring.queued();
    }

    @Override
    void release() {
      ring.release();
    }
  }

  public static class CarelessSender extends BareRing {
    public CarelessSender() {
      super(false, true);
    }
  }

  public static class CarelessReceiver extends BareRing {
    public CarelessReceiver() {
      super(true, false);
    }
  }

  @Test
  void no_interleaving_at_a_device_in_memory_loses_a_wake_up() {
    Exploration.modelChecking().check(MemoryDevice.class);
  }

  @Test
  void a_sender_that_does_not_look_again_is_found() {
    assertThatThrownBy(() -> Exploration.fault().check(CarelessSender.class))
        .isInstanceOf(LincheckAssertionError.class)
        .hasMessageContaining("the sender sleeps before room");
  }

  @Test
  void a_receiver_that_does_not_look_again_is_found() {
    assertThatThrownBy(() -> Exploration.fault().check(CarelessReceiver.class))
        .isInstanceOf(LincheckAssertionError.class)
        .hasMessageContaining("the receiver sleeps before a packet");
  }
}
