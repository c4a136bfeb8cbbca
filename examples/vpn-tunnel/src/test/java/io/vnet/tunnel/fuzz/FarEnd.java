package io.vnet.tunnel.fuzz;

import io.vnet.api.address.Endpoint;
import io.vnet.api.packet.Packet;
import io.vnet.tunnel.core.CoreOutput;
import io.vnet.tunnel.core.HandshakeResult;
import io.vnet.tunnel.core.HandshakeWork;
import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.TunnelCore;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Handshakes;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Macs;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.noise.PeerIdentity;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.testkit.IpFlow;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Somebody with keys of his own: what he sends is collected, and is what a test makes of it. */
final class FarEnd implements CoreOutput {
  private static final MemorySegment MEMORY = Arena.ofAuto().allocate(1 << 17);
  private static final int SEALED_AT = 1 << 16;

  private final FuzzWorld world;
  private final int number;
  private final Endpoint place;
  private final Identity identity;
  private final PeerIdentity tunnel;
  private final TunnelCore core;
  private final ArrayDeque<HandshakeWork> works = new ArrayDeque<>();
  private final ArrayDeque<Peer> flushes = new ArrayDeque<>();
  private final List<byte[]> outbox = new ArrayList<>();
  private @Nullable Peer peer;

  FarEnd(FuzzWorld world, int number, PublicKey tunnelKey) {
    this.world = world;
    this.number = number;
    this.place = Endpoint.parse("192.0.2." + number + ":51820");
    PrivateKey key = world.randomKey();
    this.identity = Identity.of(FuzzWorld.CRYPTO, key);
    this.tunnel = PeerIdentity.of(FuzzWorld.CRYPTO, identity, tunnelKey);
    this.core = new TunnelCore(FuzzWorld.CRYPTO, world.random()::nextBytes, this);
    core.change(
        TunnelChange.NONE
            .withPrivateKey(key)
            .withPeers(List.of(PeerChange.of(tunnelKey).withEndpoint(FuzzWorld.PLACE))),
        world.now());
    core.up(world.now());
  }

  PublicKey publicKey() {
    return identity.publicKey();
  }

  Identity identity() {
    return identity;
  }

  /** The tunnel as it is seen from here. */
  PeerIdentity tunnel() {
    return tunnel;
  }

  Endpoint place() {
    return place;
  }

  /** Packets from here to the tunnel's user. */
  IpFlow flow(boolean v6) {
    return v6 ? IpFlow.of("fd09::" + number, "fd09::1") : IpFlow.of("10.9.0." + number, "10.9.0.1");
  }

  private Peer peer() {
    return Objects.requireNonNull(peer);
  }

  /** The keys that it sends under now. */
  Keypair keypair() {
    return Objects.requireNonNull(peer().beginSending(world.now()), "no keys");
  }

  /** An initiation, begun because there is a packet to send. */
  byte[] begin() {
    peer().stage(flow(false).sized(40, number), world.now());
    work(); // Under keys that are old it is sent, and others are wanted.
    core.expire(peer(), world.now(), world.unixNanos());
    work();
    return take(Messages.INITIATION);
  }

  /** Takes a message of the tunnel's. */
  void receive(byte[] message) {
    if (message[0] == Messages.TRANSPORT) {
      ByteBuffer header = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
      Keypair keypair = Objects.requireNonNull(core.keypair(header.getInt(4)));
      keypair.accept(header.getLong(8));
      peer().received(world.now(), keypair, FuzzWorld.PLACE, message.length, true);
    } else {
      core.handshake(message, FuzzWorld.PLACE, world.now(), world.unixNanos());
    }
    work();
  }

