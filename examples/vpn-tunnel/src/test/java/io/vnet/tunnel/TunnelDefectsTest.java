package io.vnet.tunnel;

import static io.vnet.tunnel.testkit.TunnelPair.join;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.actors.VnetHost;
import io.vnet.api.packet.Layer;
import io.vnet.api.port.Island;
import io.vnet.api.port.PacketPort;
import io.vnet.io.testkit.MemoryPort;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.testkit.TunnelPair;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A defect, whatever is thrown, ends a tunnel in order, and whoever waits for the end hears it. */
class TunnelDefectsTest {
  private final VnetHost host = VnetHost.start();
  private final MemoryPort inside = MemoryPort.pair("inside", Layer.L3, 16);
  private final Outside outside = MemoryDatagrams.create().at(TunnelPair.outside(1));
  private final AssertionError defect = new AssertionError("the test says so");

  @AfterEach
  void close() {
    host.close();
  }

  /** What of a bound port goes wrong. */
  private enum Defective {
    MARK,
    RELEASE
  }

  private Outside.Bound open(Defective what, Island island, int port, int mark) {
    Outside.Bound bound = outside.open(island, port, mark);
    return new Outside.Bound() {
      @Override
      public PacketPort port() {
        return bound.port();
      }

      @Override
      public int localPort() {
        return bound.localPort();
      }

      @Override
      public void mark(int newMark) {
        if (what == Defective.MARK) {
          throw defect;
        }
      }

      @Override
      public CompletionStage<?> released() {
        if (what == Defective.RELEASE) {
          throw defect;
        }
        return bound.released();
      }
    };
  }

  private WireGuardTunnel start(Defective what) {
    WireGuardTunnel tunnel =
        WireGuardTunnel.start(
            host, "wg", inside, (island, port, mark) -> open(what, island, port, mark));
    join(tunnel.up());
    return tunnel;
  }

  private void assertEndedBy(WireGuardTunnel tunnel) {
    assertThatThrownBy(() -> join(tunnel.ended()))
        .isInstanceOf(CompletionException.class)
        .hasCause(defect);
    assertThat(inside.isOpen()).isFalse();
    CompletableFuture<Boolean> closing =
        CompletableFuture.supplyAsync(() -> {
          tunnel.close();
          return true;
        });
    assertThat(join(closing)).isTrue();
  }

  @Test
  void an_error_in_a_request_is_told_as_the_end() {
    WireGuardTunnel tunnel = start(Defective.MARK);
    assertThatThrownBy(() -> join(tunnel.change(TunnelChange.NONE.withMark(5))))
        .isInstanceOf(CompletionException.class);
    assertEndedBy(tunnel);
  }

  @Test
  void an_error_in_a_step_of_the_end_keeps_none_of_the_others_from_being_done() {
    WireGuardTunnel tunnel = start(Defective.RELEASE);
    var _ = tunnel.endAsync();
    assertEndedBy(tunnel);
  }
}
