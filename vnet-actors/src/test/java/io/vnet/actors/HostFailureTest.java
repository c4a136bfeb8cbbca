package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.SimAccess;
import io.vnet.actors.testkit.FakeHostNetwork;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.Credential;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/**
 * An actor that all devices of a host share fails: whoever waits hears it, nobody waits for ever
 * afterwards, and what the devices held is given back.
 */
class HostFailureTest {
  private static final int GUARD_SECONDS = 60;

  private final FakeHostNetwork network = new FakeHostNetwork(true);
  private final VnetHost host = VnetHost.start(HostSettings.defaults(), () -> Optional.of(network));
  private final List<DeviceEvent> events = new CopyOnWriteArrayList<>();
  private final ExecutorService readers = Executors.newCachedThreadPool();
  private final Logger log = (Logger) LoggerFactory.getLogger("io.vnet.actors.device");
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final Logger akka = (Logger) LoggerFactory.getLogger("akka");
  private final Level akkaLevel = akka.getEffectiveLevel();

  @BeforeEach
  void listen() {
    logged.list = new CopyOnWriteArrayList<>();
    logged.start();
    log.addAppender(logged);
    log.setAdditive(false);
    akka.setLevel(Level.OFF);
    host.onEvent(events::add);
  }

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
    assertThat(network.open()).isZero();
    readers.shutdown();
    log.setAdditive(true);
    log.detachAppender(logged);
    akka.setLevel(akkaLevel);
  }

  private void fail(SimAccess.Shared who) {
    SimAccess.poison(who, host.actors(), host.context().vnets(), HostActor.VNET0);
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static VnetException refusal(CompletionStage<?> stage) {
    Throwable outcome =
        end(stage.handle((_, failure) -> failure == null ? new AssertionError("none") : failure));
    if ((outcome instanceof CompletionException ? outcome.getCause() : outcome)
        instanceof VnetException refusal) {
      return refusal;
    }
    throw new AssertionError("not a VnetException", outcome);
  }

  private List<DeviceEvent.Kind> eventsOf(Device device) {
    return events.stream()
        .filter(event -> event.device().equals(device.id()))
        .map(DeviceEvent::kind)
        .toList();
  }

  @ParameterizedTest
  @EnumSource
  void all_who_wait_are_answered_and_all_is_given_back(SimAccess.Shared who) {
    Device memory = host.create(DeviceSpec.of("tap"));
    Device onHost = host.create(DeviceSpec.of("tun").withHost(HostBacking.create()));
    DeviceHandle handle = memory.open();
    DeviceHandle other = onHost.open();
    NetworkEnd end = memory.networkEnd();
    CompletableFuture<Errno> reader =
        CompletableFuture.supplyAsync(() -> errnoOf(handle::read), readers);
    CompletionStage<?> destroyed = memory.destroyAsync(DestroyPolicy.WAIT).done();
    CompletionStage<?> gone = onHost.gone();
    assertThat(host.failure()).isEmpty();

    fail(who);

    for (CompletionStage<?> waits : List.of(destroyed, gone)) {
      VnetException refusal = refusal(waits);
      assertThat(refusal.errno()).isEqualTo(Errno.ESHUTDOWN);
      assertThat(refusal).hasMessageContaining("the host has failed: ");
      assertThat(refusal.getCause()).isSameAs(host.failure().orElseThrow());
    }
    assertThat(end(reader)).isEqualTo(Errno.ESHUTDOWN);
    assertThat(end(handle.closed())).isEqualTo(memory.id());
    assertThat(end(other.closed())).isEqualTo(onHost.id());
    assertThat(end.isOpen()).isFalse();
    assertThat(errnoOf(() -> host.create(DeviceSpec.of("tun")))).isEqualTo(Errno.ESHUTDOWN);
    assertThat(errnoOf(() -> host.createVnet("blue"))).isEqualTo(Errno.ESHUTDOWN);
    assertThat(refusal(host.openAsync("tun9", Credential.PRIVILEGED)).errno())
        .isEqualTo(Errno.ESHUTDOWN);
    assertThat(refusal(host.drainGracePeriods()).errno()).isEqualTo(Errno.ESHUTDOWN);
    assertThat(end(host.terminate())).matches(HostStatistics::holdsNothing);
    assertThat(host.devices()).isEmpty();
    await().until(() -> eventsOf(onHost).contains(DeviceEvent.Kind.RELEASED));
    for (Device device : List.of(memory, onHost)) {
      assertThat(eventsOf(device))
          .containsSubsequence(
              DeviceEvent.Kind.LOST,
              DeviceEvent.Kind.OPENS_REFUSED,
              DeviceEvent.Kind.HANDLE_REVOKED,
              DeviceEvent.Kind.NODE_REMOVED,
              DeviceEvent.Kind.DETACHED,
              DeviceEvent.Kind.QUIESCED,
              DeviceEvent.Kind.READERS_DRAINED,
              DeviceEvent.Kind.RELEASED);
    }
    assertThat(logged.list)
        .singleElement()
        .satisfies(
            line -> assertThat(line.getFormattedMessage()).endsWith(" failed; its host ends"));
  }

  @Test
  void backends_that_are_being_opened_read_or_retired_are_given_back_too() {
    Device used = host.create(DeviceSpec.of("tun").withHost(HostBacking.create()));
    DeviceHandle handle = used.open();
    Device idle = host.create(DeviceSpec.of("tap0"));
    FakeHostNetwork.Stall opening = network.stall(FakeHostNetwork.Step.OPEN);
    FakeHostNetwork.Stall receiving = network.stall(FakeHostNetwork.Step.RECEIVE);
    CompletionStage<Device> creation =
        host.createAsync(DeviceSpec.of("tap1").withHost(HostBacking.create()));
    CompletableFuture<Errno> reader =
        CompletableFuture.supplyAsync(() -> errnoOf(handle::read), readers);
    opening.awaitEntered();
    receiving.awaitEntered();
    CompletionStage<?> destroyed = idle.destroyAsync(DestroyPolicy.FORCE).done();
    await().until(() -> host.statistics().retiring() == 1);

    fail(SimAccess.Shared.VNET);

    assertThat(refusal(creation).errno()).isEqualTo(Errno.ESHUTDOWN);
    assertThat(refusal(destroyed).errno()).isEqualTo(Errno.ESHUTDOWN);
    CompletableFuture<HostStatistics> ended = host.terminate().toCompletableFuture();
    opening.leave();
    await().until(() -> eventsOf(used).contains(DeviceEvent.Kind.QUIESCED));
    assertThat(ended).isNotDone();
    assertThat(network.steps()).doesNotContain(FakeHostNetwork.Step.RELEASE);

    receiving.leave();
    assertThat(end(reader)).isEqualTo(Errno.ESHUTDOWN);
    assertThat(end(ended)).matches(HostStatistics::holdsNothing);
    assertThat(network.open()).isZero();
  }
}
