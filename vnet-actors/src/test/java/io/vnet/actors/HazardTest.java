package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.port.Answers;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.Credential;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.Vnet;
import io.vnet.api.error.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What the if_tuntap specification calls a hazard of FreeBSD's driver, where no other test has it:
 * those of sections 5.5 and 5.6 are in the race matrix.
 */
class HazardTest {
  private static final int GUARD_SECONDS = 60;

  private final VnetHost host = VnetHost.start();

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static Errno refusal(CompletionStage<?> stage) {
    return errnoOf(() -> {
      try {
        end(stage);
      } catch (CompletionException e) {
        throw Answers.unwrap(e);
      }
    });
  }

  /** Section 1.4. */
  @Test
  void without_a_free_unit_a_wildcard_is_ENOSPC_and_changes_nothing() {
    int units = DeviceName.MAX_UNIT + 1;
    List<CompletionStage<Device>> creations = new ArrayList<>();
    for (int i = 0; i < units; i++) {
      creations.add(host.createAsync(DeviceSpec.of("tun")));
    }
    List<Device> devices = creations.stream().map(HazardTest::end).toList();
    assertThat(devices.stream().map(device -> device.id().name().unit()).distinct().count())
        .isEqualTo(units);

    assertThat(refusal(host.createAsync(DeviceSpec.of("tun")))).isEqualTo(Errno.ENOSPC);
    assertThat(refusal(host.openAsync("tun", Credential.PRIVILEGED))).isEqualTo(Errno.ENOSPC);
    assertThat(host.devices().size()).isEqualTo(units);
    assertThat(host.create(DeviceSpec.of("tap")).id().toString()).isEqualTo("tap0");
    assertThat(host.find("tun" + units)).isEmpty();

    Device seventh = host.find("tun7").orElseThrow();
    seventh.destroy();
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun7");
    assertThat(refusal(host.createAsync(DeviceSpec.of("tun")))).isEqualTo(Errno.ENOSPC);
  }

  /** Section 1.8. */
  @Test
  void an_open_whose_interface_name_is_taken_undoes_the_node_and_frees_the_unit() {
    Vnet blue = host.createVnet("blue");
    Device there = blue.create(DeviceSpec.of("tun0"));
    Device here = host.create(DeviceSpec.of("tap"));
    here.rename("tun0");
    there.destroy();
    assertThat(here.info().alias()).isEmpty();
    for (String name : List.of("tun0", "tun")) {
      assertThat(refusal(host.openAsync(name, Credential.PRIVILEGED))).isEqualTo(Errno.EEXIST);
    }
    assertThat(host.find("tun0")).isEmpty();
    assertThat(end(blue.createAsync(DeviceSpec.of("tun0"))).id().toString()).isEqualTo("tun0");
  }

  /** Section 6.2. */
  @Test
  void an_interrupted_thread_ends_the_host_all_the_same_and_keeps_its_flag() throws Exception {
    VnetHost other = VnetHost.start();
    DeviceHandle handle = other.create(DeviceSpec.of("tun")).open();
    other.create(DeviceSpec.of("tap").withTransient(true)).open();
    CompletableFuture<Boolean> flag = new CompletableFuture<>();
    Thread closer =
        Thread.ofPlatform()
            .start(() -> {
              Thread.currentThread().interrupt();
              other.close();
              flag.complete(Thread.currentThread().isInterrupted());
            });
    assertThat(end(flag)).isTrue();
    closer.join();
    assertThat(other.statistics()).matches(HostStatistics::holdsNothing);
    assertThat(handle.isOpen()).isFalse();
  }

  /** Section 5.7. */
  @Test
  void a_destroy_that_waits_for_its_user_holds_nobody_else_up() {
    Vnet blue = host.createVnet("blue");
    Device lent = blue.create(DeviceSpec.of("tun"));
    Device held = host.create(DeviceSpec.of("tun"));
    DeviceHandle holder = held.open();
    DestroyRequest waiting = held.destroyAsync(DestroyPolicy.WAIT);
    await().until(() -> held.info().state() == DeviceInfo.State.DYING);

    lent.moveTo(host.vnet0());
    Device created = host.create(DeviceSpec.of("tun"));
    created.rename("lan");
    created.open().close();
    created.destroy(DestroyPolicy.WAIT);
    blue.remove(DestroyPolicy.WAIT);
    assertThat(errnoOf(lent::info)).isEqualTo(Errno.ENXIO);
    host.createVnet("blue").create(DeviceSpec.of("tun")).destroy();

    assertThat(waiting.done().toCompletableFuture()).isNotDone();
    holder.close();
    assertThat(end(waiting.done())).isEqualTo(held.id());
  }
}
