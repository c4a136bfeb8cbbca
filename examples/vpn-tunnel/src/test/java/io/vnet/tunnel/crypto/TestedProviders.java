package io.vnet.tunnel.crypto;

import java.util.List;
import java.util.stream.Stream;

/**
 * Every provider, for tests that hold for each. Not what {@link CryptoProviders} would choose but
 * all of them, untested, so that a wrong answer fails in the test that asks for it. Where there is
 * no libcrypto these tests fail: it is part of every distribution that they run on.
 */
public final class TestedProviders {
  private TestedProviders() {}

  /** Libcrypto both ways, and the portable one. */
  public static Stream<Crypto> all() {
    return list().stream();
  }

  /** The same as a list. */
  public static List<Crypto> list() {
    return List.of(
        new LibcryptoCrypto(ProviderFunctions.load()),
        new LibcryptoCrypto(EvpFunctions.load()),
        new PortableCrypto());
  }
}
