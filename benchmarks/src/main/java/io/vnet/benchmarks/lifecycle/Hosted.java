package io.vnet.benchmarks.lifecycle;

import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceSpec;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A host with all devices but the one that is measured, open and idle. */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // Fields are set by JMH.
public class Hosted {
  static final DeviceSpec SPEC = DeviceSpec.of("tap");

  @Param({"1", "1000"})
  public int devices;

  private VnetHost host;

  @Setup
  public void start() {
    host = VnetHost.start();
    IntStream.range(1, devices).mapToObj(_ -> host.create(SPEC)).forEach(Device::open);
  }

  @TearDown
  public void terminate() {
    HostStatistics left = host.terminate().toCompletableFuture().join();
    if (left.devices() != 0 || left.epochReaders() != 0) {
      throw new IllegalStateException("left behind: " + left);
    }
  }

  VnetHost host() {
    return host;
  }
}
