package io.vnet.tunnel.crypto;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/** Which provider is used, and that none is which gives one wrong answer. */
class CryptoProvidersTest {
  private final Logger logger = (Logger) LoggerFactory.getLogger(CryptoProviders.class);
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private final @Nullable String property = System.getProperty(CryptoProviders.PROPERTY);

  @BeforeEach
  void listen() {
    logged.start();
    logger.setLevel(Level.INFO);
    logger.addAppender(logged);
  }

  @AfterEach
  void restore() {
    logger.detachAppender(logged);
    logger.setLevel(null);
    if (property == null) {
      System.clearProperty(CryptoProviders.PROPERTY);
    } else {
      System.setProperty(CryptoProviders.PROPERTY, property);
    }
  }

  private List<String> warnings() {
    return logged(Level.WARN);
  }

  private List<String> logged(Level level) {
    return logged.list.stream()
        .filter(event -> event.getLevel().equals(level))
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  @Test
  void libcrypto_is_chosen_and_named() {
    System.clearProperty(CryptoProviders.PROPERTY);

    String name = CryptoProviders.choose().name();

    assertThat(name).matches("libcrypto \\d+\\.\\d+\\.\\d+.*");
    assertThat(warnings()).isEmpty();
    assertThat(logged(Level.INFO)).singleElement().asString().contains(name);
  }

  @Test
  void the_property_forces_one() {
    System.setProperty(CryptoProviders.PROPERTY, CryptoProviders.PORTABLE);
    assertThat(CryptoProviders.choose().name()).startsWith("JDK").endsWith("Bouncy Castle");

    System.setProperty(CryptoProviders.PROPERTY, CryptoProviders.LIBCRYPTO);
    assertThat(CryptoProviders.choose().name()).startsWith("libcrypto");
  }

  @Test
  void a_property_that_names_none_is_refused() {
    System.setProperty(CryptoProviders.PROPERTY, "rot13");

    assertThatThrownBy(CryptoProviders::choose)
        .isInstanceOfSatisfying(
            VnetException.class, e -> assertThat(e.errno()).isEqualTo(Errno.EINVAL))
        .hasMessageContaining("rot13")
        .hasMessageContaining("libcrypto or portable");
  }

  @ParameterizedTest
  @MethodSource("io.vnet.tunnel.crypto.TestedProviders#all")
  void every_provider_passes(Crypto crypto) {
    SelfTest.check(crypto);
    assertThat(CryptoProviders.first(List.of(() -> crypto))).isSameAs(crypto);
  }

  @ParameterizedTest
  @EnumSource(Flaw.class)
  void one_wrong_answer_is_found_and_the_next_provider_used(Flaw flaw) {
    Crypto good = new PortableCrypto();
    Crypto bad = new Flawed(good, flaw);

    assertThat(CryptoProviders.first(List.of(() -> bad, () -> good))).isSameAs(good);
    assertThat(warnings())
        .singleElement()
        .asString()
        .contains("test crypto provider flawed", flaw.primitive);
  }

  @Test
  void a_missing_library_is_logged_and_the_next_provider_used() {
    Crypto good = new PortableCrypto();
    Supplier<Crypto> missing =
        () -> {
          throw Libcrypto.unusable("no libcrypto.so.3 here");
        };

    assertThat(CryptoProviders.first(List.of(missing, () -> good))).isSameAs(good);
    assertThat(warnings()).isEmpty();
    assertThat(logged(Level.INFO)).singleElement().asString().contains("no libcrypto.so.3 here");
  }

  /** In a Java of its own, as native access is decided for the whole of it. */
  @Test
  @Timeout(120)
  void without_native_access_the_portable_one_is_chosen() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(requireNonNull(System.getProperty("java.home")), "bin", "java").toString(),
                "--illegal-native-access=deny",
                "-cp",
                requireNonNull(System.getProperty("java.class.path")),
                Chosen.class.getName())
            .redirectErrorStream(true)
            .start();
    String output;
    try {
      process.getOutputStream().close();
      output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(output).isZero();
    assertThat(output)
        .contains("native access is not enabled")
        .contains("chosen: JDK")
        .contains("refused: load libcrypto: EOPNOTSUPP");
  }

  /** What is chosen, and what becomes of it if libcrypto is wanted and nothing else. */
  static final class Chosen {
    private Chosen() {}

    public static void main(String[] arguments) {
      System.out.println("chosen: " + CryptoProviders.choose().name());
      try {
        CryptoProviders.named(CryptoProviders.LIBCRYPTO);
      } catch (VnetException e) {
        System.out.println("refused: " + e.getMessage());
      }
    }
  }

