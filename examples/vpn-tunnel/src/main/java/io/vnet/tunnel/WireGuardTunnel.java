package io.vnet.tunnel;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.IslandDispatchers;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Layer;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.io.loop.IslandLoop;
import io.vnet.tunnel.actor.TunnelActor;
import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelControl;
import io.vnet.tunnel.settings.TunnelDrop;
import io.vnet.tunnel.settings.TunnelStatus;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A running tunnel between an inside port of IP packets and the datagrams outside.
 *
 * <pre>{@code
 * try (WireGuardTunnel tunnel =
 *     WireGuardTunnel.start(host, "wg0", device.open(), Outside.udp(UdpSettings.onPort(0)))) {
 *   tunnel.change(TunnelChange.NONE.withPrivateKey(key).withListenPort(51820).withPeers(peers));
 *   tunnel.up().toCompletableFuture().join();
 *   …
 * }
 * }</pre>
 *
 * <p><b>Threads:</b> safe on any; nothing blocks but {@link #close}. The tunnel itself lives on one
 * thread: the island of the inside port, or one of its own if that has none. Answers are completed
 * elsewhere, so whoever hangs work on them keeps no packet waiting.
 *
 * <p><b>Ends</b> when it is closed, when its inside port is gone (its device was destroyed, its
 * user closed it), and with its host. Then both ports are closed, the UDP port is free again, and
 * the keys of all sessions and handshakes are erased. The private and preshared keys of its
 * configuration stay in memory until they are collected.
 */
public final class WireGuardTunnel implements TunnelControl, AutoCloseable {
  private static final AtomicLong NUMBERS = new AtomicLong();

  private final String name;
  private final Island island;
  private final ActorRef<TunnelActor.Command> actor;
  private final CompletableFuture<Map<TunnelDrop, Long>> ended;
  private final CompletionStage<Void> end;
  private final Map<Long, CompletableFuture<?>> unanswered = new ConcurrentHashMap<>();
  private final AtomicLong requests = new AtomicLong();

  private WireGuardTunnel(
      String name,
      Island island,
      CompletableFuture<Map<TunnelDrop, Long>> ended,
      ActorRef<TunnelActor.Command> actor) {
    this.name = name;
    this.island = island;
    this.ended = ended;
    this.end = end(ended);
    this.actor = actor;
  }

  @SuppressWarnings("NullAway") // A Void is nothing but null.
  private static CompletionStage<Void> end(CompletableFuture<Map<TunnelDrop, Long>> ended) {
    return ended.thenAccept(_ -> {}).minimalCompletionStage();
  }

  /**
   * Starts a tunnel that is down and has no configuration, with the fastest crypto that this
   * process has.
   *
   * @param host whose actors it uses; should outlive it
   * @param name for messages: the interface's
   * @param inside IP packets (layer 3), which the tunnel closes at its end; its {@link
   *     PacketPort#mtu} is asked before each batch
   * @param outside where its datagrams go
   * @throws VnetException EPROTOTYPE: the inside port carries something else than IP packets;
   *     EBADF: it is closed; the port stays as it is then
   */
  public static WireGuardTunnel start(
      VnetHost host, String name, PacketPort inside, Outside outside) {
    return start(host, name, inside, outside, CryptoProviders.choose());
  }

  /** The same with a provider of one's choice. */
  public static WireGuardTunnel start(
      VnetHost host, String name, PacketPort inside, Outside outside, Crypto crypto) {
    return start(host, name, inside, outside, crypto, System::nanoTime);
  }

  /** With a clock of its own, monotonic, in nanoseconds. */
  static WireGuardTunnel start(
      VnetHost host,
      String name,
      PacketPort inside,
      Outside outside,
      Crypto crypto,
      LongSupplier clock) {
    check(name, inside);
    Optional<Island> insideIsland = inside.island();
    OwnIsland own = insideIsland.isPresent() ? null : new OwnIsland();
    Island island = own == null ? insideIsland.orElseThrow() : own.loop();
    CompletableFuture<Map<TunnelDrop, Long>> ended = new CompletableFuture<>();
    ActorSystem<?> system = host.system();
    TunnelActor.Setup setup =
        new TunnelActor.Setup(
            name,
            inside,
            outside,
            island,
            crypto,
            new SecureRandom()::nextBytes,
            clock,
            (dropped, defect) -> tellEnd(own, ended, dropped, defect));
    try {
      ActorRef<TunnelActor.Command> actor =
          system.systemActorOf(
              TunnelActor.create(setup),
              "vnet-tunnel-" + NUMBERS.getAndIncrement(),
              DispatcherSelector.fromConfig(
                  new IslandDispatchers(system).idFor(own == null ? island : own)));
      WireGuardTunnel tunnel = new WireGuardTunnel(name, island, ended, actor);
      var _ = ended.whenComplete((_, _) -> tunnel.refuseAll());
      return tunnel;
    } catch (RuntimeException e) {
      if (own != null) {
        own.close();
      }
      throw e;
    }
  }

  /**
   * The thread of a tunnel whose inside port has none, as its actors know it: an actor system keeps
   * its dispatchers for good, and so would keep the loop of every tunnel that has ended.
   */
  private static final class OwnIsland implements Island, AutoCloseable {
    private final String name;
    private volatile @Nullable IslandLoop loop;

    OwnIsland() {
      IslandLoop made = new IslandLoop();
      name = made.name();
      loop = made;
    }

    IslandLoop loop() {
      IslandLoop running = loop;
      if (running == null) {
        throw new RejectedExecutionException(name + " has ended");
      }
      return running;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public boolean inIsland() {
      IslandLoop running = loop;
      return running != null && running.inIsland();
    }

    @Override
    public void execute(Runnable task) {
      loop().execute(task);
    }

    @Override
    public void close() {
      IslandLoop running = loop;
      if (running != null) {
        running.close();
        loop = null;
      }
    }
  }

  private static void check(String name, PacketPort inside) {
    if (inside.layer() != Layer.L3) {
      throw new VnetException(
          "start",
          name,
          Errno.EPROTOTYPE,
          "a tunnel carries IP packets, and " + inside.name() + " has packets of " + inside.layer(),
          "use a tun device instead");
    }
    if (!inside.isOpen()) {
      throw new VnetException(
          "start", name, Errno.EBADF, inside.name() + " is closed", "open it again");
    }
  }

  /** As the last thing that the tunnel does. */
  private static void tellEnd(
      @Nullable OwnIsland own,
      CompletableFuture<Map<TunnelDrop, Long>> ended,
      Map<TunnelDrop, Long> dropped,
      @Nullable Throwable defect) {
    ForkJoinPool.commonPool()
        .execute(() -> {
          if (own != null) {
            own.close();
          }
          if (defect == null) {
            ended.complete(dropped);
          } else {
            ended.completeExceptionally(defect);
          }
        });
  }

  private void refuseAll() {
    unanswered.values().forEach(answer -> answer.completeExceptionally(endedException()));
  }

  private VnetException endedException() {
    return new VnetException(
        "use", name, Errno.ESHUTDOWN, "the tunnel has ended", "start another one");
  }

  private <T> CompletionStage<T> request(
      Function<CompletableFuture<T>, TunnelActor.Command> command) {
    CompletableFuture<T> onIsland = new CompletableFuture<>();
    CompletableFuture<T> answer = new CompletableFuture<>();
    long number = requests.incrementAndGet();
    unanswered.put(number, answer);
    var _ =
        onIsland.whenCompleteAsync(
            (value, failure) -> {
              unanswered.remove(number);
              if (failure == null) {
                answer.complete(value);
              } else {
                answer.completeExceptionally(failure);
              }
            },
            ForkJoinPool.commonPool());
    if (ended.isDone()) {
      answer.completeExceptionally(endedException());
      unanswered.remove(number);
    } else {
      actor.tell(command.apply(onIsland));
    }
    return answer.minimalCompletionStage();
  }

  @SuppressWarnings("NullAway") // A Void is nothing but null.
  private CompletionStage<Void> done(
      Function<CompletableFuture<Done>, TunnelActor.Command> command) {
    return request(command).thenAccept(_ -> {});
  }

  @Override
  public CompletionStage<Void> change(TunnelChange change) {
    return done(answer -> new TunnelActor.Change(change, answer));
  }

  @Override
  public CompletionStage<TunnelStatus> status() {
    return request(TunnelActor.Status::new);
  }

  /**
   * Opens the outside port and starts the peers; fails as {@link Outside#open} does, and the tunnel
   * stays down. Up already: does nothing.
   */
  public CompletionStage<Void> up() {
    return done(TunnelActor.Up::new);
  }

  /**
   * Stops the peers, erases their session keys and closes the outside port; the configuration
   * stays. Answered when the UDP port is free for others.
   */
  public CompletionStage<Void> down() {
    return done(TunnelActor.Down::new);
  }

  /**
   * Completes when the tunnel has ended: closed, or its inside port is gone, which is no error.
   * Fails if a defect has ended it.
   */
  public CompletionStage<Void> ended() {
    return end;
  }

  /**
   * What went nowhere, as {@link #status} says it of a tunnel that runs: in the end, each packet
   * that came from one port was passed on by the other or is in here.
   *
   * @return completes when the tunnel has ended; fails as {@link #ended} does
   */
  public CompletionStage<Map<TunnelDrop, Long>> dropped() {
    return ended.minimalCompletionStage();
  }

  /**
   * Ends the tunnel and both ports, and erases all session keys. Waits for that.
   *
   * @throws VnetException EDEADLK: the calling thread is the one that the tunnel lives on
   */
  @Override
  public void close() {
    if (island.inIsland()) {
      throw new VnetException(
          "close", name, Errno.EDEADLK, "its I/O thread would wait for itself", "use endAsync");
    }
    try {
      endAsync().toCompletableFuture().join();
    } catch (CompletionException e) {
      // That it ended by a defect is told by ended(), and has been logged; it has ended.
      return;
    }
  }

  /** {@link #close} without waiting; completes as {@link #ended} does. */
  public CompletionStage<Void> endAsync() {
    if (!ended.isDone()) {
      actor.tell(new TunnelActor.End());
    }
    return ended();
  }
}
