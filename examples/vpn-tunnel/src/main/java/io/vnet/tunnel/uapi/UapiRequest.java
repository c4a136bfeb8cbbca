package io.vnet.tunnel.uapi;

import io.vnet.tunnel.settings.TunnelChange;

/** What a client wants. */
public sealed interface UapiRequest {
  /** To know how the tunnel is. */
  record Get() implements UapiRequest {}

  /**
   * To change it.
   *
   * @param change all of it
   */
  record Set(TunnelChange change) implements UapiRequest {}
}
