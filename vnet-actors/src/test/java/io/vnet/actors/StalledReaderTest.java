package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.vnet.actors.device.GracePeriodActor;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DestroyRequest;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.device.Vnet;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.epoch.StalledReader;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * A reader that stays inside its section is named to whoever listens; what may wait for it is
 * bounded by refusing creations, and nothing but the releases waits.
 */
class StalledReaderTest {
  private static final int GUARD_SECONDS = 60;
  private static final int RETIRING_MAX = 3;
  private static final String OWNER = "a filter that sleeps";
  private static final String THREAD = "filter-thread";

  private final VnetHost host =
      VnetHost.start(HostSettings.defaults().withGracePeriods(Duration.ofMillis(1), RETIRING_MAX));
  private final BlockingQueue<StalledReader> stalled = new LinkedBlockingQueue<>();
  private final List<DeviceEvent> events = new CopyOnWriteArrayList<>();
  private final CountDownLatch mayLeave = new CountDownLatch(1);
  private final CompletableFuture<Boolean> inside = new CompletableFuture<>();
  private final Logger log = (Logger) LoggerFactory.getLogger("io.vnet.actors.device");
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final Thread reader = Thread.ofPlatform().name(THREAD).unstarted(this::readSlowly);

  @BeforeEach
  void listen() {
    logged.list = new CopyOnWriteArrayList<>();
    logged.start();
    log.addAppender(logged);
    log.setAdditive(false);
    host.onStalledReader(stalled::add);
    host.onEvent(events::add);
    reader.start();
    assertThat(end(inside)).isTrue();
  }

  @AfterEach
  void nothing_is_left() throws InterruptedException {
    mayLeave.countDown();
    reader.join();
    Leftovers.assertNothingLeft(host);
    log.setAdditive(true);
    log.detachAppender(logged);
  }

