package io.vnet.benchmarks.udp;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One direction of traffic with a bound on what is under way: a sender who waits for the receiver
 * is woken by him, so that nothing is lost and neither spins.
 *
 * <p>{@link #maySend} and {@link #sent} are the sending thread's, {@link #received} the receiving
 * one's, {@link #rescue} a third one's.
 */
final class Flow {
  /** Datagrams have this many bytes: a full packet of a tunnel with an MTU of 1420. */
  static final int DATAGRAM_BYTES = 1452;

  /** As many as fit into one message of the kernel's. */
  static final int TRAIN = 45;

  static final int TRAIN_BYTES = TRAIN * DATAGRAM_BYTES;

  /** Trains that are handed over in one call. */
  static final int TRAINS = 2;

  /** Less than a socket's receive buffer holds without a privilege. */
  static final int WINDOW_BYTES = 2 * TRAINS * TRAIN_BYTES;

  static final int BUFFER_BYTES = 212_992;

  private static final int LOOKS = 20;

  private final AtomicLong sentBytes = new AtomicLong();
  private final AtomicLong receivedBytes = new AtomicLong();
  private final AtomicLong lostBytes = new AtomicLong();
  private final AtomicBoolean waiting = new AtomicBoolean();
  private final Runnable wakeSender;
  private volatile boolean stopped = true;
  private long rescuedAt;
  private int looks;

  /**
   * @param wakeSender makes the sending thread send again
   */
  Flow(Runnable wakeSender) {
    this.wakeSender = wakeSender;
  }

  void start() {
    stopped = false;
    waiting.set(false);
    wakeSender.run();
  }

  void stop() {
    stopped = true;
  }

  /** Whether the next trains may go; if not, and it is not over, the sender is woken later. */
  boolean maySend() {
    if (stopped) {
      return false;
    }
    if (hasRoom()) {
      return true;
    }
    waiting.set(true);
    // Who received between the look and the word has not seen it.
    return hasRoom() && waiting.compareAndSet(true, false);
  }

  private boolean hasRoom() {
    return sentBytes.get() - receivedBytes.get() - lostBytes.get()
        <= WINDOW_BYTES - TRAINS * TRAIN_BYTES;
  }

  void sent(long bytes) {
    sentBytes.setRelease(sentBytes.getPlain() + bytes);
  }

  void received(long bytes) {
    receivedBytes.set(receivedBytes.getPlain() + bytes);
    if (waiting.get() && hasRoom() && waiting.compareAndSet(true, false)) {
      wakeSender.run();
    }
  }

  long receivedBytes() {
    return receivedBytes.get();
  }

  /** What has been given up. */
  long lostBytes() {
    return lostBytes.get();
  }

  /** Gives up what is under way if nothing has arrived during so many calls. */
  void rescue() {
    long received = receivedBytes.get();
    if (received != rescuedAt) {
      looks = 0;
    } else if (++looks >= LOOKS && waiting.get()) {
      looks = 0;
      lostBytes.addAndGet(sentBytes.get() - received - lostBytes.get());
      if (waiting.compareAndSet(true, false)) {
        wakeSender.run();
      }
    }
    rescuedAt = received;
  }
}
