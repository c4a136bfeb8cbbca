package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.ClonePolicy;
import io.vnet.api.device.Credential;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.Framing;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceMode;
import io.vnet.api.device.LinkState;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.device.Vnet;
import io.vnet.api.error.Errno;
import io.vnet.api.packet.Packet;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Vnets, renames, clones by open, options and links, through the facade, in memory. */
class VnetTest {
  private final VnetHost host = VnetHost.start();

  @AfterEach
  void nothing_is_left() {
    HostStatistics left = host.terminate().toCompletableFuture().join();
    assertThat(left.devices()).isZero();
    assertThat(left.epochReaders()).isZero();
    assertThat(left.ringsLent()).isZero();
    assertThat(left.batchesLent()).isZero();
    assertThat(left.retiring()).isZero();
    assertThat(left.mappedBytes()).isZero();
  }

  @Test
  void a_renamed_device_opens_by_both_names_and_keeps_its_unit() {
    Device device = host.create(DeviceSpec.of("tun"));
    device.rename("wan");
    assertThat(device.info().interfaceName()).isEqualTo("wan");
    assertThat(device.info().alias()).contains("wan");
    try (DeviceHandle handle = host.open("wan", Credential.ORDINARY)) {
      assertThat(handle.device()).isEqualTo(device.id());
      assertThat(handle.interfaceName()).isEqualTo("wan");
      assertThat(errnoOf(() -> host.open("tun0", Credential.ORDINARY))).isEqualTo(Errno.EBUSY);
      device.rename("lan");
    }
    assertThat(host.find("wan")).isEmpty();
    assertThat(host.vnet0().find("lan").map(Device::id)).contains(device.id());
    device.rename("tun0");
    assertThat(device.info().alias()).isEmpty();
    device.destroy();
    assertThat(host.find("tun0")).isEmpty();
  }

  @Test
  void a_rename_is_refused_for_a_bad_or_taken_name() {
    Device first = host.create(DeviceSpec.of("tun"));
    Device second = host.create(DeviceSpec.of("tun"));
    assertThat(errnoOf(() -> first.rename(""))).isEqualTo(Errno.EINVAL);
    assertThat(errnoOf(() -> first.rename("0123456789abcdef"))).isEqualTo(Errno.EINVAL);
    assertThat(errnoOf(() -> first.rename("tun1"))).isEqualTo(Errno.EEXIST);
    first.rename("tun0");
    second.destroy();
    assertThat(errnoOf(() -> second.rename("x"))).isEqualTo(Errno.ENXIO);
  }

  @Test
  void a_rename_onto_the_name_of_a_node_elsewhere_renames_without_alias() {
    Vnet blue = host.createVnet("blue");
    Device there = blue.create(DeviceSpec.of("tap3"));
    Device here = host.create(DeviceSpec.of("tun"));
    here.rename("tap3");
    assertThat(here.info().interfaceName()).isEqualTo("tap3");
    assertThat(here.info().alias()).isEmpty();
    assertThat(host.find("tap3").map(Device::id)).contains(there.id());
  }

  @Test
  void creating_a_device_whose_node_name_is_an_alias_is_EEXIST_and_the_unit_is_free_again() {
    Vnet blue = host.createVnet("blue");
    Device tap = blue.create(DeviceSpec.of("tap"));
    tap.rename("tun0");
    assertThat(errnoOf(() -> host.create(DeviceSpec.of("tun0")))).isEqualTo(Errno.EEXIST);
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun1");
    tap.rename("tap0");
    assertThat(host.create(DeviceSpec.of("tun0")).id().toString()).isEqualTo("tun0");
  }

  @Test
  void units_are_shared_by_all_vnets_and_names_are_not() {
    Vnet blue = host.createVnet("blue");
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun0");
    Device second = blue.create(DeviceSpec.of("tun"));
    assertThat(second.id().toString()).isEqualTo("tun1");
    assertThat(errnoOf(() -> blue.create(DeviceSpec.of("tun0")))).isEqualTo(Errno.EEXIST);
    second.rename("tun0");
    assertThat(second.info().interfaceName()).isEqualTo("tun0");
    assertThat(blue.devices()).hasSize(1);
    assertThat(host.vnets()).extracting(Vnet::name).containsExactly("blue", "vnet0");
    assertThat(errnoOf(() -> host.createVnet("blue"))).isEqualTo(Errno.EEXIST);
    assertThat(errnoOf(() -> host.createVnet(""))).isEqualTo(Errno.EINVAL);
  }

