package io.vnet.tunnel.actor;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.Endpoint;
import io.vnet.tunnel.core.CoreOutput;
import io.vnet.tunnel.core.HandshakeResult;
import io.vnet.tunnel.core.HandshakeWork;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.Secrets;
import io.vnet.tunnel.core.TunnelCore;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.testkit.TunnelPair;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Works that are done on a thread of the test's, and what the lane leaves when it ends. */
class HandshakeLaneTest {
  private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private int told;
  private final HandshakeLane lane = new HandshakeLane(tasks::add, () -> told++);

  /** A real one that makes an initiation, and whether it was erased. */
  private static final class Initiating implements HandshakeWork {
    final List<HandshakeResult> made = new ArrayList<>();
    private final HandshakeWork work = work();
    boolean erased;

    @Override
    public @Nullable HandshakeResult run() {
      HandshakeResult result = Objects.requireNonNull(work.run());
      made.add(result);
      return result;
    }

    @Override
    public void erase() {
      erased = true;
      work.erase();
    }

    boolean hasSecrets() {
      return Secrets.of(made.getFirst()).stream().anyMatch(Secrets::isNotZero);
    }
  }

  private static HandshakeWork work() {
    List<HandshakeWork> works = new ArrayList<>();
    List<Peer> peers = new ArrayList<>();
    CoreOutput output =
        new CoreOutput() {
          @Override
          public void send(byte[] message, Endpoint to) {}

          @Override
          public void work(HandshakeWork work) {
            works.add(work);
          }

          @Override
          public void flush(Peer peer) {}

          @Override
          public void deadline(Peer peer) {}

          @Override
          public void added(Peer peer) {
            peers.add(peer);
          }

          @Override
          public void removed(Peer peer) {}
        };
    TunnelCore core =
        new TunnelCore(CryptoProviders.choose(), new SecureRandom()::nextBytes, output);
    Endpoint there = Endpoint.of(TunnelPair.outside(2), TunnelPair.PORT);
    core.change(
        TunnelPair.change(1)
            .withPeers(List.of(TunnelPair.peer(2).withEndpoint(there).withPersistentKeepalive(25))),
        0);
    core.up(0);
    core.expire(peers.getFirst(), 0, 0);
    return works.getFirst();
  }

  private void runTasks() {
    while (!tasks.isEmpty()) {
      tasks.remove().run();
    }
  }

  @Test
  void a_result_is_told_of_and_taken_as_it_is() {
    Initiating work = new Initiating();
    lane.add(work);
    runTasks();
    assertThat(told).isEqualTo(1);
    assertThat(lane.take()).containsExactlyElementsOf(work.made);
    assertThat(lane.take()).isEmpty();
    lane.close();
    assertThat(work.hasSecrets()).as("is another one's now").isTrue();
  }

  @Test
  void results_are_told_of_once_until_they_are_taken() {
    List<Initiating> works = List.of(new Initiating(), new Initiating(), new Initiating());
    lane.add(works.get(0));
    lane.add(works.get(1));
    runTasks();
    assertThat(told).isEqualTo(1);
    assertThat(lane.take())
        .containsExactly(works.get(0).made.getFirst(), works.get(1).made.getFirst());
    lane.add(works.get(2));
    runTasks();
    assertThat(told).isEqualTo(2);
    assertThat(lane.take()).containsExactlyElementsOf(works.get(2).made);
  }

  @Test
  void at_its_end_works_and_results_are_erased() {
    Initiating done = new Initiating();
    lane.add(done);
    runTasks();
    Initiating waits = new Initiating();
    lane.add(waits);
    assertThat(done.hasSecrets()).isTrue();
    lane.close();
    assertThat(done.hasSecrets()).isFalse();
    assertThat(lane.take()).isEmpty();
    assertThat(waits.erased).isTrue();
    runTasks();
    assertThat(waits.made).isEmpty();
    Initiating late = new Initiating();
    lane.add(late);
    assertThat(late.erased).isTrue();
  }

  @Test
  void what_is_being_done_at_its_end_is_erased_when_it_is_done() {
    Initiating work = new Initiating();
    lane.add(() -> {
      HandshakeResult result = work.run();
      lane.close();
      return result;
    });
    runTasks();
    assertThat(told).isZero();
    assertThat(work.hasSecrets()).isFalse();
  }
}
