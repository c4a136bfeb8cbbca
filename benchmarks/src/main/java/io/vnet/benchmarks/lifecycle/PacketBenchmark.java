package io.vnet.benchmarks.lifecycle;

import io.vnet.actors.VnetHost;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * 64 packets of 1000 bytes there and back, on one thread: through a device, through two
 * ArrayBlockingQueues and through two pipes of the operating system. Each way copies each packet in
 * and out, and an operation is one packet that has gone one way.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class PacketBenchmark {
  private static final int PACKETS = 64;
  private static final int CROSSINGS = 2 * PACKETS;
  private static final int BYTES = 1000;

  /** A device with both its ends, and a batch for each. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // Fields are set by JMH.
  public static class Ends {
    private VnetHost host;
    private DeviceHandle handle;
    private NetworkEnd network;
    private PacketBatch here;
    private PacketBatch there;

    @Setup
    public void open() {
      host = VnetHost.start();
      Device device = host.create(DeviceSpec.of("tap"));
      handle = device.open();
      network = device.networkEnd();
      here = host.batches().acquire();
      there = host.batches().acquire();
      Packet packet = Packet.of(new byte[BYTES]);
      for (int i = 0; i < PACKETS; i++) {
        check(here.append(packet) ? 1 : 0, 1);
      }
    }

    @TearDown
    public void close() {
      here.release();
      there.release();
      host.close();
    }
  }

  /** The same with queues, which hold an array a packet. */
  @State(Scope.Benchmark)
  public static class Queues {
    private final ArrayBlockingQueue<byte[]> there = new ArrayBlockingQueue<>(PACKETS);
    private final ArrayBlockingQueue<byte[]> back = new ArrayBlockingQueue<>(PACKETS);
    private final byte[][] packets = new byte[PACKETS][BYTES];
  }

  /** The same with pipes, which hold 64 KiB each and cost a system call a copy. */
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init") // Fields are set by JMH.
  public static class Pipes {
    private final ByteBuffer packet = ByteBuffer.allocateDirect(BYTES);
    private Pipe there;
    private Pipe back;

    @Setup
    public void open() throws IOException {
      there = open(Pipe.open());
      back = open(Pipe.open());
    }

    /** A pipe that turns out to be too small must not hang the benchmark. */
    private static Pipe open(Pipe pipe) throws IOException {
      pipe.sink().configureBlocking(false);
      pipe.source().configureBlocking(false);
      return pipe;
    }

    @TearDown
    public void close() throws IOException {
      for (Pipe pipe : new Pipe[] {there, back}) {
        pipe.sink().close();
        pipe.source().close();
      }
    }
  }

  @Benchmark
  @OperationsPerInvocation(CROSSINGS)
  public void device(Ends ends) {
    cross(ends.handle, ends.here, ends.network, ends.there);
    cross(ends.network, ends.there, ends.handle, ends.here);
  }

  private static void cross(PacketPort from, PacketBatch batch, PacketPort to, PacketBatch into) {
    check(from.send(batch, 0), PACKETS);
    into.clear();
    check(to.receive(into), PACKETS);
  }

  @Benchmark
  @OperationsPerInvocation(CROSSINGS)
  public void arrayBlockingQueue(Queues queues) {
    cross(queues.there, queues.packets);
    cross(queues.back, queues.packets);
  }

  private static void cross(ArrayBlockingQueue<byte[]> queue, byte[][] packets) {
    for (byte[] packet : packets) {
      check(queue.offer(packet.clone()) ? 1 : 0, 1);
    }
    for (byte[] packet : packets) {
      System.arraycopy(Objects.requireNonNull(queue.poll()), 0, packet, 0, BYTES);
    }
  }

  @Benchmark
  @OperationsPerInvocation(CROSSINGS)
  public void pipe(Pipes pipes) throws IOException {
    cross(pipes.there, pipes.packet);
    cross(pipes.back, pipes.packet);
  }

  private static void cross(Pipe pipe, ByteBuffer packet) throws IOException {
    for (int i = 0; i < PACKETS; i++) {
      check(pipe.sink().write(packet.clear()), BYTES);
    }
    for (int i = 0; i < PACKETS; i++) {
      check(pipe.source().read(packet.clear()), BYTES);
    }
  }

  private static void check(int count, int expected) {
    if (count != expected) {
      throw new IllegalStateException(count + " instead of " + expected);
    }
  }
}