  @Test
  void an_open_handle_keeps_working_over_a_move() {
    Vnet blue = host.createVnet("blue");
    Device device = host.create(DeviceSpec.of("tun"));
    try (DeviceHandle handle = device.open();
        NetworkEnd network = device.networkEnd();
        DeviceLifeTest.VnetHostBatch batch = new DeviceLifeTest.VnetHostBatch(host)) {
      device.configure(new InterfaceChange.AddAddress(IpPrefix.parse("10.0.0.1/24")));
      device.moveTo(blue);
      assertThat(device.info().vnet()).isEqualTo("blue");
      assertThat(device.info().homeVnet()).isEqualTo("vnet0");
      assertThat(device.info().network().addresses()).isEmpty();
      handle.write(Packet.of(new byte[] {0x45, 1}));
      assertThat(network.receive(batch.batch())).isEqualTo(1);
      assertThat(errnoOf(() -> device.moveTo(blue))).isEqualTo(Errno.EEXIST);
      device.rename("blue0");
      device.moveTo(host.vnet0());
      device.moveTo(blue);
      assertThat(blue.find("blue0").map(Device::id)).contains(device.id());
    }
  }

  @Test
  void a_move_is_refused_where_the_name_is_in_use_or_the_vnet_is_not_there() {
    Vnet blue = host.createVnet("blue");
    Device device = host.create(DeviceSpec.of("tun"));
    blue.create(DeviceSpec.of("tap")).rename("tun0");
    assertThat(errnoOf(() -> device.moveTo(blue))).isEqualTo(Errno.EEXIST);
    Vnet red = host.createVnet("red");
    red.remove(DestroyPolicy.FORCE);
    assertThat(errnoOf(() -> device.moveTo(red))).isEqualTo(Errno.ENXIO);
    assertThat(device.info().vnet()).isEqualTo("vnet0");
    device.destroy();
    assertThat(errnoOf(() -> device.moveTo(blue))).isEqualTo(Errno.ENXIO);
  }

  @Test
  void a_lent_device_is_destroyed_in_the_vnet_where_it_is() {
    Vnet blue = host.createVnet("blue");
    Device device = host.create(DeviceSpec.of("tun"));
    device.moveTo(blue);
    device.destroy();
    assertThat(blue.devices()).isEmpty();
    blue.remove(DestroyPolicy.WAIT);
    assertThat(host.vnet("blue")).isEmpty();
  }

