package io.vnet.tunnel.core;

/** Keypairs near their end, for tests that see them from outside of the core. */
public final class PresetCounter {
  private PresetCounter() {}

  /** From now on so many messages can be sent under a keypair, and no more. */
  public static void left(Keypair keypair, int messages) {
    keypair.setNextCounter(Keypair.REJECT_AFTER_MESSAGES - messages);
  }
}
