package io.vnet.api.device;

/** On whose behalf a device is opened by name: an embedding program may serve less trusted ones. */
public enum Credential {
  /** May create interfaces (PRIV_NET_IFCREATE). */
  PRIVILEGED,
  /** May open what is there, and what the {@link ClonePolicy} lets users make. */
  ORDINARY
}
