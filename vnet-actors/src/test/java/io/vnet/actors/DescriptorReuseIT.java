package io.vnet.actors;

import static org.assertj.core.api.Assertions.assertThat;

import akka.Done;
import akka.NotUsed;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.RunnableGraph;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import io.vnet.actors.device.GracePeriodActor;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.port.Answers;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.LibcNetwork;
import io.vnet.actors.testkit.ReusingLibc;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Victim;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The attack that grace periods are for: while threads read and write a device of the kernel it is
 * destroyed, and the number of its descriptor is somebody else's at once. Not one byte may go to,
 * or come from, a wrong descriptor.
 *
 * <p>The first two tests are one interleaving, forced: a caller stands between its decision and its
 * system call while the device is destroyed. With grace periods the descriptor waits for the
 * caller; where grace periods are answered at once the caller hits what has the number then, which
 * shows that the test can see it.
 */
@ExtendWith(NetworkNamespaces.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DescriptorReuseIT {
  private static final int LIVES = Integer.getInteger("vnet.reuse.lives", 150);
  private static final int GUARD_SECONDS = 120;
  private static final int CHURNERS = 2;
  private static final int CALLERS = 2;
  private static final int PASSES = 20;
  private static final int BATCH_PACKETS = 8;
  private static final int DISCARD_PORT = 9;
  private static final int IP_AND_UDP_HEADER_BYTES = 28;
  private static final String OURS = "10.9.0.1/24";
  private static final String THEIRS = "10.9.0.2";
  private static final byte[] MARK = "a packet for the tun".getBytes(StandardCharsets.US_ASCII);

  private final ReusingLibc libc = new ReusingLibc();

  /** The ways in which a device is used. */
  enum Way {
    RECEIVE("read"),
    SEND("write"),
    SOURCE("read"),
    SINK("write");

    private final String call;

    Way(String call) {
      this.call = call;
    }
  }

  private VnetHost hostWithGracePeriods() {
    return VnetHost.start(
        HostSettings.defaults().withGracePeriods(Duration.ofMillis(1), 4096),
        () -> Optional.of(new LibcNetwork(libc)));
  }

  private VnetHost hostWithoutGracePeriods() {
    Behavior<GracePeriodActor.Command> atOnce =
        Behaviors.receiveMessage(command -> {
          switch (command) {
            case GracePeriodActor.Retire(var token, var replyTo) ->
                replyTo.tell(new GracePeriodActor.Elapsed(token));
            case GracePeriodActor.Barrier(var replyTo) ->
                replyTo.tell(new GracePeriodActor.Elapsed(0));
            default -> throw new AssertionError(command);
          }
          return Behaviors.same();
        });
    return VnetHost.start(
        HostSettings.defaults(),
        () -> Optional.of(new LibcNetwork(libc)),
        context -> HostActor.create(context, atOnce));
  }

  private static DeviceSpec spec(NetworkNamespace namespace) {
    return spec(namespace, 1);
  }

  private static DeviceSpec spec(NetworkNamespace namespace, int queues) {
    return DeviceSpec.of("tun")
        .withHost(
            HostBacking.create()
                .withQueues(queues)
                .inNetworkNamespace(namespace.path())
                .withAddresses(IpPrefix.parse(OURS)));
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static <T> CompletableFuture<T> onThread(String name, Supplier<T> work) {
    return CompletableFuture.supplyAsync(
        work, task -> Thread.ofPlatform().daemon().name(name).start(task));
  }

  /** IPv4 by its first byte, and dropped by the kernel without an answer: the checksum is wrong. */
  private static Packet unwanted() {
    byte[] bytes = new byte[64];
    bytes[0] = 0x45;
    System.arraycopy(MARK, 0, bytes, IP_AND_UDP_HEADER_BYTES, MARK.length);
    return Packet.of(bytes);
  }

  /** Makes one call of a way on a thread of its own; completes when it has returned or failed. */
  private static CompletableFuture<?> use(VnetHost host, PacketPort port, Way way) {
    PacketStreams streams = host.streams(port);
    return switch (way) {
      case RECEIVE ->
          onThread("receiver", () -> withBatch(host, batch -> (long) port.receive(batch)));
      case SEND ->
          onThread(
              "sender",
              () ->
                  withBatch(
                      host,
                      batch -> {
                        batch.append(unwanted());
                        return (long) port.send(batch, 0);
                      }));
      // Not on the device's island: that is one thread, which has to leave before quiesce is done.
      case SOURCE ->
          streams
              .batches()
              .toMat(Sink.foreach(PacketBatch::release), Keep.right())
              .run(host.system())
              .toCompletableFuture();
      case SINK ->
          Source.repeat(unwanted())
              .toMat(streams.packetSink(), Keep.right())
              .run(host.system())
              .toCompletableFuture();
    };
  }

  private interface BatchUse {
    long apply(PacketBatch batch);
  }

  private static long withBatch(VnetHost host, BatchUse use) {
    PacketBatch batch = host.batches().acquire();
    try {
      return use.apply(batch);
    } finally {
      batch.release();
    }
  }

  private static CompletableFuture<Boolean> event(
      VnetHost host, DeviceEvent.Kind kind, List<DeviceEvent.Kind> seen) {
    CompletableFuture<Boolean> happened = new CompletableFuture<>();
    host.onEvent(event -> {
      seen.add(event.kind());
      if (event.kind() == kind) {
        happened.complete(true);
      }
    });
    return happened;
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  @Order(1)
  void a_caller_before_its_system_call_keeps_the_descriptor(Way way, NetworkNamespace namespace) {
    a_caller_of_the_last_queue_keeps_all_descriptors(way, 1, namespace);
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  @Order(1)
  void a_caller_of_the_second_queue_keeps_both_descriptors(Way way, NetworkNamespace namespace) {
    a_caller_of_the_last_queue_keeps_all_descriptors(way, 2, namespace);
  }

  private void a_caller_of_the_last_queue_keeps_all_descriptors(
      Way way, int queues, NetworkNamespace namespace) {
    Descriptors before = Descriptors.now();
    VnetHost host = hostWithGracePeriods();
    List<DeviceEvent.Kind> events = new CopyOnWriteArrayList<>();
    CompletableFuture<Boolean> quiesced = event(host, DeviceEvent.Kind.QUIESCED, events);
    CompletableFuture<Boolean> stalled = new CompletableFuture<>();
    host.onStalledReader(_ -> stalled.complete(true));
    libc.reuseAs(Victim.Kind.SOCKET);
    Device device = host.create(spec(namespace, queues));
    DeviceHandle handle = device.open();
    ReusingLibc.Hold hold = libc.holdNext(way.call);
    CompletableFuture<?> caller = use(host, handle.queues().getLast(), way);
    hold.awaitReached();

    DestroyRequest destroy = device.destroyAsync(DestroyPolicy.FORCE);
    assertThat(end(quiesced)).isTrue();
    assertThat(end(stalled)).isTrue();
    assertThat(libc.victims()).isZero();
    assertThat(destroy.done().toCompletableFuture()).isNotDone();

    hold.release();
    assertThat(end(destroy.done())).isEqualTo(device.id());
    assertThat(failure(caller)).isIn(Optional.empty(), Optional.of(Errno.ENXIO));
    assertThat(libc.takeVictims())
        .hasSize(queues)
        .allSatisfy(victim -> assertThat(victim.end()).isEmpty());
    assertThat(libc.violations()).isEmpty();
    Leftovers.assertNothingLeft(host);
    assertThat(events)
        .containsSubsequence(
            DeviceEvent.Kind.QUIESCED, DeviceEvent.Kind.READERS_DRAINED, DeviceEvent.Kind.RELEASED);
    assertThat(Descriptors.now().since(before)).isEmpty();
  }

  @ParameterizedTest
  @EnumSource(Way.class)
  @Order(2)
  void without_grace_periods_the_same_caller_hits_a_wrong_descriptor(
      Way way, NetworkNamespace namespace) {
    VnetHost host = hostWithoutGracePeriods();
    libc.reuseAs(Victim.Kind.SOCKET);
    Device device = host.create(spec(namespace));
    DeviceHandle handle = device.open();
    ReusingLibc.Hold hold = libc.holdNext(way.call);
    CompletableFuture<?> caller = use(host, handle, way);
    hold.awaitReached();

    assertThat(end(device.destroyAsync(DestroyPolicy.FORCE).done())).isEqualTo(device.id());
    hold.release();
    assertThat(failure(caller)).isIn(Optional.empty(), Optional.of(Errno.ENXIO));

    assertThat(libc.violations())
        .isNotEmpty()
        .allSatisfy(violation -> assertThat(violation).startsWith(way.call).contains("socket:["));
    assertThat(libc.takeVictims())
        .singleElement()
        .satisfies(victim -> assertThat(victim.end()).isNotEmpty());
    Leftovers.assertNothingLeft(host);
  }

  /** How a use of the device failed, or empty if it did not. */
  private static <T> Optional<Errno> failure(CompletableFuture<T> use) {
    return end(
        use.handle(
            (_, failure) -> failure == null ? Optional.empty() : Optional.of(errno(failure))));
  }

  private static Errno errno(Throwable failure) {
    if (Answers.unwrap(failure) instanceof VnetException cause) {
      return cause.errno();
    }
    throw new AssertionError(failure);
  }

  @Test
  @Order(3)
  void not_one_byte_reaches_or_comes_from_a_wrong_descriptor(NetworkNamespace namespace)
      throws InterruptedException {
    attack(namespace, 1, LIVES);
  }

  @Test
  @Order(4)
  void nor_where_there_are_two_queues(NetworkNamespace namespace) throws InterruptedException {
    attack(namespace, 2, LIVES / 3);
  }

  private void attack(NetworkNamespace namespace, int queues, int lives)
      throws InterruptedException {
    VnetHost host = hostWithGracePeriods();
    Queue<String> damage = new ConcurrentLinkedQueue<>();
    Consumer<String> foreign = packet -> damage.add("received " + packet);
    // The JDK keeps a descriptor from the first socket on, and the host its poller's.
    live(host, namespace, 0, queues, new AtomicLong(), foreign);
    libc.takeVictims().forEach(victim -> damage.addAll(victim.end()));
    Descriptors before = Descriptors.now();
    AtomicBoolean over = new AtomicBoolean();
    List<CompletableFuture<Long>> churners = new ArrayList<>();
    for (int i = 0; i < CHURNERS; i++) {
      churners.add(onThread("churner", () -> churn(over, damage)));
    }
    AtomicLong packets = new AtomicLong();
    int reused = 0;
    for (int life = 0; life < lives; life++) {
      live(host, namespace, life, queues, packets, foreign);
      for (Victim victim : libc.takeVictims()) {
        reused++;
        damage.addAll(victim.end());
      }
    }
    over.set(true);
    for (CompletableFuture<Long> churner : churners) {
      assertThat(end(churner)).isGreaterThan(lives);
    }
    assertThat(damage).isEmpty();
    assertThat(libc.violations()).isEmpty();
    assertThat(reused).isEqualTo(lives * queues);
    assertThat(packets.get()).isGreaterThanOrEqualTo((long) lives * PASSES);
    assertThat(Descriptors.now().since(before)).isEmpty();
    Leftovers.assertNothingLeft(host);
  }

  /** Opens and closes other descriptors; returns how many. */
  private static long churn(AtomicBoolean over, Queue<String> damage) {
    long count = 0;
    while (!over.get()) {
      List<Victim> few = List.of(Victim.next(), Victim.next(), Victim.next(), Victim.next());
      for (Victim victim : few) {
        damage.addAll(victim.end());
        count++;
      }
    }
    return count;
  }

  /** One life: used from all sides until packets went both ways, then destroyed by force. */
  private static void live(
      VnetHost host,
      NetworkNamespace namespace,
      int life,
      int queues,
      AtomicLong packets,
      Consumer<String> foreign)
      throws InterruptedException {
    Device device = host.create(spec(namespace, queues));
    DeviceHandle handle = device.open();
    CountDownLatch received = new CountDownLatch(PASSES);
    CountDownLatch sent = new CountDownLatch(PASSES);
    Consumer<PacketBatch> take =
        batch -> {
          for (int i = 0; i < batch.count(); i++) {
            if (!expected(batch.packet(i))) {
              foreign.accept(batch.packet(i).toString());
            }
            packets.incrementAndGet();
            received.countDown();
          }
        };
    AtomicBoolean over = new AtomicBoolean();
    CompletableFuture<Long> flood = flood(namespace, over);
    List<CompletableFuture<?>> users = new ArrayList<>();
    for (PacketPort queue : handle.queues()) {
      users.addAll(use(host, queue, life, take, sent));
    }
    awaitZero(received, "received");
    awaitZero(sent, "sent");
    device.destroy();
    over.set(true);
    for (CompletableFuture<?> user : users) {
      assertThat(failure(user)).contains(Errno.ENXIO);
    }
    assertThat(end(flood)).isPositive();
  }

  /** Several threads a direction, or a stream, on the island or beside it. */
  private static List<CompletableFuture<?>> use(
      VnetHost host, PacketPort queue, int life, Consumer<PacketBatch> take, CountDownLatch sent) {
    List<CompletableFuture<?>> users = new ArrayList<>();
    if (life % 3 == 0) {
      for (int i = 0; i < CALLERS; i++) {
        users.add(onThread("receiver", () -> receive(host, queue, take)));
        users.add(onThread("sender", () -> send(host, queue, sent)));
      }
    } else {
      boolean onIsland = life % 3 == 1;
      PacketStreams streams = host.streams(queue);
      users.add(
          run(
              host,
              streams,
              onIsland,
              streams
                  .batches()
                  .toMat(
                      Sink.foreach((PacketBatch batch) -> {
                        take.accept(batch);
                        batch.release();
                      }),
                      Keep.right())));
      users.add(
          run(
              host,
              streams,
              onIsland,
              packets(onIsland)
                  .map(packet -> {
                    sent.countDown();
                    return packet;
                  })
                  .toMat(streams.packetSink(), Keep.right())));
    }
    return users;
  }

  /** Without an end; on the island with a pause, as the one thread has to receive as well. */
  private static Source<Packet, NotUsed> packets(boolean onIsland) {
    Source<Packet, NotUsed> endless = Source.repeat(unwanted());
    return onIsland ? endless.take(PASSES).concat(Source.never()) : endless;
  }

  private static CompletableFuture<Done> run(
      VnetHost host,
      PacketStreams streams,
      boolean onIsland,
      RunnableGraph<CompletionStage<Done>> graph) {
    return (onIsland ? streams.run(graph) : graph.run(host.system())).toCompletableFuture();
  }

  private static void awaitZero(CountDownLatch latch, String what) throws InterruptedException {
    assertThat(latch.await(GUARD_SECONDS, TimeUnit.SECONDS)).as(what).isTrue();
  }

  /** Until it fails, as it does at the device's end. */
  private static long receive(VnetHost host, PacketPort queue, Consumer<PacketBatch> take) {
    return withBatch(
        host,
        batch -> {
          while (true) {
            batch.clear();
            if (queue.receive(batch) == 0) {
              Thread.onSpinWait();
            }
            take.accept(batch);
          }
        });
  }

  private static long send(VnetHost host, PacketPort queue, CountDownLatch sent) {
    return withBatch(
        host,
        batch -> {
          for (int i = 0; i < BATCH_PACKETS; i++) {
            batch.append(unwanted());
          }
          while (true) {
            int taken = queue.send(batch, 0);
            for (int i = 0; i < taken; i++) {
              sent.countDown();
            }
          }
        });
  }

  /** The kernel's own (IPv6 neighbour discovery and the like), or what the flood sends. */
  private static boolean expected(Packet packet) {
    byte[] bytes = packet.toByteArray();
    int version = packet.unsignedByte(0) >> 4;
    if (version != 4) {
      return version == 6;
    }
    return bytes.length == IP_AND_UDP_HEADER_BYTES + MARK.length
        && new String(bytes, IP_AND_UDP_HEADER_BYTES, MARK.length, StandardCharsets.US_ASCII)
            .equals(new String(MARK, StandardCharsets.US_ASCII));
  }

  /** Sends towards the device until its end; returns how many. */
  private static CompletableFuture<Long> flood(NetworkNamespace namespace, AtomicBoolean over) {
    DatagramSocket socket =
        namespace.call(() -> {
          DatagramSocket made = new DatagramSocket();
          made.connect(InetAddress.getByName(THEIRS), DISCARD_PORT);
          return made;
        });
    return onThread(
        "flood",
        () -> {
          long sent = 0;
          try (socket) {
            while (!over.get()) {
              socket.send(new DatagramPacket(MARK, MARK.length));
              sent++;
            }
          } catch (IOException e) {
            // The route went with the interface: what the test waits for.
            assertThat(e).hasMessageContaining("unreachable");
          }
          return sent;
        });
  }
}