  /** What is in a transport message of the tunnel's, without a look at whether it came before. */
  byte[] open(byte[] message) {
    ByteBuffer header = ByteBuffer.wrap(message).order(ByteOrder.LITTLE_ENDIAN);
    Keypair keypair = Objects.requireNonNull(core.keypair(header.getInt(4)));
    int sealedBytes = message.length - Messages.TRANSPORT_HEADER_BYTES;
    MemorySegment sealed = MEMORY.asSlice(SEALED_AT);
    MemorySegment.copy(
        message, Messages.TRANSPORT_HEADER_BYTES, sealed, ValueLayout.JAVA_BYTE, 0, sealedBytes);
    if (!keypair.receiveCipher().open(header.getLong(8), sealed, 0, sealedBytes, MEMORY, 0)) {
      throw new AssertionError("not authentic");
    }
    return MEMORY
        .asSlice(0, message.length - Messages.TRANSPORT_OVERHEAD_BYTES)
        .toArray(ValueLayout.JAVA_BYTE);
  }

  /** The last message that it has sent, of a type. */
  byte[] take(int type) {
    byte[] message = outbox.removeLast();
    if (message[0] != type) {
      throw new AssertionError("a message of type " + message[0]);
    }
    return message;
  }

  private void work() {
    while (!works.isEmpty()) {
      HandshakeResult result = works.remove().run();
      if (result != null) {
        core.complete(result, world.now(), world.unixNanos());
      }
    }
    while (!flushes.isEmpty()) {
      flushNow(flushes.remove());
    }
  }

  private void flushNow(Peer flushed) {
    Keypair keypair = keypair();
    long bytes = 0;
    if (flushed.takeKeepalive()) {
      outbox.add(seal(keypair, keypair.takeCounter(), new byte[0]));
      bytes += Messages.TRANSPORT_OVERHEAD_BYTES;
    }
    for (Packet packet = flushed.pollStaged(); packet != null; packet = flushed.pollStaged()) {
      outbox.add(seal(keypair, keypair.takeCounter(), packet.toByteArray()));
      bytes += packet.length() + Messages.TRANSPORT_OVERHEAD_BYTES;
    }
    flushed.sent(world.now(), bytes, true);
  }

  /** A transport message. */
  static byte[] seal(Keypair keypair, long counter, byte[] text) {
    MemorySegment.copy(text, 0, MEMORY, ValueLayout.JAVA_BYTE, 0, text.length);
    keypair.sendCipher().seal(counter, MEMORY, 0, text.length, MEMORY, SEALED_AT);
    byte[] message = new byte[text.length + Messages.TRANSPORT_OVERHEAD_BYTES];
    MemorySegment.copy(
        MEMORY,
        ValueLayout.JAVA_BYTE,
        SEALED_AT,
        message,
        Messages.TRANSPORT_HEADER_BYTES,
        message.length - Messages.TRANSPORT_HEADER_BYTES);
    ByteBuffer.wrap(message)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(Messages.TRANSPORT)
        .putInt(keypair.remoteIndex())
        .putLong(counter);
    return message;
  }

  /** An initiation with a stamp of one's choice. */
  byte[] initiation(byte[] stamp) {
    byte[] ephemeral = new byte[Crypto.KEY_BYTES];
    world.random().nextBytes(ephemeral);
    int index = world.random().nextInt();
    byte[] message =
        Objects.requireNonNull(
                Handshakes.initiate(FuzzWorld.CRYPTO, identity, tunnel, index, stamp, ephemeral))
            .message();
    return signed(message);
  }

  /** With mac1 made anew; the same array. */
  byte[] signed(byte[] message) {
    Macs.sign(FuzzWorld.CRYPTO, tunnel, message);
    return message;
  }

  void end() {
    core.down(world.now());
  }

  @Override
  public void send(byte[] message, Endpoint to) {
    outbox.add(message);
  }

  @Override
  public void work(HandshakeWork work) {
    works.add(work);
  }

  @Override
  public void flush(Peer flushed) {
    flushes.add(flushed);
  }

  @Override
  public void deadline(Peer of) {
    // Time stands still; begin() says when one has come.
  }

  @Override
  public void added(Peer added) {
    peer = added;
  }

  @Override
  public void removed(Peer removed) {
    peer = null;
  }
}