  @Test
  void if_none_works_the_last_says_why_and_the_others_with_it() {
    Crypto good = new PortableCrypto();
    List<Supplier<Crypto>> bad =
        List.of(() -> new Flawed(good, Flaw.HASH), () -> new Flawed(good, Flaw.ACCEPTS_FORGED));

    assertThatThrownBy(() -> CryptoProviders.first(bad))
        .isInstanceOfSatisfying(
            VnetException.class,
            e -> {
              assertThat(e.errno()).isEqualTo(Errno.EOPNOTSUPP);
              assertThat(e.getSuppressed()).hasSize(1);
              assertThat(e.getSuppressed()[0]).hasMessageContaining("BLAKE2s");
            })
        .hasMessageContaining("changed packet");
  }

  /** One wrong answer. */
  enum Flaw {
    AGREEMENT("X25519"),
    SMALL_ORDER("X25519 of a point of small order"),
    PUBLIC_KEY("X25519 of the base point"),
    HASH("BLAKE2s"),
    MAC("keyed BLAKE2s"),
    HMAC("HMAC"),
    THROWS("an X25519 key is refused"),
    SEAL("ChaCha20-Poly1305"),
    OPEN("ChaCha20-Poly1305"),
    SEAL_WITH_NONCE("XChaCha20-Poly1305"),
    OPEN_WITH_NONCE("XChaCha20-Poly1305"),
    SEALS_WRONG("ChaCha20-Poly1305 of a packet"),
    ACCEPTS_FORGED("ChaCha20-Poly1305 of a changed packet"),
    STUCK_AFTER_FORGED("ChaCha20-Poly1305 of an empty packet");

    final String primitive;

    Flaw(String primitive) {
      this.primitive = primitive;
    }
  }

  /** A provider with one flaw. */
  private record Flawed(Crypto good, Flaw flaw) implements Crypto {
    private byte[] spoiled(Flaw when, byte[] right) {
      if (flaw == when) {
        right[0] ^= 1;
      }
      return right;
    }

    @Override
    public String name() {
      return "flawed";
    }

    @Override
    public boolean agree(byte[] privateKey, byte[] publicKey, byte[] shared) {
      if (flaw == Flaw.THROWS) {
        throw Libcrypto.refused("an X25519 key");
      }
      boolean agreed = good.agree(privateKey, publicKey, shared);
      spoiled(Flaw.AGREEMENT, shared);
      return flaw == Flaw.SMALL_ORDER || agreed;
    }

    @Override
    public byte[] publicKey(byte[] privateKey) {
      return spoiled(Flaw.PUBLIC_KEY, good.publicKey(privateKey));
    }

    @Override
    public byte[] hash(byte[]... parts) {
      return spoiled(Flaw.HASH, good.hash(parts));
    }

    @Override
    public byte[] mac(byte[] key, byte[] text, int from, int length) {
      return spoiled(Flaw.MAC, good.mac(key, text, from, length));
    }

    @Override
    public byte[] hmac(byte[] key, byte[]... parts) {
      return spoiled(Flaw.HMAC, good.hmac(key, parts));
    }

    @Override
    public byte[] seal(byte[] key, long counter, byte[] plain, byte[] additional) {
      return spoiled(Flaw.SEAL, good.seal(key, counter, plain, additional));
    }

    @Override
    public byte @Nullable [] open(byte[] key, long counter, byte[] sealed, byte[] additional) {
      return flaw == Flaw.OPEN ? null : good.open(key, counter, sealed, additional);
    }

    @Override
    public byte[] sealWithNonce(byte[] key, byte[] nonce, byte[] plain, byte[] additional) {
      return spoiled(Flaw.SEAL_WITH_NONCE, good.sealWithNonce(key, nonce, plain, additional));
    }

    @Override
    public byte @Nullable [] openWithNonce(
        byte[] key, byte[] nonce, byte[] sealed, byte[] additional) {
      byte[] plain = good.openWithNonce(key, nonce, sealed, additional);
      return flaw == Flaw.OPEN_WITH_NONCE && plain == null ? new byte[0] : plain;
    }

    @Override
    public TransportCipher transportCipher(byte[] key) {
      TransportCipher cipher = good.transportCipher(key);
      return new TransportCipher() {
        private boolean stuck;

        @Override
        public void seal(
            long counter,
            MemorySegment from,
            long fromOffset,
            int length,
            MemorySegment to,
            long toOffset) {
          long wrong = flaw == Flaw.SEALS_WRONG ? 1 : 0;
          cipher.seal(counter + wrong, from, fromOffset, length, to, toOffset);
        }

        @Override
        public boolean open(
            long counter,
            MemorySegment from,
            long fromOffset,
            int length,
            MemorySegment to,
            long toOffset) {
          boolean opened = cipher.open(counter, from, fromOffset, length, to, toOffset);
          stuck |= !opened;
          return flaw == Flaw.ACCEPTS_FORGED
              || (opened && !(flaw == Flaw.STUCK_AFTER_FORGED && stuck));
        }

        @Override
        public void close() {
          cipher.close();
        }
      };
    }
  }
}
