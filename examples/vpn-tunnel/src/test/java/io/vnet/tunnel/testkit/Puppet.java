package io.vnet.tunnel.testkit;

import io.vnet.api.address.Endpoint;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.Packet;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.core.CoreOutput;
import io.vnet.tunnel.core.HandshakeResult;
import io.vnet.tunnel.core.HandshakeWork;
import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.TunnelCore;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.settings.PeerChange;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The other end of a tunnel in a test's hands: handshakes as it should, and sends under its keys
 * whatever the test wants. Everything happens on the test's thread.
 */
public final class Puppet implements CoreOutput, AutoCloseable {
  private final PacketPort port;
  private final Mailbox mailbox;
  private final TunnelCore core;
  private final ArrayDeque<HandshakeWork> works = new ArrayDeque<>();
  private final ArrayDeque<Sent> toSend = new ArrayDeque<>();
  private @Nullable Peer peer;

  private record Sent(Packet message, Endpoint to) {}

  /** A transport message as it came. */
  public static final class Message {
    private final byte[] message;
    private final byte[] text;
    private final Endpoint from;
    private final int ecn;

    private Message(byte[] message, byte[] text, Endpoint from, int ecn) {
      this.message = message;
      this.text = text;
      this.from = from;
      this.ecn = ecn;
    }

    /** The two bits of its datagram. */
    public int ecn() {
      return ecn;
    }

    /** Sealed. */
    public byte[] message() {
      return message.clone();
    }

    /** Opened. */
    public byte[] text() {
      return text.clone();
    }

    public Endpoint from() {
      return from;
    }
  }

  /**
   * @param port of datagrams
   * @param key of the pair's sides whose part it takes
   * @param other the side that it speaks to
   */
  public Puppet(PacketPort port, int key, PeerChange other) {
    this.port = port;
    this.mailbox = new Mailbox(port);
    this.core = new TunnelCore(CryptoProviders.choose(), new SecureRandom()::nextBytes, this);
    core.change(TunnelPair.change(key).withPeers(List.of(other)), now());
    core.up(now());
  }

  private static long now() {
    return System.nanoTime();
  }

  private static long unixNanos() {
    return System.currentTimeMillis() * 1_000_000L;
  }

  @Override
  public void send(byte[] message, Endpoint to) {
    toSend.add(new Sent(Packet.of(message), to));
  }

  @Override
  public void work(HandshakeWork work) {
    works.add(work);
  }

  @Override
  public void flush(Peer flushed) {
    // The test decides what is sent.
  }

  @Override
  public void deadline(Peer of) {
    // Nothing is ever late in a test.
  }

  @Override
  public void added(Peer added) {
    peer = added;
  }

  @Override
  public void removed(Peer removed) {
    peer = null;
  }

  private Peer peer() {
    return Objects.requireNonNull(peer);
  }

  /** Takes what comes until there is a transport message, which is returned. */
  public Message next() throws InterruptedException {
    while (true) {
      Message message = take(mailbox.nextReceived());
      if (message != null) {
        return message;
      }
    }
  }

  /** The next one that is no keepalive. */
  public Message nextPacket() throws InterruptedException {
    Message message = next();
    while (message.text.length == 0) {
      message = next();
    }
    return message;
  }

  /** Takes one handshake message, and answers it. */
  public void takeHandshake() throws InterruptedException {
    if (take(mailbox.nextReceived()) != null) {
      throw new AssertionError("a transport message");
    }
  }

  private @Nullable Message take(Mailbox.Received received) throws InterruptedException {
    byte[] message = received.packet().toByteArray();
    Endpoint from = Objects.requireNonNull(received.from());
    if (message[0] != Messages.TRANSPORT) {
      core.handshake(message, from, now(), unixNanos());
      workAndSend();
      return null;
    }
    ByteBuffer header = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    Keypair keypair = Objects.requireNonNull(core.keypair(header.getInt(4)));
    byte[] text = new byte[message.length - Messages.TRANSPORT_OVERHEAD_BYTES];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(message.length);
      MemorySegment.copy(message, 0, memory, ValueLayout.JAVA_BYTE, 0, message.length);
      boolean authentic =
          keypair
              .receiveCipher()
              .open(header.getLong(8), memory, 16, message.length - 16, memory, 16);
      if (!authentic || !keypair.accept(header.getLong(8))) {
        throw new AssertionError("not authentic, or twice");
      }
      MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 16, text, 0, text.length);
    }
    peer().received(now(), keypair, from, message.length, text.length > 0);
    return new Message(message, text, from, DatagramTrain.ecn(received.offload()));
  }

  private void workAndSend() throws InterruptedException {
    while (!works.isEmpty()) {
      HandshakeResult result = works.remove().run();
      if (result != null) {
        core.complete(result, now(), unixNanos());
      }
    }
    while (!toSend.isEmpty()) {
      Sent sent = toSend.remove();
      mailbox.send(sent.message, 0, sent.to);
    }
  }

  /** Sends an initiation and takes the response. */
  public void begin() throws InterruptedException {
    core.expire(peer(), now(), unixNanos());
    workAndSend();
    while (peer().beginSending(now()) == null) {
      take(mailbox.nextReceived());
    }
  }

  /** The keys to send under; after the other side's first message. */
  public Keypair keypair() {
    return Objects.requireNonNull(peer().beginSending(now()), "keypair");
  }

  /** A message with this text, under the next counter. */
  public byte[] seal(byte[] text) {
    return seal(text, keypair().takeCounter());
  }

  public byte[] seal(byte[] text, long counter) {
    Keypair keypair = keypair();
    byte[] message = new byte[text.length + Messages.TRANSPORT_OVERHEAD_BYTES];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(message.length);
      MemorySegment.copy(text, 0, memory, ValueLayout.JAVA_BYTE, 16, text.length);
      keypair.sendCipher().seal(counter, memory, 16, text.length, memory, 16);
      MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, message, 0, message.length);
    }
    ByteBuffer.wrap(message)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(Messages.TRANSPORT)
        .putInt(keypair.remoteIndex())
        .putLong(counter);
    return message;
  }

  /** Sends a datagram to where the other side was seen last. */
  public void send(byte[] message) throws InterruptedException {
    mailbox.send(Packet.of(message), 0, Objects.requireNonNull(peer().endpoint()));
  }

  /** The same with a mark of ECN. */
  public void send(byte[] message, int ecn) throws InterruptedException {
    mailbox.send(
        Packet.of(message), DatagramTrain.of(0, ecn), Objects.requireNonNull(peer().endpoint()));
  }

  /** Sends by another port, as if it had moved. */
  public void sendBy(Mailbox other, byte[] message) throws InterruptedException {
    Endpoint to = Objects.requireNonNull(peer().endpoint()).withoutSource();
    other.send(Packet.of(message), 0, to);
  }

  /** Sends datagrams as one train. */
  public void sendTrain(int segmentBytes, List<byte[]> messages) throws InterruptedException {
    ByteBuffer all = ByteBuffer.allocate(messages.stream().mapToInt(m -> m.length).sum());
    messages.forEach(all::put);
    mailbox.send(
        Packet.of(all.array()),
        DatagramTrain.of(segmentBytes, 0),
        Objects.requireNonNull(peer().endpoint()));
  }

  @Override
  public void close() {
    mailbox.close();
    core.down(now());
    port.close();
  }
}
