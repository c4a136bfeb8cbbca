package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.vnet.actors.testkit.FakeHostNetwork;
import io.vnet.actors.testkit.FakeHostNetwork.Step;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A reader that stalls inside its section delays what it could still touch, and nothing else. */
class GracePeriodTest {
  private static final int GUARD_SECONDS = 60;
  private static final String READER = "stalled-reader";

  private final FakeHostNetwork network = new FakeHostNetwork(true);
  private final VnetHost host =
      VnetHost.start(
          HostSettings.defaults().withGracePeriods(Duration.ofMillis(1), 4096),
          () -> Optional.of(network));
  private final Logger log = (Logger) LoggerFactory.getLogger("io.vnet.actors.device");
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final List<DeviceEvent> events = new CopyOnWriteArrayList<>();

  @BeforeEach
  void listen() {
    logged.list = new CopyOnWriteArrayList<>();
    logged.start();
    log.addAppender(logged);
    log.setAdditive(false);
    host.onEvent(events::add);
  }

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
    log.setAdditive(true);
    log.detachAppender(logged);
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private List<DeviceEvent.Kind> eventsOf(DeviceId device) {
    return events.stream()
        .filter(event -> event.device().equals(device))
        .map(DeviceEvent::kind)
        .toList();
  }

  private List<String> warnings() {
    return logged.list.stream()
        .filter(event -> event.getLevel() == Level.WARN)
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  @Test
  void a_reader_that_stalls_delays_the_release_of_its_device_and_nothing_else() {
    Device device = host.create(DeviceSpec.of("tun").withHost(HostBacking.create()));
    DeviceHandle handle = device.open();
    FakeHostNetwork.Stall stall = network.stall(Step.RECEIVE);
    CompletableFuture<Errno> reader =
        CompletableFuture.supplyAsync(
            () -> DeviceLifeTest.errnoOf(handle::read),
            task -> Thread.ofPlatform().name(READER).start(task));
    stall.awaitEntered();

    DestroyRequest destroy = device.destroyAsync(DestroyPolicy.FORCE);
    await().until(() -> eventsOf(device.id()).contains(DeviceEvent.Kind.QUIESCED));
    await().until(() -> !warnings().isEmpty());
    assertThat(warnings())
        .singleElement()
        .asString()
        .startsWith("grace period stalled for ")
        .contains("by reader 'tun0 receive' on " + READER)
        .contains("FakeBackend.receive");

    Device other = host.create(DeviceSpec.of("tap"));
    DeviceHandle otherHandle = other.open();
    otherHandle.close();
    end(otherHandle.closed());
    assertThat(host.find("tun0")).isEmpty();
    assertThat(DeviceLifeTest.errnoOf(device::open)).isEqualTo(Errno.ENXIO);
    DestroyRequest otherDestroy = other.destroyAsync(DestroyPolicy.FORCE);
    await().until(() -> eventsOf(other.id()).contains(DeviceEvent.Kind.QUIESCED));

    assertThat(destroy.done().toCompletableFuture()).isNotDone();
    assertThat(otherDestroy.done().toCompletableFuture()).isNotDone();
    assertThat(eventsOf(device.id()))
        .endsWith(DeviceEvent.Kind.DETACHED, DeviceEvent.Kind.QUIESCED)
        .doesNotContain(
            DeviceEvent.Kind.READERS_DRAINED,
            DeviceEvent.Kind.RELEASED,
            DeviceEvent.Kind.UNIT_FREED);
    assertThat(network.steps()).doesNotContain(Step.RELEASE);
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun1");

    stall.leave();
    assertThat(end(destroy.done())).isEqualTo(device.id());
    assertThat(end(otherDestroy.done())).isEqualTo(other.id());
    assertThat(end(reader)).isEqualTo(Errno.ENXIO);
    assertThat(network.steps()).endsWith(Step.RELEASE);
    assertThat(warnings()).hasSize(1);
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun0");
  }

  @Test
  void a_close_returns_only_when_the_stalled_reader_has_left() {
    Device device = host.create(DeviceSpec.of("tun").withHost(HostBacking.create()));
    DeviceHandle handle = device.open();
    FakeHostNetwork.Stall stall = network.stall(Step.RECEIVE);
    CompletableFuture<Errno> reader =
        CompletableFuture.supplyAsync(
            () -> DeviceLifeTest.errnoOf(handle::read),
            task -> Thread.ofPlatform().name(READER).start(task));
    stall.awaitEntered();
    CompletableFuture<?> closing =
        CompletableFuture.runAsync(handle::close, task -> Thread.ofPlatform().start(task));
    await().until(() -> !handle.isOpen());
    assertThat(closing).isNotDone();
    assertThat(handle.closed().toCompletableFuture()).isNotDone();
    stall.leave();
    end(closing);
    assertThat(end(handle.closed())).isEqualTo(device.id());
    assertThat(end(reader)).isEqualTo(Errno.EBADF);
  }
}
