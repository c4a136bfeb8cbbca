package io.vnet.api.device;

/** What an interface's link looks like from the network: it follows opens and closes. */
public enum LinkState {
  /** Nobody has opened the device since it was created. */
  UNKNOWN,
  /** Closed. */
  DOWN,
  /** Open. */
  UP
}
