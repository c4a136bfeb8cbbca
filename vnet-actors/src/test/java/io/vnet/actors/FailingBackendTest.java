package io.vnet.actors;

import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.vnet.actors.testkit.FakeHostNetwork;
import io.vnet.actors.testkit.FakeHostNetwork.Step;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.actors.testkit.Traffic;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** A backend that throws costs its own device and nothing else; everybody who waits is answered. */
class FailingBackendTest {
  private static final int GUARD_SECONDS = 60;
  private static final DeviceSpec SPEC = DeviceSpec.of("tun").withHost(HostBacking.create());

  private final Logger log = (Logger) LoggerFactory.getLogger("io.vnet.actors.device");
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();

  @BeforeEach
  void listen_to_the_log() {
    logged.start();
    log.addAppender(logged);
    log.setAdditive(false);
  }

  @AfterEach
  void leave_the_log() {
    log.setAdditive(true);
    log.detachAppender(logged);
  }

  /** How a call ends. */
  enum How {
    VNET_EXCEPTION,
    RUNTIME_EXCEPTION,
    ERROR;

    void arm(FakeHostNetwork network, Step step) {
      switch (this) {
        case VNET_EXCEPTION ->
            network.fail(
                step, () -> new VnetException("test", "", Errno.ENOBUFS, "on purpose", ""));
        case RUNTIME_EXCEPTION -> network.fail(step, () -> new IllegalStateException("on purpose"));
        case ERROR -> network.failWithError(step, () -> new AssertionError("on purpose"));
      }
    }
  }

  static Stream<Arguments> failures(Step... steps) {
    return Stream.of(true, false)
        .flatMap(blocking ->
            Stream.of(How.values())
                .flatMap(how -> Stream.of(steps).map(step -> Arguments.of(blocking, how, step))));
  }

  static Stream<Arguments> failuresOfCreation() {
    return failures(Step.PROVIDER_START, Step.OPEN, Step.START);
  }

  static Stream<Arguments> failuresOfUse() {
    return failures(Step.LINK_UP, Step.LINK_DOWN);
  }

  static Stream<Arguments> failuresOfTeardown() {
    return failures(Step.QUIESCE, Step.RELEASE);
  }

