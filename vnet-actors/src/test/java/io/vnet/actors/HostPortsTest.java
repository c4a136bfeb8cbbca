package io.vnet.actors;

import static io.vnet.actors.DeviceLifeTest.errnoOf;
import static io.vnet.actors.testkit.Conditions.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.SimAccess;
import io.vnet.actors.testkit.FakeHostNetwork;
import io.vnet.actors.testkit.FakeHostNetwork.Step;
import io.vnet.actors.testkit.Leftovers;
import io.vnet.api.epoch.EpochReader;
import io.vnet.api.error.Errno;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.Direction;
import io.vnet.api.port.HostedPort;
import io.vnet.api.port.PortSite;
import io.vnet.io.testkit.TestPort;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Ports beside the devices: where they live, and in which order they and their host end. */
class HostPortsTest {
  private static final int GUARD_SECONDS = 60;

  private final FakeHostNetwork network = new FakeHostNetwork(true);
  private final VnetHost host = VnetHost.start(HostSettings.defaults(), () -> Optional.of(network));
  private final Logger log = (Logger) LoggerFactory.getLogger("io.vnet.actors");
  private final Logger akka = (Logger) LoggerFactory.getLogger("akka");

  @AfterEach
  void nothing_is_left() {
    Leftovers.assertNothingLeft(host);
    log.setLevel(null);
    akka.setLevel(null);
  }

  /** What it has at its site is a slot of the epoch, and its name on the list of its thread. */
  private final class FakePort extends TestPort implements HostedPort {
    private final PortSite site;
    private final Direction direction;
    private final CompletableFuture<List<Step>> released = new CompletableFuture<>();

    FakePort(PortSite site) {
      super("fake");
      this.site = site;
      this.direction = new Direction(site.epoch().register("fake"));
    }

    @Override
    public int receive(PacketBatch into) {
      checkOpen("receive");
      return 0;
    }

    @Override
    public int send(PacketBatch batch, int from) {
      checkOpen("send");
      return batch.count() - from;
    }

    @Override
    public void close() {
      if (markEnded(null)) {
        direction.retire();
        tellEnd();
        site.gracePeriod().accept(this::release);
      }
    }

    void release() {
      released.complete(network.steps());
    }

    /** With what had happened to the network before. */
    @Override
    public CompletionStage<List<Step>> released() {
      return released.copy();
    }
  }

  private static <T> T end(CompletionStage<T> stage) {
    return stage.toCompletableFuture().orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  @Test
  void a_port_lives_on_a_thread_and_in_the_epoch_of_its_host() {
    FakePort port = host.openPort(FakePort::new);

    assertThat(port.site.island()).isSameAs(network.island(true));
    assertThat(port.site.epoch()).isSameAs(host.context().epoch());
    assertThat(host.statistics().epochReaders()).isEqualTo(1);
    assertThat(host.openPort(network.island(true), FakePort::new).site.island())
        .isSameAs(network.island(true));
  }

  @Test
  void a_thread_of_another_host_is_refused() {
    assertThat(errnoOf(() -> host.openPort(new FakeHostNetwork(true).island(true), FakePort::new)))
        .isEqualTo(Errno.EINVAL);
    assertThat(host.statistics().epochReaders()).isZero();
  }

  @Test
  void a_port_is_released_when_nobody_is_inside_any_more() {
    FakePort port = host.openPort(FakePort::new);
    EpochReader reader = host.context().epoch().register("reader");
    reader.enter();
    port.close();
    CompletableFuture<?> earlier = host.drainGracePeriods().toCompletableFuture();
    assertThat(port.released.isDone()).isFalse();
    assertThat(earlier.isDone()).isFalse();

    reader.exit();
    reader.close();

    end(port.released());
    end(earlier);
    assertThat(host.statistics().epochReaders()).isZero();
  }

  @Test
  void the_end_of_the_host_closes_its_ports_then_stops_its_threads() {
    FakePort first = host.openPort(FakePort::new);
    FakePort second = host.openPort(FakePort::new);
    EpochReader reader = host.context().epoch().register("reader");
    reader.enter();

    CompletableFuture<HostStatistics> terminated = host.terminate().toCompletableFuture();
    await().until(() -> !first.isOpen() && !second.isOpen());
    assertThat(first.released.isDone()).isFalse();
    assertThat(terminated.isDone()).isFalse();
    reader.exit();
    reader.close();

    assertThat(end(terminated)).matches(HostStatistics::holdsNothing);
    assertThat(end(first.released())).doesNotContain(Step.NETWORK_CLOSE);
    assertThat(end(second.released())).doesNotContain(Step.NETWORK_CLOSE);
    assertThat(network.steps()).endsWith(Step.NETWORK_CLOSE);
  }

  @Test
  void what_an_opener_throws_is_thrown_and_leaves_nothing() {
    assertThatThrownBy(() ->
            host.openPort(site -> {
              throw new IllegalArgumentException("made by the test");
            }))
        .hasMessage("made by the test");
    assertThat(host.openPort(FakePort::new).isOpen()).isTrue();
  }

  @Test
  void nothing_is_opened_on_a_host_that_ends() {
    end(host.terminate());
    assertThat(errnoOf(() -> host.openPort(FakePort::new))).isEqualTo(Errno.ESHUTDOWN);
  }

  @Test
  void a_port_that_is_being_opened_while_the_host_ends_is_closed() {
    AtomicReference<FakePort> made = new AtomicReference<>();
    AtomicReference<CompletionStage<HostStatistics>> terminated = new AtomicReference<>();

    assertThat(
            errnoOf(() ->
                host.openPort(site -> {
                  terminated.set(host.terminate());
                  made.set(new FakePort(site));
                  return made.get();
                })))
        .isEqualTo(Errno.ESHUTDOWN);

    assertThat(end(made.get().released())).doesNotContain(Step.NETWORK_CLOSE);
    end(terminated.get());
  }

  @Test
  void a_host_that_fails_releases_its_ports_all_the_same() {
    log.setLevel(Level.OFF);
    akka.setLevel(Level.OFF);
    FakePort port = host.openPort(FakePort::new);

    SimAccess.poison(
        SimAccess.Shared.GRACE_PERIOD, host.actors(), host.context().vnets(), HostActor.VNET0);

    assertThat(end(port.released())).doesNotContain(Step.NETWORK_CLOSE);
    assertThat(errnoOf(() -> host.openPort(FakePort::new))).isEqualTo(Errno.ESHUTDOWN);
  }

  @Test
  void a_release_that_fails_holds_nobody_up() {
    log.setLevel(Level.OFF);
    FakePort port = host.openPort(FakePort::new);
    FakePort other = host.openPort(FakePort::new);
    port.released.completeExceptionally(new IllegalStateException("made by the test"));
    port.close();

    end(host.terminate());

    assertThat(other.released).isCompleted();
  }
}
