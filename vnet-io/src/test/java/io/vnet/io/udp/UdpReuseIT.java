package io.vnet.io.udp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.backend.HostIo;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Victim;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The attack that the grace period is for: while threads send, receive and set options a port is
 * closed, and the number of its descriptor is somebody else's at once. Not one call may go to a
 * wrong descriptor.
 *
 * <p>The first two tests are one interleaving, forced: a caller stands between its decision and its
 * system call while the port is closed. Without a grace period it meets what has the number then,
 * which shows that the test can see it.
 */
@ExtendWith(NetworkNamespaces.class)
class UdpReuseIT {
  private static final int LIVES = Integer.getInteger("vnet.reuse.lives", 60);
  private static final int PASSES = 20;
  private static final int GUARD_SECONDS = UdpLab.GUARD_SECONDS;

  /** The ways in which a port makes a system call. */
  enum Way {
    RECEIVE("recvmmsg"),
    SEND("sendmmsg"),
    OPTION("setsockopt");

    private final String call;

    Way(String call) {
      this.call = call;
    }
  }

  private final Libc real = NativeLibc.load();
  private final Map<Integer, String> sockets = new ConcurrentHashMap<>();
  private final BlockingQueue<Victim> victims = new LinkedBlockingQueue<>();
  private final Queue<String> violations = new ConcurrentLinkedQueue<>();
  private final AtomicReference<@Nullable Hold> held = new AtomicReference<>();

  private record Hold(String call, CountDownLatch reached, CountDownLatch released) {
    static Hold of(Way way) {
      return new Hold(way.call, new CountDownLatch(1), new CountDownLatch(1));
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Gives the number of each socket that is closed to a victim, and looks at what calls meet. */
  private long answer(String call, Object[] arguments, LongSupplier next) {
    return switch (call) {
      case "socket" -> {
        long made = next.getAsLong();
        if (made >= 0 && (int) arguments[0] != LinuxConstants.AF_NETLINK) {
          sockets.put((int) made, target((int) made));
        }
        yield made;
      }
      case "close" -> {
        int fd = (int) arguments[0];
        if (sockets.remove(fd) == null) {
          yield next.getAsLong();
        }
        Victim victim = Victim.next();
        long closed = next.getAsLong();
        victims.add(victim.moveTo(fd));
        yield closed;
      }
      case "recvmmsg", "sendmmsg", "setsockopt" -> onSocket(call, (int) arguments[0], next);
      default -> next.getAsLong();
    };
  }

  private long onSocket(String call, int fd, LongSupplier next) {
    String expected = sockets.getOrDefault(fd, "");
    Hold hold = held.get();
    if (hold != null && hold.call.equals(call) && held.compareAndSet(hold, null)) {
      hold.reached.countDown();
      await(hold.released);
      if (!target(fd).equals(expected)) {
        return hit(call, fd);
      }
    }
    long result = next.getAsLong();
    // Now, not before: who is inside a call has to keep the descriptor until its end.
    if (expected.isEmpty() || !target(fd).equals(expected)) {
      violations.add(call + " of " + fd + ", which is " + target(fd));
    }
    return result;
  }

  /** What the call would have done, with memory that is still there. */
  private long hit(String call, int fd) {
    violations.add(call + " of " + fd + ", which is " + target(fd));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(4096);
      switch (call) {
        case "recvmmsg" -> real.read(fd, memory.address(), memory.byteSize());
        case "sendmmsg" -> real.write(fd, memory.address(), 8);
        default -> {}
      }
      // The caller must not look at its messages, whose memory is gone.
      return -Errno.EAGAIN.number();
    }
  }