  private static VnetHost host(FakeHostNetwork network) {
    return VnetHost.start(HostSettings.defaults(), () -> Optional.of(network));
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private static Errno failure(CompletionStage<?> stage) {
    Throwable outcome =
        end(stage.handle((_, failure) -> failure == null ? new AssertionError("none") : failure));
    Throwable cause = outcome instanceof CompletionException ? outcome.getCause() : outcome;
    if (cause instanceof VnetException failure) {
      return failure.errno();
    }
    throw new AssertionError("not a VnetException", cause);
  }

  /** The events up to the last one of a device's life. */
  private static Supplier<List<DeviceEvent.Kind>> life(VnetHost host) {
    BlockingQueue<DeviceEvent.Kind> events = new LinkedBlockingQueue<>();
    host.onEvent(event -> events.add(event.kind()));
    return () -> {
      List<DeviceEvent.Kind> all = new ArrayList<>();
      while (!all.contains(DeviceEvent.Kind.UNIT_FREED)) {
        try {
          DeviceEvent.Kind next = events.poll(GUARD_SECONDS, TimeUnit.SECONDS);
          if (next == null) {
            throw new AssertionError("no event after " + all);
          }
          all.add(next);
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
      return all;
    };
  }

  @ParameterizedTest(name = "{2}, {1}, blocking {0}")
  @MethodSource("failuresOfCreation")
  void a_failing_creation_is_answered_and_leaves_nothing(boolean blocking, How how, Step step) {
    FakeHostNetwork network = new FakeHostNetwork(blocking);
    VnetHost host = host(network);
    how.arm(network, step);
    assertThat(failure(host.createAsync(SPEC)))
        .isEqualTo(how == How.VNET_EXCEPTION ? Errno.ENOBUFS : Errno.EIO);
    assertThat(network.open()).isZero();
    assertThat(host.devices()).isEmpty();
    assertThat(host.create(DeviceSpec.of("tun0")).id().name().unit()).isZero();
    Leftovers.assertNothingLeft(host);
  }

  @ParameterizedTest(name = "{2}, {1}, blocking {0}")
  @MethodSource("failuresOfUse")
  void a_device_whose_backend_fails_in_use_is_lost(boolean blocking, How how, Step step) {
    FakeHostNetwork network = new FakeHostNetwork(blocking);
    VnetHost host = host(network);
    Supplier<List<DeviceEvent.Kind>> life = life(host);
    Device device = end(host.createAsync(SPEC));
    CompletionStage<?> gone = device.gone();
    how.arm(network, step);
    DeviceHandle handle = end(device.openAsync());
    if (step == Step.LINK_DOWN) {
      handle.close();
    }
    assertThat(end(gone)).isEqualTo(device.id());
    end(handle.closed());
    assertThat(DeviceLifeTest.errnoOf(handle::read))
        .isEqualTo(step == Step.LINK_DOWN ? Errno.EBADF : Errno.EIO);
    assertThat(life.get())
        .contains(DeviceEvent.Kind.LOST, DeviceEvent.Kind.RELEASED, DeviceEvent.Kind.UNIT_FREED);
    assertLogged(step == Step.LINK_UP ? "LinkUp" : "LinkDown");
    assertThat(network.open()).isZero();
    Leftovers.assertNothingLeft(host);
  }

  @ParameterizedTest(name = "{2}, {1}, blocking {0}")
  @MethodSource("failuresOfTeardown")
  void a_failing_teardown_goes_on_and_frees_the_unit(boolean blocking, How how, Step step) {
    FakeHostNetwork network = new FakeHostNetwork(blocking);
    VnetHost host = host(network);
    Supplier<List<DeviceEvent.Kind>> life = life(host);
    Device device = end(host.createAsync(SPEC));
    DeviceHandle handle = end(device.openAsync());
    how.arm(network, step);
    assertThat(end(device.destroyAsync(DestroyPolicy.FORCE).done())).isEqualTo(device.id());
    end(handle.closed());
    assertThat(life.get())
        .containsSubsequence(
            DeviceEvent.Kind.QUIESCED,
            DeviceEvent.Kind.READERS_DRAINED,
            DeviceEvent.Kind.RELEASED,
            DeviceEvent.Kind.UNIT_FREED)
        .contains(DeviceEvent.Kind.LOST);
    assertLogged(step == Step.QUIESCE ? "Quiesce" : "Release");
    assertThat(network.open()).isZero();
    assertThat(host.create(DeviceSpec.of("tun0")).id().name().unit()).isZero();
    Leftovers.assertNothingLeft(host);
  }

  private void assertLogged(String effect) {
    assertThat(List.copyOf(logged.list))
        .anySatisfy(event -> {
          assertThat(event.getLevel()).isEqualTo(Level.ERROR);
          assertThat(event.getFormattedMessage()).startsWith("tun0: " + effect);
          assertThat(event.getThrowableProxy()).isNotNull();
        });
  }

  @ParameterizedTest(name = "blocking {0}")
  @ValueSource(booleans = {true, false})
  void an_interface_that_goes_away_wakes_its_reader_with_its_errno(boolean blocking) {
    FakeHostNetwork network = new FakeHostNetwork(blocking);
    VnetHost host = host(network);
    Supplier<List<DeviceEvent.Kind>> life = life(host);
    Device device = host.create(SPEC);
    DeviceHandle handle = device.open();
    network.backend("tun0").arrive(Traffic.numbered(3, 60));
    assertThat(Traffic.number(handle.read())).isEqualTo(3);
    network.backend("tun0").lose();
    assertThat(DeviceLifeTest.errnoOf(handle::read)).isEqualTo(Errno.ENODEV);
    assertThat(life.get())
        .containsExactly(
            DeviceEvent.Kind.CREATED,
            DeviceEvent.Kind.OPENED,
            DeviceEvent.Kind.LOST,
            DeviceEvent.Kind.OPENS_REFUSED,
            DeviceEvent.Kind.HANDLE_REVOKED,
            DeviceEvent.Kind.NODE_REMOVED,
            DeviceEvent.Kind.DETACHED,
            DeviceEvent.Kind.QUIESCED,
            DeviceEvent.Kind.READERS_DRAINED,
            DeviceEvent.Kind.RELEASED,
            DeviceEvent.Kind.UNIT_FREED);
    Leftovers.assertNothingLeft(host);
  }

  @Test
  void a_destroy_while_the_backend_opens_cancels_the_creation_and_closes_what_was_opened() {
    FakeHostNetwork network = new FakeHostNetwork(true);
    VnetHost host = host(network);
    FakeHostNetwork.Stall opening = network.stall(Step.OPEN);
    CompletableFuture<Boolean> asked = new CompletableFuture<>();
    host.onEvent(event -> asked.complete(event.kind() == DeviceEvent.Kind.DESTROY_REQUESTED));
    CompletionStage<Device> creation = host.createAsync(SPEC);
    opening.awaitEntered();
    CompletionStage<HostStatistics> end = host.terminate();
    assertThat(end(asked)).isTrue();
    opening.leave();
    assertThat(failure(creation)).isEqualTo(Errno.ECANCELED);
    assertThat(end(end)).matches(HostStatistics::holdsNothing);
    assertThat(network.open()).isZero();
    assertThat(network.steps())
        .containsExactly(
            Step.PROVIDER_START,
            Step.OPEN,
            Step.START,
            Step.QUIESCE,
            Step.RELEASE,
            Step.NETWORK_CLOSE);
  }

  @Test
  void an_open_is_answered_when_the_link_is_up_and_holds_nobody_else_up() {
    FakeHostNetwork network = new FakeHostNetwork(true);
    VnetHost host = host(network);
    Device device = host.create(SPEC);
    FakeHostNetwork.Stall stall = network.stall(Step.LINK_UP);
    CompletionStage<DeviceHandle> opened = device.openAsync();
    stall.awaitEntered();
    Device other = host.create(DeviceSpec.of("tap"));
    other.open().close();
    other.destroy();
    assertThat(DeviceLifeTest.errnoOf(device::open)).isEqualTo(Errno.EBUSY);
    assertThat(opened.toCompletableFuture()).isNotDone();
    stall.leave();
    DeviceHandle handle = end(opened);
    assertThat(handle.isOpen()).isTrue();
    handle.close();
    end(handle.closed());
    Leftovers.assertNothingLeft(host);
  }

  @Test
  void an_open_whose_device_is_destroyed_before_the_link_is_up_gives_a_revoked_handle() {
    FakeHostNetwork network = new FakeHostNetwork(true);
    VnetHost host = host(network);
    Device device = host.create(SPEC);
    FakeHostNetwork.Stall stall = network.stall(Step.LINK_UP);
    CompletionStage<DeviceHandle> opened = device.openAsync();
    stall.awaitEntered();
    CompletionStage<?> destroyed = device.destroyAsync(DestroyPolicy.FORCE).done();
    await().until(() -> DeviceLifeTest.errnoOf(device::open) == Errno.ENXIO);
    stall.leave();
    assertThat(end(destroyed)).isEqualTo(device.id());
    assertThat(DeviceLifeTest.errnoOf(end(opened)::read)).isEqualTo(Errno.ENXIO);
    Leftovers.assertNothingLeft(host);
  }

  @Test
  void without_a_provider_host_devices_are_EOPNOTSUPP_and_memory_works() {
    VnetHost host = VnetHost.start(HostSettings.defaults(), Optional::empty);
    assertThatThrownBy(() -> host.create(SPEC))
        .hasMessageContaining("EOPNOTSUPP")
        .hasMessageContaining("add vnet-io");
    assertThat(DeviceLifeTest.errnoOf(host::hostInterfaces)).isEqualTo(Errno.EOPNOTSUPP);
    assertThat(host.create(DeviceSpec.of("tun")).open().isOpen()).isTrue();
    Leftovers.assertNothingLeft(host);
  }

  @Test
  void the_network_end_of_a_host_device_is_in_the_kernel() {
    VnetHost host = host(new FakeHostNetwork(true));
    Device device = host.create(SPEC);
    assertThat(DeviceLifeTest.errnoOf(device::networkEnd)).isEqualTo(Errno.EOPNOTSUPP);
    Leftovers.assertNothingLeft(host);
  }

  @Test
  void a_host_that_is_closed_has_no_host_network_any_more() {
    FakeHostNetwork network = new FakeHostNetwork(true);
    VnetHost host = host(network);
    host.create(SPEC);
    host.close();
    assertThat(network.steps()).endsWith(Step.RELEASE, Step.NETWORK_CLOSE);
    assertThat(DeviceLifeTest.errnoOf(host::hostInterfaces)).isEqualTo(Errno.ESHUTDOWN);
    assertThat(DeviceLifeTest.errnoOf(() -> host.create(SPEC))).isEqualTo(Errno.ESHUTDOWN);
  }

  @Test
  void a_host_network_that_cannot_be_closed_does_not_keep_the_host_from_ending() {
    FakeHostNetwork network = new FakeHostNetwork(true);
    VnetHost host = host(network);
    host.create(SPEC);
    network.fail(Step.NETWORK_CLOSE, () -> new IllegalStateException("on purpose"));
    Leftovers.assertNothingLeft(host);
    assertThat(host.system().whenTerminated().isCompleted()).isTrue();
  }
}
