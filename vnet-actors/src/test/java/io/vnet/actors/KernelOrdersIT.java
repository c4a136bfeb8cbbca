package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.Descriptors;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The orders in which Linux tests that a tun queue and its interface may end ({@code
 * tools/testing/selftests/net/tun.c}), through vnet, whose words for them are: delete = somebody
 * removes the interface; detach = the handle is closed; attach = the device is opened again; close
 * = the device is destroyed, which closes the descriptor.
 */
@ExtendWith(NetworkNamespaces.class)
class KernelOrdersIT {
  private static final int GUARD_SECONDS = 60;
  private static final String NAME = "tap0";

  /** One end of a device, or of the use of it. */
  enum Step {
    DELETE,
    DETACH,
    ATTACH,
    CLOSE
  }

  /** The kernel's five. */
  enum Sequence {
    DELETE_DETACH_CLOSE,
    DETACH_DELETE_CLOSE,
    DETACH_CLOSE_DELETE,
    DETACH_ATTACH_DELETE_CLOSE,
    DETACH_ATTACH_CLOSE_DELETE;

    List<Step> steps() {
      return Arrays.stream(name().split("_", -1)).map(Step::valueOf).toList();
    }
  }

  /** Whether what follows a delete waits until vnet has noticed it, or races with that. */
  enum Pace {
    SETTLED,
    RACING
  }

  /** Whose interface it is: vnet's, or an administrator's that outlives the descriptor. */
  enum Interface {
    MADE,
    PERSISTENT
  }

  static Stream<Arguments> all() {
    List<Arguments> all = new ArrayList<>();
    for (Sequence sequence : Sequence.values()) {
      for (Interface kind : Interface.values()) {
        for (Pace pace : Pace.values()) {
          all.add(Arguments.of(sequence, kind, pace));
        }
      }
    }
    return all.stream();
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static DeviceSpec spec(NetworkNamespace namespace, HostBacking.Mode mode) {
    return DeviceSpec.of(NAME)
        .withHost(HostBacking.create().withMode(mode).inNetworkNamespace(namespace.path()));
  }

  @ParameterizedTest
  @MethodSource("all")
  void each_order_has_a_defined_result_and_leaves_nothing(
      Sequence sequence, Interface kind, Pace pace, NetworkNamespace namespace) {
    Descriptors before = Descriptors.now();
    VnetHost host = VnetHost.start();
    List<DeviceEvent.Kind> events = new CopyOnWriteArrayList<>();
    host.onEvent(event -> events.add(event.kind()));
    if (kind == Interface.PERSISTENT) {
      Program.outputIn(namespace, "ip", "tuntap", "add", "dev", NAME, "mode", "tap");
    }
    HostBacking.Mode mode =
        kind == Interface.PERSISTENT ? HostBacking.Mode.ATTACH : HostBacking.Mode.CREATE;
    Device device = host.create(spec(namespace, mode));
    DeviceHandle handle = device.open();
    List<Step> done = new ArrayList<>();
    for (Step step : sequence.steps()) {
      switch (step) {
        case DELETE -> {
          boolean closed = done.contains(Step.CLOSE);
          boolean held = handle.isOpen();
          Program delete = Program.runIn(namespace, "ip", "link", "delete", NAME);
          if (closed && kind == Interface.MADE) {
            assertThat(delete.exitCode()).isNotZero();
            assertThat(delete.output()).contains("Cannot find device");
          } else {
            assertThat(delete).isEqualTo(new Program(0, ""));
            if (!closed && pace == Pace.SETTLED) {
              settle(device, handle, held, events);
            }
          }
        }
        case DETACH -> {
          handle.close();
          assertThat(end(handle.closed())).isEqualTo(device.id());
          assertThat(errnoOf(handle::read))
              .isIn(
                  done.contains(Step.DELETE)
                      ? List.of(Errno.ENODEV, Errno.EBADF)
                      : List.of(Errno.EBADF));
        }
        case ATTACH -> handle = device.open();
        case CLOSE -> destroy(device, done.contains(Step.DELETE), pace);
      }
      done.add(step);
    }
    end(device.gone());
    assertThat(handle.isOpen()).isFalse();
    assertThat(errnoOf(device::open)).isEqualTo(Errno.ENXIO);
    assertThat(errnoOf(device::destroy)).isEqualTo(Errno.ENXIO);
    assertThat(Program.outputIn(namespace, "ip", "-o", "link")).doesNotContain("tap");
    Device next = host.create(spec(namespace, HostBacking.Mode.CREATE));
    assertThat(next.id().name()).isEqualTo(device.id().name());
    next.open().close();
    next.destroy();
    Leftovers.assertNothingLeft(host);
    assertThat(Descriptors.now().since(before)).isEmpty();
    assertThat(events.stream().filter(event -> event == DeviceEvent.Kind.RELEASED)).hasSize(2);
    assertThat(events.stream().filter(event -> event == DeviceEvent.Kind.UNIT_FREED)).hasSize(2);
  }

  /** The deletion ends the device by itself, and whoever holds it is told why. */
  private static void settle(
      Device device, DeviceHandle handle, boolean held, List<DeviceEvent.Kind> events) {
    assertThat(end(device.gone())).isEqualTo(device.id());
    await().until(() -> events.contains(DeviceEvent.Kind.UNIT_FREED));
    assertThat(events)
        .containsOnlyOnce(DeviceEvent.Kind.LOST)
        .containsSubsequence(
            DeviceEvent.Kind.LOST,
            DeviceEvent.Kind.OPENS_REFUSED,
            DeviceEvent.Kind.RELEASED,
            DeviceEvent.Kind.UNIT_FREED);
    assertThat(events.contains(DeviceEvent.Kind.HANDLE_REVOKED)).isEqualTo(held);
    assertThat(errnoOf(handle::read)).isEqualTo(held ? Errno.ENODEV : Errno.EBADF);
  }

  private static void destroy(Device device, boolean deleted, Pace pace) {
    if (!deleted) {
      device.destroy();
    } else if (pace == Pace.SETTLED) {
      assertThat(errnoOf(device::destroy)).isEqualTo(Errno.ENXIO);
    } else {
      // Who comes first: this, or the poller's word that the interface is gone.
      assertThatCode(device::destroy)
          .satisfiesAnyOf(
              failure -> assertThat(failure).isNull(),
              failure ->
                  assertThat(failure)
                      .isInstanceOfSatisfying(
                          VnetException.class,
                          refused -> assertThat(refused.errno()).isEqualTo(Errno.ENXIO)));
    }
  }
}
