package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.testkit.FakeHostNetwork;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.Credential;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.device.Vnet;
import io.vnet.api.error.Errno;
import io.vnet.api.packet.Packet;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Who would wait on an I/O thread of the host, which would never hear what it waits for, is told
 * so; who need not wait is served.
 */
class WaitingOnIslandTest {
  private static final int GUARD_SECONDS = 60;
  private static final Packet PACKET = Packet.of(new byte[] {0x45, 0, 0, 1});

  private final FakeHostNetwork network = new FakeHostNetwork(true);
  private final VnetHost host = VnetHost.start(HostSettings.defaults(), () -> Optional.of(network));
  private final Device device = host.create(DeviceSpec.of("tun").withHost(HostBacking.create()));
  private final DeviceHandle handle = device.open();

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  private <T> T onIsland(Supplier<T> call) {
    return CompletableFuture.supplyAsync(call, network.island(true))
        .orTimeout(GUARD_SECONDS, TimeUnit.SECONDS)
        .join();
  }

  private Errno errnoOnIsland(ThrowingCallable call) {
    return onIsland(() -> errnoOf(call));
  }

  @Test
  void each_call_that_would_wait_is_EDEADLK_and_changes_nothing() {
    Vnet blue = host.createVnet("blue");
    Device memory = host.create(DeviceSpec.of("tap"));
    Map<String, ThrowingCallable> calls = new LinkedHashMap<>();
    calls.put("create", () -> host.create(DeviceSpec.of("tun")));
    calls.put("create in a vnet", () -> blue.create(DeviceSpec.of("tun")));
    calls.put("open", memory::open);
    calls.put("open by name", () -> host.open("tap0", Credential.PRIVILEGED));
    calls.put("rename", () -> device.rename("uplink"));
    calls.put("move", () -> memory.moveTo(blue));
    calls.put("configure", () -> device.configure(new InterfaceChange.Mtu(1400)));
    calls.put("count", device::counters);
    calls.put("destroy", device::destroy);
    calls.put("destroy and wait", () -> device.destroy(DestroyPolicy.WAIT));
    calls.put("create a vnet", () -> host.createVnet("red"));
    calls.put("remove a vnet", () -> blue.remove(DestroyPolicy.FORCE));
    calls.put("set an option", () -> handle.setOption(DeviceOption.MTU, 1400));
    calls.put("read", handle::read);
    calls.put("read for a while", () -> handle.read(Duration.ofDays(1)));
    calls.put("close the host", host::close);
    calls.forEach(
        (name, call) -> assertThat(errnoOnIsland(call)).as(name).isEqualTo(Errno.EDEADLK));
    assertThat(host.devices()).hasSize(2);
    assertThat(handle.isOpen()).isTrue();
    assertThat(device.info().mtu()).isEqualTo(1500);
    assertThat(device.info().interfaceName()).isEqualTo("tun0");
    assertThat(host.createVnet("red").devices()).isEmpty();
  }

  @Test
  void what_need_not_wait_is_done() {
    network.backend("tun0").arrive(PACKET);
    Packet read = onIsland(() -> handle.read());
    assertThat(read).isEqualTo(PACKET);
    Optional<Packet> none = onIsland(() -> handle.read(Duration.ZERO));
    assertThat(none).isEmpty();
  }

  @Test
  void a_write_that_finds_no_room_is_EDEADLK_and_counts_nothing() {
    Device memory =
        host.create(DeviceSpec.of("tap").withQueue(1, DeviceSpec.Overflow.BACK_PRESSURE));
    DeviceHandle writer = memory.open();
    Packet frame = Packet.of(new byte[60]);
    try (NetworkEnd end = memory.networkEnd()) {
      onIsland(() -> {
        writer.write(frame);
        return true;
      });
      assertThat(errnoOnIsland(() -> writer.write(frame))).isEqualTo(Errno.EDEADLK);
      assertThat(writer.counters().sentPackets()).isEqualTo(1);
      assertThat(writer.counters().drops()).isEmpty();
      assertThat(end.isOpen()).isTrue();
    }
  }
}
