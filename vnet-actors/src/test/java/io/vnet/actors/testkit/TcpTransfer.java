package io.vnet.actors.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32;

/**
 * Bytes that the kernel's TCP carries from one network namespace to another, on threads of its own.
 */
public final class TcpTransfer implements AutoCloseable {
  private static final int GUARD_SECONDS = 60;
  private static final int BYTES = 3_000_000;
  private static final int PORT = 5001;

  private final ServerSocket server;
  private final CompletableFuture<Socket> client = new CompletableFuture<>();
  private final CRC32 sent = new CRC32();
  private final CRC32 received = new CRC32();
  private final AtomicLong receivedBytes = new AtomicLong();
  private final CompletableFuture<?> all;

  /** Begins; the address is the receiver's. */
  public TcpTransfer(NetworkNamespace from, NetworkNamespace to, String address) {
    server =
        to.call(() -> {
          ServerSocket socket = new ServerSocket();
          socket.bind(new InetSocketAddress(InetAddress.getByName(address), PORT));
          return socket;
        });
    CompletableFuture<?> receiving = run(this::receive);
    CompletableFuture<?> sending = run(() -> send(from, address));
    all = CompletableFuture.allOf(receiving, sending);
  }

  private static CompletableFuture<?> run(Runnable work) {
    return CompletableFuture.runAsync(work, task -> Thread.ofPlatform().start(task));
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private void send(NetworkNamespace from, String address) {
    try (Socket socket = from.call(() -> new Socket(InetAddress.getByName(address), PORT))) {
      client.complete(socket);
      byte[] chunk = new byte[10_000];
      OutputStream out = socket.getOutputStream();
      Random random = new Random(1);
      for (int done = 0; done < BYTES; done += chunk.length) {
        random.nextBytes(chunk);
        sent.update(chunk);
        out.write(chunk);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void receive() {
    try (Socket socket = server.accept()) {
      byte[] chunk = new byte[64 * 1024];
      InputStream in = socket.getInputStream();
      for (int read = in.read(chunk); read > 0; read = in.read(chunk)) {
        received.update(chunk, 0, read);
        receivedBytes.addAndGet(read);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until the connection is open. */
  public void awaitConnected() {
    assertThat(end(client)).isNotNull();
  }

  /** Bytes that have arrived so far. */
  public long receivedBytes() {
    return receivedBytes.get();
  }

  /** Waits for the end; all has arrived as it was sent. */
  public void assertComplete() {
    all.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    assertThat(receivedBytes.get()).isEqualTo(BYTES);
    assertThat(received.getValue()).isEqualTo(sent.getValue());
  }

  /** Ends it, also in the middle. */
  @Override
  public void close() throws IOException {
    server.close();
    if (!all.isDone()) {
      end(client).setSoLinger(true, 0);
      end(client).close();
    }
    end(all.handle((_, _) -> Done.getInstance()));
  }
}