  private static String target(int fd) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(fd))).toString();
    } catch (IOException e) {
      return "closed";
    }
  }

  private UdpPort open(UdpLab lab, NetworkNamespace namespace, UdpPort.GracePeriod grace) {
    return open(lab, lab.libc, namespace, grace);
  }

  private UdpPort open(
      UdpLab lab, Libc libc, NetworkNamespace namespace, UdpPort.GracePeriod grace) {
    lab.kernel.clear();
    lab.kernel.with(this::answer);
    UdpSettings settings = UdpSettings.onPort(0).inNetworkNamespace(namespace.path());
    return UdpPort.open(libc, settings, lab.island, lab.epoch, grace);
  }

  /** One call of a way, on a thread of its own; over when its batch is back. */
  private static CompletableFuture<Boolean> use(UdpLab lab, UdpPort port, Way way) {
    return CompletableFuture.supplyAsync(
        () -> {
          PacketBatch batch = lab.batches.acquire();
          try {
            once(port, way, batch);
            return true;
          } catch (VnetException e) {
            return false;
          } finally {
            batch.release();
          }
        },
        task -> Thread.ofPlatform().daemon().start(task));
  }

  private static void once(UdpPort port, Way way, PacketBatch batch) {
    batch.clear();
    switch (way) {
      case RECEIVE -> port.receive(batch);
      case SEND -> {
        Packet packet = Packet.of(new byte[1000]);
        UdpLab.add(
            batch, Endpoint.parse("127.0.0.1:" + port.port()), packet, DatagramTrain.of(100, 0));
        port.send(batch, 0);
      }
      case OPTION -> port.mark(7);
    }
  }

  private static CompletableFuture<?> closeOnThread(UdpPort port) {
    return CompletableFuture.supplyAsync(
            port::closeAsync, task -> Thread.ofPlatform().daemon().start(task))
        .thenCompose(end -> end);
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void a_caller_before_its_system_call_keeps_the_descriptors(Way way, NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = new UdpLab(HostIo.EPOLL)) {
      CountDownLatch quiesced = new CountDownLatch(1);
      UdpPort port =
          open(
              lab,
              namespace,
              (epoch, done) -> {
                UdpPort.awaitElapsed(epoch, done);
                quiesced.countDown();
              });
      Hold hold = Hold.of(way);
      held.set(hold);
      CompletableFuture<Boolean> caller = use(lab, port, way);
      await(hold.reached);

      CompletableFuture<?> closing = closeOnThread(port);
      await(quiesced);
      assertThat(lab.epoch.elapsed(lab.epoch.begin())).isFalse();
      assertThat(victims).isEmpty();
      assertThat(closing).isNotDone();

      hold.released.countDown();
      closing.get(GUARD_SECONDS, TimeUnit.SECONDS);
      caller.get(GUARD_SECONDS, TimeUnit.SECONDS);
      assertThat(violations).isEmpty();
      assertThat(victims).hasSize(2);
      assertThat(damage()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  void without_a_grace_period_the_same_caller_meets_a_wrong_descriptor(
      Way way, NetworkNamespace namespace) throws Exception {
    try (UdpLab lab = new UdpLab(HostIo.EPOLL)) {
      // Not by the library that keeps books of misuses: there will be some.
      UdpPort port = open(lab, lab.kernel.libc(), namespace, (_, done) -> done.run());
      Hold hold = Hold.of(way);
      held.set(hold);
      CompletableFuture<Boolean> caller = use(lab, port, way);
      await(hold.reached);

      CompletableFuture<?> closing = closeOnThread(port);
      Victim first = victims.poll(GUARD_SECONDS, TimeUnit.SECONDS);
      Victim second = victims.poll(GUARD_SECONDS, TimeUnit.SECONDS);
      victims.add(Objects.requireNonNull(first));
      victims.add(Objects.requireNonNull(second));

      hold.released.countDown();
      // It finds its memory gone, or the port closed.
      assertThat(caller.handle((_, _) -> true).get(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      closing.get(GUARD_SECONDS, TimeUnit.SECONDS);
      assertThat(violations)
          .isNotEmpty()
          .allSatisfy(violation -> assertThat(violation).startsWith(way.call));
      if (way == Way.RECEIVE) {
        assertThat(damage()).isNotEmpty();
      } else {
        damage();
      }
    }
  }

  private List<String> damage() {
    List<String> damage = new ArrayList<>();
    for (Victim victim = victims.poll(); victim != null; victim = victims.poll()) {
      damage.addAll(victim.end());
    }
    return damage;
  }

  @ParameterizedTest
  @EnumSource(HostIo.class)
  void not_one_call_meets_a_wrong_descriptor(HostIo io, NetworkNamespace namespace)
      throws Exception {
    try (UdpLab lab = new UdpLab(io)) {
      List<String> damage = new ArrayList<>();
      AtomicLong calls = new AtomicLong();
      AtomicBoolean over = new AtomicBoolean();
      CompletableFuture<List<String>> churner = churn(over);
      for (int life = 0; life < LIVES; life++) {
        UdpPort port = open(lab, namespace, UdpPort::awaitElapsed);
        List<CompletableFuture<?>> users = new ArrayList<>();
        CountDownLatch busy = new CountDownLatch(Way.values().length);
        for (Way way : Way.values()) {
          users.add(keepUsing(lab, port, way, busy, calls));
        }
        await(busy);
        closeOnThread(port).get(GUARD_SECONDS, TimeUnit.SECONDS);
        for (CompletableFuture<?> user : users) {
          user.get(GUARD_SECONDS, TimeUnit.SECONDS);
        }
        damage.addAll(damage());
      }
      over.set(true);
      damage.addAll(churner.get(GUARD_SECONDS, TimeUnit.SECONDS));
      assertThat(damage).isEmpty();
      assertThat(violations).isEmpty();
      assertThat(calls.get()).isGreaterThanOrEqualTo((long) LIVES * PASSES * Way.values().length);
    }
  }

  /** Calls until the port has ended. */
  private static CompletableFuture<?> keepUsing(
      UdpLab lab, UdpPort port, Way way, CountDownLatch busy, AtomicLong calls) {
    CompletableFuture<Boolean> end = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          PacketBatch batch = lab.batches.acquire();
          try {
            for (int i = 0; ; i++) {
              once(port, way, batch);
              calls.incrementAndGet();
              if (i == PASSES) {
                busy.countDown();
              }
            }
          } catch (VnetException e) {
            assertThat(e.errno()).isEqualTo(Errno.EBADF);
            end.complete(true);
          } catch (RuntimeException | Error e) {
            end.completeExceptionally(e);
          } finally {
            batch.release();
          }
        });
    return end;
  }

  /** Opens and closes other descriptors; says what happened to them. */
  private static CompletableFuture<List<String>> churn(AtomicBoolean over) {
    CompletableFuture<List<String>> end = new CompletableFuture<>();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          List<String> damage = new ArrayList<>();
          try {
            while (!over.get()) {
              List<Victim> few = List.of(Victim.next(), Victim.next());
              few.forEach(victim -> damage.addAll(victim.end()));
            }
            end.complete(damage);
          } catch (RuntimeException | Error e) {
            end.completeExceptionally(e);
          }
        });
    return end;
  }
}
