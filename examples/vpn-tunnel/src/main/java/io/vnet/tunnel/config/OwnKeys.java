package io.vnet.tunnel.config;

import io.vnet.tunnel.crypto.Crypto;
import io.vnet.tunnel.crypto.CryptoProviders;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import java.util.Arrays;

/** Public keys of private ones: a file may be checked without a tunnel, and on any system. */
final class OwnKeys {
  private OwnKeys() {}

  /** Made when it is first needed. */
  private static final class Provider {
    static final Crypto CRYPTO = CryptoProviders.named(CryptoProviders.PORTABLE);

    private Provider() {}
  }

  static PublicKey publicKey(PrivateKey key) {
    byte[] bytes = key.bytes();
    try {
      return PublicKey.of(Provider.CRYPTO.publicKey(bytes));
    } finally {
      Arrays.fill(bytes, (byte) 0);
    }
  }
}
