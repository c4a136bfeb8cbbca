package io.vnet.io.testkit;

import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.opentest4j.TestAbortedException;

/**
 * Gives each {@link NetworkNamespace} parameter of a test a namespace of its own, with its loopback
 * up, and closes it after the test. The test's thread never enters it.
 *
 * <p>Where there is no kernel to test (not root, or no {@code /dev/net/tun}) the test is aborted
 * with the reason, and reports count it as skipped. Where there is one, a namespace that cannot be
 * made is a failure.
 */
public final class NetworkNamespaces implements ParameterResolver {
  private static final ExtensionContext.Namespace STORE =
      ExtensionContext.Namespace.create(NetworkNamespaces.class);
  private static final AtomicInteger NUMBERS = new AtomicInteger();
  private static final Path NODE = Path.of("/dev/net/tun");

  /** Why host tests cannot run here; empty if they can and must. */
  public static Optional<String> obstacle() {
    if (!Files.exists(NODE)) {
      return Optional.of("there is no " + NODE);
    }
    if (!isRoot()) {
      return Optional.of("the user is not root");
    }
    return Optional.empty();
  }

  private static boolean isRoot() {
    try {
      // Uid: real, effective, saved, file system.
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .anyMatch(line -> line.matches("Uid:\\s+\\d+\\s+0\\s.*"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext test) {
    return parameter.getParameter().getType() == NetworkNamespace.class;
  }

  @Override
  public NetworkNamespace resolveParameter(ParameterContext parameter, ExtensionContext test) {
    Optional<String> obstacle = obstacle();
    if (obstacle.isPresent()) {
      throw new TestAbortedException("a host test cannot run here: " + obstacle.get());
    }
    NetworkNamespace namespace = NetworkNamespace.create();
    // The store closes what is in it when the test ends.
    test.getStore(STORE).put(NUMBERS.getAndIncrement(), namespace);
    return namespace;
  }
}
