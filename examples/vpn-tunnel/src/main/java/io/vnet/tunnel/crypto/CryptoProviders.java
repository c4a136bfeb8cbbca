package io.vnet.tunnel.crypto;

import java.util.List;

/** The providers of this process. */
public final class CryptoProviders {
  private CryptoProviders() {}

  /** All that work here, the fastest first. */
  public static List<Crypto> all() {
    return List.of(new PortableCrypto());
  }
}
