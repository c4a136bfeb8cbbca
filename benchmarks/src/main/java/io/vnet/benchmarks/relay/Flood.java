package io.vnet.benchmarks.relay;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.key.KeyPair;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.noise.Identity;
import io.vnet.tunnel.noise.Macs;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.noise.PeerIdentity;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Somebody who knows a tunnel's public key and address and sends initiations of random bytes with
 * the right mac1, so many a second, until it is closed.
 */
final class Flood implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Flood.class);
  private static final int PER_SECOND = 50_000;
  private static final int DIFFERENT = 4096;
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final DatagramChannel channel;
  private final ByteBuffer[] messages = new ByteBuffer[DIFFERENT];
  private final AtomicLong sent = new AtomicLong();
  private final long began = System.nanoTime();
  private final Thread thread;

  Flood(NetworkNamespace from, InetSocketAddress to, PublicKey receiver) throws IOException {
    Crypto crypto = CryptoProviders.choose();
    PeerIdentity tunnel =
        PeerIdentity.of(crypto, Identity.of(crypto, KeyPair.generate().privateKey()), receiver);
    Random random = new Random(1);
    for (int i = 0; i < DIFFERENT; i++) {
      byte[] message = new byte[Messages.INITIATION_BYTES];
      random.nextBytes(message);
      message[0] = Messages.INITIATION;
      message[1] = 0;
      message[2] = 0;
      message[3] = 0;
      Macs.sign(crypto, tunnel, message);
      messages[i] = ByteBuffer.allocateDirect(message.length).put(message).flip();
    }
    channel = from.call(DatagramChannel::open);
    thread = Thread.ofPlatform().daemon().name("flood").start(() -> run(to));
  }

  private void run(InetSocketAddress to) {
    try {
      while (channel.isOpen()) {
        long due = (System.nanoTime() - began) * PER_SECOND / TimeUnit.SECONDS.toNanos(1);
        for (long i = sent.get(); i < due; i++) {
          channel.send(messages[(int) (i % DIFFERENT)].rewind(), to);
          sent.incrementAndGet();
        }
        LockSupport.parkNanos(TICK_NANOS);
      }
    } catch (ClosedChannelException e) {
      LOG.debug("the flood is over");
    } catch (IOException e) {
      LOG.warn("the flood has ended by itself", e);
    }
  }

  /** What it came to. */
  double perSecond() {
    return sent.get() * 1e9 / (System.nanoTime() - began);
  }

  @Override
  public void close() throws IOException {
    channel.close();
    boolean interrupted = false;
    while (true) {
      try {
        thread.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