  private void readSlowly() {
    try (EpochReader slot = host.context().epoch().register(OWNER)) {
      slot.enter();
      try {
        inside.complete(true);
        assertThat(mayLeave.await(GUARD_SECONDS, TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      } finally {
        slot.exit();
      }
    }
  }

  private void readerLeaves() throws InterruptedException {
    mayLeave.countDown();
    reader.join();
  }

  private StalledReader told() throws InterruptedException {
    return Objects.requireNonNull(stalled.poll(GUARD_SECONDS, TimeUnit.SECONDS), "nobody was told");
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  /** Destroys a device as far as it goes: all but the release. */
  private DestroyRequest destroyed(Device device) {
    DestroyRequest request = device.destroyAsync(DestroyPolicy.FORCE);
    await()
        .until(() ->
            events.stream()
                .anyMatch(event ->
                    event.device().equals(device.id())
                        && event.kind() == DeviceEvent.Kind.QUIESCED));
    return request;
  }

  @Test
  void a_stalled_reader_is_told_once_with_thread_and_stack_logged_and_counted()
      throws InterruptedException {
    assertThat(host.statistics().gracePeriodStalls()).isZero();
    DestroyRequest request = destroyed(host.create(DeviceSpec.of("tun")));
    StalledReader told = told();
    assertThat(told.owner()).isEqualTo(OWNER);
    assertThat(told.thread()).contains(reader);
    assertThat(told.stack())
        .anySatisfy(frame -> assertThat(frame.getMethodName()).isEqualTo("readSlowly"));
    assertThat(logged.list)
        .singleElement()
        .satisfies(line ->
            assertThat(line.getFormattedMessage())
                .startsWith("grace period stalled for ")
                .contains("by reader '" + OWNER + "' on " + THREAD)
                .contains("readSlowly"));
    assertThat(host.statistics().gracePeriodStalls()).isEqualTo(1);
    assertThat(host.statistics().retiring()).isEqualTo(1);
    assertThat(request.done().toCompletableFuture()).isNotDone();

    readerLeaves();
    end(request.done());
    assertThat(host.statistics().gracePeriodStalls()).isEqualTo(1);
    assertThat(host.statistics().retiring()).isZero();
    assertThat(stalled).isEmpty();
  }

  @Test
  void what_waits_is_bounded_by_refusing_devices_and_ports_in_the_name_of_the_reader()
      throws InterruptedException {
    List<Device> doomed =
        LongStream.range(0, RETIRING_MAX).mapToObj(_ -> host.create(DeviceSpec.of("tun"))).toList();
    Device kept = host.create(DeviceSpec.of("tap"));
    List<DestroyRequest> requests = doomed.stream().map(this::destroyed).toList();
    assertThat(told().owner()).isEqualTo(OWNER);
    await().until(() -> host.statistics().retiring() == RETIRING_MAX);
    assertThatThrownBy(() -> host.create(DeviceSpec.of("tun")))
        .isInstanceOf(VnetException.class)
        .hasMessageContaining("ENOBUFS")
        .hasMessageContaining(RETIRING_MAX + " destroyed devices and ports wait")
        .hasMessageContaining("'" + OWNER + "'");
    assertThatThrownBy(() ->
            host.openPort(_ -> {
              throw new AssertionError("opened");
            }))
        .isInstanceOf(VnetException.class)
        .hasMessageContainingAll("open port: ENOBUFS", "'" + OWNER + "'");

    worksAsEver(kept);
    assertThat(requests).noneMatch(request -> request.done().toCompletableFuture().isDone());

    readerLeaves();
    requests.forEach(request -> end(request.done()));
    assertThat(host.create(DeviceSpec.of("tun")).id().toString()).isEqualTo("tun0");
  }

  /** All that a grace period has no part in. */
  private void worksAsEver(Device device) {
    DeviceHandle first = device.open();
    first.close();
    end(first.closed());
    try (DeviceHandle handle = device.open();
        NetworkEnd network = device.networkEnd();
        DeviceLifeTest.VnetHostBatch batch = new DeviceLifeTest.VnetHostBatch(host)) {
      device.rename("lan");
      device.configure(new InterfaceChange.Mtu(9000));
      Vnet blue = host.createVnet("blue");
      device.moveTo(blue);
      assertThat(blue.find("lan").map(Device::id)).contains(device.id());
      handle.write(Packet.of(new byte[64]));
      assertThat(network.receive(batch.batch())).isEqualTo(1);
      DestroyRequest cancelled = device.destroyAsync(DestroyPolicy.WAIT);
      cancelled.cancel();
      assertThat(errnoOf(() -> device.destroy(DestroyPolicy.REFUSE))).isEqualTo(Errno.EBUSY);
      assertThat(device.info().state()).isEqualTo(DeviceInfo.State.OPEN);
    }
  }

  @Test
  void grace_periods_are_drained_only_when_the_reader_has_left() throws InterruptedException {
    DestroyRequest request = destroyed(host.create(DeviceSpec.of("tun")));
    CompletableFuture<HostStatistics> drained = host.drainGracePeriods().toCompletableFuture();
    assertThat(told().owner()).isEqualTo(OWNER);
    assertThat(drained).isNotDone();
    readerLeaves();
    assertThat(end(drained).retiring()).isZero();
    end(request.done());
  }

  @Test
  void what_was_retired_is_answered_in_that_order_before_the_drain() throws InterruptedException {
    List<Long> order = new CopyOnWriteArrayList<>();
    int retired = 100;
    for (long token = 0; token < retired; token++) {
      host.actors()
          .gracePeriod()
          .tell(new GracePeriodActor.Retire(token, elapsed -> order.add(elapsed.token())));
    }
    CompletionStage<HostStatistics> drained = host.drainGracePeriods();
    assertThat(told().owner()).isEqualTo(OWNER);
    assertThat(order).isEmpty();
    readerLeaves();
    end(drained);
    assertThat(order).isEqualTo(LongStream.range(0, retired).boxed().toList());
  }
}