  @Test
  void removing_a_vnet_destroys_what_was_born_there_and_returns_what_was_lent() {
    Vnet blue = host.createVnet("blue");
    Device born = blue.create(DeviceSpec.of("tun"));
    Device bornAndLent = blue.create(DeviceSpec.of("tap"));
    bornAndLent.moveTo(host.vnet0());
    Device lent = host.create(DeviceSpec.of("tun"));
    lent.rename("wan");
    lent.moveTo(blue);
    host.create(DeviceSpec.of("tap")).rename("wan");
    DeviceHandle holder = born.open();
    CompletionStage<String> removal = blue.removeAsync(DestroyPolicy.WAIT);
    Awaitility.await().until(() -> lent.info().vnet().equals("vnet0"));
    assertThat(lent.info().interfaceName()).isEqualTo(lent.id().toString());
    assertThat(removal.toCompletableFuture()).isNotDone();
    assertThat(errnoOf(() -> blue.create(DeviceSpec.of("tun")))).isEqualTo(Errno.EINVAL);
    assertThat(errnoOf(() -> lent.moveTo(blue))).isEqualTo(Errno.EBUSY);
    holder.close();
    assertThat(removal.toCompletableFuture().join()).isEqualTo("blue");
    assertThat(errnoOf(born::info)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(bornAndLent::info)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(() -> blue.create(DeviceSpec.of("tun")))).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(() -> blue.remove(DestroyPolicy.FORCE))).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(() -> host.vnet0().remove(DestroyPolicy.FORCE))).isEqualTo(Errno.EBUSY);
    assertThat(host.createVnet("blue").devices()).isEmpty();
  }

  @Test
  void a_removal_that_refuses_leaves_a_vnet_with_an_open_device() {
    Vnet blue = host.createVnet("blue");
    Device born = blue.create(DeviceSpec.of("tun"));
    try (DeviceHandle handle = born.open()) {
      assertThat(errnoOf(() -> blue.remove(DestroyPolicy.REFUSE))).isEqualTo(Errno.EBUSY);
      assertThat(handle.isOpen()).isTrue();
      assertThat(blue.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun1");
      CompletionStage<String> waiting = blue.removeAsync(DestroyPolicy.WAIT);
      assertThat(waiting.toCompletableFuture()).isNotDone();
      blue.remove(DestroyPolicy.FORCE);
      assertThat(waiting.toCompletableFuture().join()).isEqualTo("blue");
      assertThat(errnoOf(handle::read)).isEqualTo(Errno.ENXIO);
    }
  }

  @Test
  void opening_a_name_makes_a_device_where_the_policy_lets_the_caller() {
    try (DeviceHandle first = host.open("tun", Credential.PRIVILEGED);
        DeviceHandle second = host.open("tun", Credential.PRIVILEGED);
        DeviceHandle given = host.open("tap7", Credential.PRIVILEGED)) {
      assertThat(first.device().toString()).isEqualTo("tun0");
      assertThat(second.device().toString()).isEqualTo("tun1");
      assertThat(given.device().toString()).isEqualTo("tap7");
    }
    for (String name : List.of("tun00", "eth0", "tun40000")) {
      assertThat(errnoOf(() -> host.open(name, Credential.PRIVILEGED))).isEqualTo(Errno.ENOENT);
    }
    assertThat(errnoOf(() -> host.open("tap", Credential.ORDINARY))).isEqualTo(Errno.ENOENT);
    host.setPolicy(new ClonePolicy(false, true, true, false));
    assertThat(errnoOf(() -> host.open("tun", Credential.PRIVILEGED))).isEqualTo(Errno.ENOENT);
    try (DeviceHandle tap = host.open("tap", Credential.ORDINARY)) {
      assertThat(tap.device().toString()).isEqualTo("tap0");
    }
    assertThat(host.find("tap0")).isPresent();
  }

  @Test
  void an_open_brings_a_tap_up_where_the_policy_says_so_and_a_close_takes_it_down() {
    Device tap = host.create(DeviceSpec.of("tap").withUp(false));
    Device tun = host.create(DeviceSpec.of("tun").withUp(false));
    Device vmnet = host.create(DeviceSpec.of("vmnet").withUp(false));
    host.setPolicy(new ClonePolicy(true, true, false, true));
    for (Device device : List.of(tap, tun, vmnet)) {
      DeviceHandle handle = device.open();
      assertThat(device.info().network().up()).isEqualTo(!device.equals(tun));
      assertThat(device.info().network().running()).isEqualTo(!device.equals(tun));
      assertThat(device.info().network().link()).isEqualTo(LinkState.UP);
      handle.close();
      handle.closed().toCompletableFuture().join();
      assertThat(device.info().network().up()).isEqualTo(device.equals(vmnet));
      assertThat(device.info().network().link()).isEqualTo(LinkState.DOWN);
    }
    tap.configure(new InterfaceChange.Link0(true));
    DeviceHandle handle = tap.open();
    handle.close();
    handle.closed().toCompletableFuture().join();
    assertThat(tap.info().network().up()).isTrue();
  }

  @Test
  void options_are_typed_known_per_driver_and_survive_a_close() {
    Device tun = host.create(DeviceSpec.of("tun").withUp(false));
    Device tap = host.create(DeviceSpec.of("tap"));
    DeviceHandle handle = tun.open();
    handle.setOption(DeviceOption.FRAMING, Framing.FAMILY);
    handle.setOption(
        DeviceOption.INTERFACE_MODE, new InterfaceMode(InterfaceMode.Kind.BROADCAST, false));
    handle.setOption(DeviceOption.MTU, 9000);
    handle.setOption(DeviceOption.BAUDRATE, 1_000_000L);
    handle.setOption(DeviceOption.TRANSIENT, true);
    handle.setOption(DeviceOption.TRANSIENT, false);
    assertThat(errnoOf(() -> handle.setOption(DeviceOption.MTU, 71))).isEqualTo(Errno.EINVAL);
    assertThat(
            errnoOf(() ->
                handle.setOption(DeviceOption.REMOTE_MAC, MacAddress.parse("02:00:00:00:00:01"))))
        .isEqualTo(Errno.ENOTTY);
    assertThat(errnoOf(() -> handle.option(DeviceOption.REMOTE_MAC))).isEqualTo(Errno.ENOTTY);
    assertThat(tun.info().network().statusText())
        .isEqualTo("\tOpened by PID " + ProcessHandle.current().pid() + "\n");
    handle.close();
    handle.closed().toCompletableFuture().join();
    assertThat(tun.info().network().statusText()).isEmpty();
    assertThat(errnoOf(() -> handle.setOption(DeviceOption.MTU, 1500))).isEqualTo(Errno.EBADF);
    assertThat(errnoOf(() -> handle.option(DeviceOption.MTU))).isEqualTo(Errno.EBADF);
    try (DeviceHandle again = tun.open()) {
      assertThat(again.option(DeviceOption.FRAMING)).isEqualTo(Framing.FAMILY);
      assertThat(again.option(DeviceOption.MTU)).isEqualTo(9000);
      assertThat(again.option(DeviceOption.BAUDRATE)).isEqualTo(1_000_000L);
      assertThat(again.option(DeviceOption.TRANSIENT)).isFalse();
      assertThat(again.option(DeviceOption.INTERFACE_MODE).multicast()).isFalse();
      tun.configure(new InterfaceChange.AddAddress(IpPrefix.parse("192.0.2.2/24")));
      assertThat(tun.info().network().up()).isTrue();
      assertThat(
              errnoOf(() ->
                  again.setOption(
                      DeviceOption.INTERFACE_MODE,
                      new InterfaceMode(InterfaceMode.Kind.BROADCAST, true))))
          .isEqualTo(Errno.EBUSY);
    }
    try (DeviceHandle other = tap.open()) {
      MacAddress remote = MacAddress.parse("02:00:00:00:00:02");
      other.setOption(DeviceOption.REMOTE_MAC, remote);
      assertThat(other.option(DeviceOption.REMOTE_MAC)).isEqualTo(remote);
      assertThat(errnoOf(() -> other.setOption(DeviceOption.FRAMING, Framing.FAMILY)))
          .isEqualTo(Errno.ENOTTY);
    }
    assertThat(tun.info().state()).isNotEqualTo(DeviceInfo.State.TEARDOWN);
  }

  @Test
  void a_close_by_a_process_that_is_not_the_owner_is_logged_and_carried_out() {
    Logger log = (Logger) LoggerFactory.getLogger("io.vnet.actors.device");
    ListAppender<ILoggingEvent> logged = new ListAppender<>();
    logged.list = new CopyOnWriteArrayList<>();
    logged.start();
    log.addAppender(logged);
    log.setLevel(Level.INFO);
    try {
      Device tun = host.create(DeviceSpec.of("tun"));
      for (boolean foreign : new boolean[] {false, true}) {
        DeviceHandle handle = tun.open();
        if (foreign) {
          handle.setOption(DeviceOption.OWNER_PID, 77L);
        }
        handle.close();
        handle.closed().toCompletableFuture().join();
        assertThat(tun.info().state()).isEqualTo(DeviceInfo.State.IDLE);
        assertThat(tun.info().ownerPid()).isEmpty();
        assertThat(logged.list.stream().map(ILoggingEvent::getFormattedMessage))
            .filteredOn(line -> line.contains("not its owner"))
            .hasSize(foreign ? 1 : 0)
            .allMatch(line -> line.startsWith("tun0") && line.endsWith(" 77"));
      }
    } finally {
      log.setLevel(null);
      log.detachAppender(logged);
    }
  }

  @Test
  void links_are_told_in_the_end_as_they_are() throws InterruptedException {
    LinkedBlockingQueue<LinkState> told = new LinkedBlockingQueue<>();
    host.onLink(event -> told.add(event.link()));
    Device device = host.create(DeviceSpec.of("tun"));
    DeviceHandle handle = device.open();
    assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo(LinkState.UP);
    handle.close();
    assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo(LinkState.DOWN);
  }
}
