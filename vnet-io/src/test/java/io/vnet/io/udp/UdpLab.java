package io.vnet.io.udp;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.api.backend.HostIo;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.FaultyLibc;
import io.vnet.io.testkit.InjectingLibc;
import io.vnet.io.testkit.Program;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * An island, batches and ports in namespaces. Closing it asserts that every descriptor was closed,
 * and none used after.
 */
final class UdpLab implements AutoCloseable {
  static final int GUARD_SECONDS = 60;
  static final int SEGMENT = 1452;
  private static final int SLAB_BYTES = 1 << 20;

  final InjectingLibc kernel = new InjectingLibc(NativeLibc.load());
  final FaultyLibc libc = new FaultyLibc(kernel.libc());
  final IslandLoop island;
  final Epoch epoch = Epoch.create();
  final SlabPool slabs = new SlabPool(SLAB_BYTES, 8);
  final BatchPool batches = new BatchPool(slabs, 128, 64, 32);
  private final List<Peer> peers = new ArrayList<>();

  UdpLab(HostIo io) {
    island = io == HostIo.IO_URING ? IslandLoop.uring(libc) : new IslandLoop();
  }

  /** A port in a namespace. */
  Peer open(NetworkNamespace namespace, UdpSettings settings) {
    UdpPort port = openPort(settings.inNetworkNamespace(namespace.path()));
    Peer peer = new Peer(port);
    peers.add(peer);
    return peer;
  }

  UdpPort openPort(UdpSettings settings) {
    return UdpPort.open(libc, settings, island, epoch, UdpPort::awaitElapsed);
  }

  static void ip(NetworkNamespace namespace, String arguments) {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments.split(" ")));
    Program.outputIn(namespace, command.toArray(String[]::new));
  }

  /** Two namespaces with an Ethernet between them: 10.7.0.1 and fd07::1, 10.7.0.2 and fd07::2. */
  static void connect(NetworkNamespace left, NetworkNamespace right) {
    ip(left, "link add veth0 type veth peer name veth0 netns " + netnsArgument(right));
    int host = 1;
    for (NetworkNamespace namespace : List.of(left, right)) {
      ip(namespace, "address add 10.7.0." + host + "/24 dev veth0");
      ip(namespace, "address add fd07::" + host + "/64 dev veth0 nodad");
      ip(namespace, "link set veth0 addrgenmode none");
      ip(namespace, "link set veth0 up");
      ip(namespace, "address add fe80::" + host + "/64 dev veth0 nodad");
      host++;
    }
  }

  private static String netnsArgument(NetworkNamespace namespace) {
    return namespace.path().toString();
  }

  /** The number of an interface. */
  static int index(NetworkNamespace namespace, String name) {
    String line = Program.outputIn(namespace, "ip", "-o", "link", "show", "dev", name);
    return Integer.parseInt(line.substring(0, line.indexOf(':')));
  }

  /** Bytes that tell where they come from. */
  static Packet pattern(int length, int seed) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (i * 31 + seed * 17 + (i >>> 8));
    }
    return Packet.of(bytes);
  }

  static void add(PacketBatch batch, @Nullable Endpoint to, Packet packet, long word) {
    assertThat(batch.append(packet)).isTrue();
    batch.setOffload(batch.count() - 1, word);
    batch.setEndpoint(batch.count() - 1, to);
  }

  /**
   * What was received.
   *
   * @param packets in order, trains uncut
   */
  record Received(List<Piece> packets) {
    /** The datagrams, trains cut, one behind the other. */
    List<Packet> datagrams() {
      List<Packet> all = new ArrayList<>();
      for (Piece piece : packets) {
        int segment = DatagramTrain.segmentBytes(piece.word);
        int length = piece.packet.length();
        int step = segment == 0 ? length : segment;
        for (int at = 0; at < length; at += step) {
          all.add(Packet.of(piece.packet.segment(), at, Math.min(step, length - at)));
        }
      }
      return all;
    }

    /** All bytes behind each other. */
    Packet joined() {
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      packets.forEach(piece -> all.writeBytes(piece.packet.toByteArray()));
      return Packet.of(all.toByteArray());
    }

    Piece first() {
      return packets.getFirst();
    }
  }

  /** One packet of a batch. */
  record Piece(Packet packet, long word, Endpoint from) {}

  /** An open port: sees its signals, moves packets. */
  final class Peer implements PortListener {
    final UdpPort port;
    final Semaphore readable = new Semaphore(0);
    final Semaphore writable = new Semaphore(0);
    final CompletableFuture<Optional<VnetException>> closed = new CompletableFuture<>();
    private final PacketPort.Registration registration;

    Peer(UdpPort port) {
      this.port = port;
      this.registration = port.listen(this);
    }

    @Override
    public void readable() {
      readable.release();
    }

    @Override
    public void writable() {
      writable.release();
    }

    @Override
    public void closed(@Nullable VnetException cause) {
      closed.complete(Optional.ofNullable(cause));
    }

    /** Where this port is reached at an address. */
    Endpoint at(String address) {
      return Endpoint.parse(address + ":" + port.port());
    }

    /** Sends packets, each taken at once. */
    void send(Endpoint to, long word, Packet... packets) {
      PacketBatch batch = batches.acquire();
      try {
        for (Packet packet : packets) {
          add(batch, to, packet, word);
        }
        assertThat(port.send(batch, 0)).isEqualTo(packets.length);
      } finally {
        batch.release();
      }
    }

    /** Receives until there are so many datagrams, waiting for the signal in between. */
    Received await(int datagrams) throws InterruptedException {
      List<Piece> pieces = new ArrayList<>();
      int count = 0;
      PacketBatch batch = batches.acquire();
      try {
        while (true) {
          int received = port.receive(batch);
          for (int i = 0; i < received; i++) {
            Endpoint from = Objects.requireNonNull(batch.endpoint(i));
            pieces.add(new Piece(batch.packet(i), batch.offload(i), from));
            count += DatagramTrain.datagrams(batch.offload(i), batch.length(i));
          }
          batch.clear();
          if (count >= datagrams) {
            assertThat(count).isEqualTo(datagrams);
            return new Received(pieces);
          }
          if (received == 0) {
            assertThat(readable.tryAcquire(GUARD_SECONDS, TimeUnit.SECONDS))
                .as("signal; %d of %d datagrams came, %s", count, datagrams, port.counters())
                .isTrue();
          }
        }
      } finally {
        batch.release();
      }
    }

    void close() {
      registration.close();
      port.closeAsync().toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    }
  }

  @Override
  public void close() {
    peers.forEach(Peer::close);
    assertThat(epoch.readers()).as("readers").isZero();
    island.close();
    batches.close();
    slabs.close();
    assertThat(batches.leaked()).isZero();
    assertThat(libc.open()).as("open descriptors").isEmpty();
    assertThat(libc.misuses()).as("calls with a descriptor that is not open").isEmpty();
    assertThat(slabs.mappedBytes()).as("mapped").isZero();
  }
}
