package io.vnet.tunnel.crypto;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the provider: libcrypto if the system has it, else the portable one. Each has to give
 * known answers before it is handed out. The system property {@value #PROPERTY} forces one: {@value
 * #LIBCRYPTO} or {@value #PORTABLE}. Any thread.
 */
public final class CryptoProviders {
  /** The system property that forces a provider. */
  public static final String PROPERTY = "vnet.crypto";

  /** The name of the provider that needs the system's libcrypto. */
  public static final String LIBCRYPTO = "libcrypto";

  /** The name of the provider that needs nothing. */
  public static final String PORTABLE = "portable";

  private static final String TEST = "test";
  private static final Logger LOG = LoggerFactory.getLogger(CryptoProviders.class);

  private CryptoProviders() {}

  /**
   * The one that {@value #PROPERTY} names, else the fastest that works, which takes some
   * milliseconds. Why a faster one is not used is logged.
   *
   * @throws VnetException EINVAL: the property names none; EOPNOTSUPP: none works
   */
  public static Crypto choose() {
    String name = System.getProperty(PROPERTY);
    Crypto crypto = name == null || name.isEmpty() ? first(candidates()) : named(name);
    LOG.info("crypto provider: {}", crypto.name());
    return crypto;
  }

  /**
   * The one of a name, and no other in its place.
   *
   * @throws VnetException EINVAL: there is none of that name; EOPNOTSUPP: it does not work here
   */
  public static Crypto named(String name) {
    return switch (name) {
      case LIBCRYPTO -> first(libcrypto());
      case PORTABLE -> first(List.of(PortableCrypto::new));
      default ->
          throw new VnetException(
              "choose",
              "crypto provider " + name,
              Errno.EINVAL,
              "there is none of that name",
              "use " + LIBCRYPTO + " or " + PORTABLE);
    };
  }

  private static List<Supplier<Crypto>> candidates() {
    List<Supplier<Crypto>> candidates = new ArrayList<>(libcrypto());
    candidates.add(PortableCrypto::new);
    return candidates;
  }

  private static List<Supplier<Crypto>> libcrypto() {
    return List.of(
        () -> new LibcryptoCrypto(ProviderFunctions.load()),
        () -> new LibcryptoCrypto(EvpFunctions.load()));
  }

  /** The first that there is and that gives the known answers. */
  static Crypto first(List<Supplier<Crypto>> candidates) {
    VnetException refusal = null;
    for (Supplier<Crypto> candidate : candidates) {
      try {
        return checked(candidate.get());
      } catch (VnetException e) {
        if (e.operation().equals(TEST)) {
          LOG.warn("{}", e.getMessage());
        } else {
          LOG.info("{}", e.getMessage()); // It is not there: no error.
        }
        if (refusal != null) {
          e.addSuppressed(refusal);
        }
        refusal = e;
      }
    }
    throw refusal == null
        ? new VnetException("choose", "crypto provider", Errno.EOPNOTSUPP, "there is none", "")
        : refusal;
  }

  private static Crypto checked(Crypto crypto) {
    try {
      SelfTest.check(crypto);
    } catch (RuntimeException | AssertionError e) {
      throw new VnetException(
          TEST,
          "crypto provider " + crypto.name(),
          Errno.EOPNOTSUPP,
          String.valueOf(e.getMessage()),
          "use another of " + LIBCRYPTO + " and " + PORTABLE,
          e);
    }
    return crypto;
  }
}
