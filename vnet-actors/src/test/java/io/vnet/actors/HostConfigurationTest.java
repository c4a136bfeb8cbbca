package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.actors.testkit.FakeHostNetwork;
import io.vnet.actors.testkit.FakeHostNetwork.Step;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.Credential;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A host device's interface is changed in the kernel, in order, and whoever asks is answered. */
class HostConfigurationTest {
  private static final int GUARD_SECONDS = 60;
  private static final DeviceSpec SPEC = DeviceSpec.of("tap3").withHost(HostBacking.create());

  private final FakeHostNetwork network = new FakeHostNetwork(true);
  private final VnetHost host = VnetHost.start(HostSettings.defaults(), () -> Optional.of(network));
  private final Device device = host.create(SPEC);

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  private static Errno failure(CompletableFuture<?> stage) {
    try {
      var value = stage.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
      throw new AssertionError("not refused: " + value);
    } catch (CompletionException e) {
      if (e.getCause() instanceof VnetException refusal) {
        return refusal.errno();
      }
      throw e;
    }
  }

  @Test
  void a_rename_is_the_kernels_and_the_vnets() {
    device.rename("uplink");
    assertThat(device.info().interfaceName()).isEqualTo("uplink");
    assertThat(device.info().alias()).contains("uplink");
    assertThat(network.backend("tap3").interfaceName()).isEqualTo("uplink");
    assertThat(host.open("uplink", Credential.ORDINARY).isOpen()).isTrue();
    device.rename("uplink");
    assertThat(network.steps().stream().filter(Step.RENAME::equals)).hasSize(1);
    Device other = host.create(DeviceSpec.of("tap"));
    assertThat(errnoOf(() -> other.rename("uplink"))).isEqualTo(Errno.EEXIST);
    device.rename("tap3");
    other.rename("uplink");
    assertThat(device.info().interfaceName()).isEqualTo("tap3");
  }

  @Test
  void a_rename_that_the_kernel_refuses_changes_no_name() {
    network.fail(
        Step.RENAME, () -> new VnetException("set", "link tap3", Errno.EEXIST, "it is", ""));
    assertThatThrownBy(() -> device.rename("uplink")).hasMessageContaining("EEXIST");
    assertThat(device.info().interfaceName()).isEqualTo("tap3");
    host.create(DeviceSpec.of("tap")).rename("uplink");
    network.fail(Step.RENAME, () -> new IllegalStateException("on purpose"));
    assertThat(errnoOf(() -> device.rename("other"))).isEqualTo(Errno.EIO);
    assertThat(errnoOf(() -> device.rename("sixteen-bytes-xx"))).isEqualTo(Errno.EINVAL);
  }

  @Test
  void a_name_is_reserved_while_the_kernel_is_asked() {
    FakeHostNetwork.Stall stall = network.stall(Step.RENAME);
    CompletableFuture<DeviceId> renaming = device.renameAsync("uplink").toCompletableFuture();
    stall.awaitEntered();
    Device other = host.create(DeviceSpec.of("tap"));
    assertThat(errnoOf(() -> other.rename("uplink"))).isEqualTo(Errno.EEXIST);
    assertThat(errnoOf(() -> device.rename("other"))).isEqualTo(Errno.EBUSY);
    assertThat(device.info().interfaceName()).isEqualTo("tap3");
    stall.leave();
    renaming.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    assertThat(device.info().interfaceName()).isEqualTo("uplink");
  }

  @Test
  void a_rename_of_a_device_that_is_destroyed_meanwhile_is_answered_and_frees_the_name() {
    FakeHostNetwork.Stall stall = network.stall(Step.RENAME);
    CompletableFuture<DeviceId> renaming = device.renameAsync("uplink").toCompletableFuture();
    stall.awaitEntered();
    CompletableFuture<DeviceId> gone =
        device.destroyAsync(DestroyPolicy.FORCE).done().toCompletableFuture();
    assertThat(failure(renaming)).isEqualTo(Errno.ENXIO);
    host.create(DeviceSpec.of("tap")).rename("uplink");
    stall.leave();
    gone.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  @Test
  void changes_are_the_kernels_and_what_is_shown_follows() {
    MacAddress mac = MacAddress.parse("02:00:00:00:00:07");
    device.configure(new InterfaceChange.Mtu(1400));
    device.configure(new InterfaceChange.Mac(mac));
    device.configure(new InterfaceChange.Up(false));
    device.configure(new InterfaceChange.AddAddress(IpPrefix.parse("10.9.0.1/24")));
    assertThat(device.info().mtu()).isEqualTo(1400);
    assertThat(device.info().network().mac()).contains(mac);
    assertThat(device.info().network().up()).isFalse();
    assertThat(device.info().network().addresses()).as("the administrator's").isEmpty();
    assertThat(network.steps().stream().filter(Step.CHANGE::equals)).hasSize(4);

    assertThat(errnoOf(() -> device.configure(new InterfaceChange.Mtu(1)))).isEqualTo(Errno.EINVAL);
    assertThat(network.steps().stream().filter(Step.CHANGE::equals)).hasSize(4);
    network.fail(
        Step.CHANGE, () -> new VnetException("set", "link tap3", Errno.EPERM, "no", "run as root"));
    assertThat(errnoOf(() -> device.configure(new InterfaceChange.Mtu(1300))))
        .isEqualTo(Errno.EPERM);
    assertThat(device.info().mtu()).isEqualTo(1400);
  }

  @Test
  void a_change_is_refused_once_the_device_is_on_its_way_out() {
    FakeHostNetwork.Stall stall = network.stall(Step.QUIESCE);
    CompletableFuture<DeviceId> gone =
        device.destroyAsync(DestroyPolicy.FORCE).done().toCompletableFuture();
    stall.awaitEntered();
    CompletableFuture<DeviceId> change =
        device.configureAsync(new InterfaceChange.Mtu(1300)).toCompletableFuture();
    assertThat(failure(change)).isEqualTo(Errno.ENXIO);
    stall.leave();
    gone.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
    assertThat(network.steps()).doesNotContain(Step.CHANGE);
  }

  @Test
  void counters_are_asked_for_where_that_may_block() {
    assertThat(device.counters()).isEqualTo(new InterfaceCounters(1, 2, 3, 4, 5, 6, 7, 8, 9));
    network.fail(
        Step.COUNT, () -> new VnetException("find", "link tap3", Errno.ENODEV, "gone", ""));
    assertThat(errnoOf(device::counters)).isEqualTo(Errno.ENODEV);
    device.destroy();
    assertThat(errnoOf(device::counters)).isEqualTo(Errno.ENXIO);
  }
}
