package io.vnet.api.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.DeviceSpec.Overflow;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is asked for at create: defaults, one change at a time, and what is refused at once. */
class DeviceSpecTest {
  private static final DeviceSpec PLAIN =
      new DeviceSpec(
          "tap3", 1500, 500, Overflow.BACK_PRESSURE, false, true, new DeviceSpec.Memory());

  @Test
  void of_gives_a_lasting_device_in_memory_that_is_up() {
    assertThat(DeviceSpec.of("tap3")).isEqualTo(PLAIN);
    assertThat(DeviceSpec.MIN_MTU).isEqualTo(72);
    assertThat(DeviceSpec.MAX_MTU).isEqualTo(65535);
  }

  @Test
  void each_with_method_changes_its_own_part_and_nothing_else() {
    DeviceSpec.Backing memory = new DeviceSpec.Memory();
    HostBacking host = HostBacking.create();

    assertThat(PLAIN.withMtu(9000))
        .isEqualTo(new DeviceSpec("tap3", 9000, 500, Overflow.BACK_PRESSURE, false, true, memory));
    assertThat(PLAIN.withQueue(7, Overflow.TAIL_DROP))
        .isEqualTo(new DeviceSpec("tap3", 1500, 7, Overflow.TAIL_DROP, false, true, memory));
    assertThat(PLAIN.withTransient(true))
        .isEqualTo(new DeviceSpec("tap3", 1500, 500, Overflow.BACK_PRESSURE, true, true, memory));
    assertThat(PLAIN.withUp(false))
        .isEqualTo(new DeviceSpec("tap3", 1500, 500, Overflow.BACK_PRESSURE, false, false, memory));
    assertThat(PLAIN.withHost(host))
        .isEqualTo(new DeviceSpec("tap3", 1500, 500, Overflow.BACK_PRESSURE, false, true, host));
  }

  @Test
  void changes_add_up() {
    DeviceSpec changed =
        PLAIN
            .withMtu(1280)
            .withQueue(1, Overflow.TAIL_DROP)
            .withTransient(true)
            .withUp(false)
            .withHost(HostBacking.create());

    assertThat(changed)
        .isEqualTo(
            new DeviceSpec("tap3", 1280, 1, Overflow.TAIL_DROP, true, false, HostBacking.create()));
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, -1, 0})
  void a_queue_without_room_is_refused(int packets) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PLAIN.withQueue(packets, Overflow.TAIL_DROP))
        .withMessageContaining("queuePackets " + packets);
  }

  @ParameterizedTest
  @ValueSource(ints = {Integer.MIN_VALUE, 0, 71, 65536})
  void an_mtu_out_of_range_is_left_for_create_to_refuse(int mtu) {
    assertThat(PLAIN.withMtu(mtu).mtu()).isEqualTo(mtu);
  }

  @Test
  @SuppressWarnings("NullAway") // Callers outside the null-marked world get an early answer.
  void null_is_refused_where_it_is_given() {
    assertThatNullPointerException().isThrownBy(() -> DeviceSpec.of(null)).withMessage("name");
    assertThatNullPointerException()
        .isThrownBy(() -> PLAIN.withQueue(1, null))
        .withMessage("overflow");
    assertThatNullPointerException().isThrownBy(() -> PLAIN.withHost(null)).withMessage("backing");
    assertThatNullPointerException()
        .isThrownBy(() -> HostBacking.create().withInterfaceName(null))
        .withMessage("interfaceName");
    assertThatNullPointerException()
        .isThrownBy(() -> HostBacking.create().withMode(null))
        .withMessage("mode");
  }

  private static HostBacking backing(List<IpPrefix> addresses) {
    return new HostBacking(
        "",
        HostBacking.Mode.CREATE,
        Optional.empty(),
        addresses,
        false,
        HostBacking.Ownership.UNCHANGED,
        1,
        List.of());
  }

  @Test
  void a_host_backing_starts_as_a_new_interface_of_one_queue_without_addresses_and_owner() {
    assertThat(HostBacking.create()).isEqualTo(backing(List.of()));
  }

  @Test
  void each_change_of_a_host_backing_keeps_the_rest() {
    Path blue = Path.of("/run/netns/blue");
    IpPrefix v4 = IpPrefix.parse("10.9.0.1/24");
    IpPrefix v6 = IpPrefix.parse("fd00::1/64");

    HostBacking changed =
        HostBacking.create()
            .withQueues(4)
            .withGroup(12)
            .withPersistent(true)
            .withOwner(1000)
            .withOffload(true)
            .withInterfaceName("wan")
            .withMode(HostBacking.Mode.ATTACH)
            .inNetworkNamespace(blue)
            .withAddresses(v4, v6);

    assertThat(changed)
        .isEqualTo(
            new HostBacking(
                "wan",
                HostBacking.Mode.ATTACH,
                Optional.of(blue),
                List.of(v4, v6),
                true,
                new HostBacking.Ownership(
                    Optional.of(true), OptionalLong.of(1000), OptionalLong.of(12)),
                4,
                List.of()));
    assertThat(changed.withAddresses().addresses()).isEmpty();
  }

  @Test
  void a_host_backing_keeps_its_own_copy_of_the_addresses() {
    List<IpPrefix> addresses = new ArrayList<>(List.of(IpPrefix.parse("10.9.0.1/24")));
    HostBacking backing = backing(addresses);

    addresses.clear();

    assertThat(backing.addresses()).containsExactly(IpPrefix.parse("10.9.0.1/24"));
  }

  @Test
  void adopted_descriptors_are_the_queues_and_go_with_their_mode_alone() {
    HostBacking adopted = HostBacking.adopt(7, 9);
    assertThat(adopted.mode()).isEqualTo(HostBacking.Mode.ADOPT);
    assertThat(adopted.descriptors()).containsExactly(7, 9);
    assertThat(adopted.queues()).isEqualTo(2);
    assertThat(adopted.withOwner(1).withOffload(true).withAddresses().descriptors())
        .containsExactly(7, 9);
    assertThatIllegalArgumentException().isThrownBy(HostBacking::adopt);
    assertThatIllegalArgumentException().isThrownBy(() -> HostBacking.adopt(7, 7));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> adopted.withMode(HostBacking.Mode.CREATE));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> HostBacking.create().withMode(HostBacking.Mode.ADOPT));
  }
}
