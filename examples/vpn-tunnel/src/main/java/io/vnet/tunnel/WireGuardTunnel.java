package io.vnet.tunnel;

import io.vnet.actors.VnetHost;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelControl;
import io.vnet.tunnel.settings.TunnelStatus;
import java.util.concurrent.CompletionStage;

/**
 * A running tunnel between an inside port of IP packets and the datagrams outside. Safe on any
 * thread; nothing blocks but {@link #close}.
 */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class WireGuardTunnel implements TunnelControl, AutoCloseable {
  private WireGuardTunnel() {}

  /**
   * Starts a tunnel that is down and has no configuration.
   *
   * @param host whose actors, pools and epoch it uses; must outlive it
   * @param name for messages: the interface's
   * @param inside IP packets (layer 3), which the tunnel closes at its end; its {@link
   *     PacketPort#mtu} is asked before each batch
   * @param outside where its datagrams go
   */
  public static WireGuardTunnel start(
      VnetHost host, String name, PacketPort inside, Outside outside) {
    throw new UnsupportedOperationException("" + host + name + inside + outside);
  }

  @Override
  public CompletionStage<Void> change(TunnelChange change) {
    throw new UnsupportedOperationException("" + change);
  }

  @Override
  public CompletionStage<TunnelStatus> status() {
    throw new UnsupportedOperationException();
  }

  /** Opens the outside port and starts the peers; fails as {@link Outside#open} does. */
  public CompletionStage<Void> up() {
    throw new UnsupportedOperationException();
  }

  /** Stops the peers, erases their keys and closes the outside port; the configuration stays. */
  public CompletionStage<Void> down() {
    throw new UnsupportedOperationException();
  }

  /** Completes when the tunnel has ended: closed, or its inside port is gone, which is no error. */
  public CompletionStage<Void> ended() {
    throw new UnsupportedOperationException();
  }

  /** Ends the tunnel and both ports, and erases all keys. Waits for that. */
  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
