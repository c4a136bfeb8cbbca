package io.vnet.tunnel.config;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.ZoneNames;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks for the addresses of peers' endpoints. What fails for the moment is asked for again, after 1
 * s at first and 1.2 times longer each time, up to 20 s. Blocks; any thread that may.
 */
public final class EndpointResolver {
  /** How often is asked again. */
  public static final int RETRIES = 15;

  private static final Logger LOG = LoggerFactory.getLogger(EndpointResolver.class);
  private static final Duration FIRST_WAIT = Duration.ofSeconds(1);
  private static final Duration WAIT_MAX = Duration.ofSeconds(20);

  /** What is known of a name. */
  public sealed interface Answer {}

  /**
   * Where it is.
   *
   * @param address the one to use
   */
  public record Found(IpAddress address) implements Answer {}

  /**
   * There is no such name.
   *
   * @param reason a few words
   */
  public record Unknown(String reason) implements Answer {}

  /**
   * Nobody could be asked.
   *
   * @param reason a few words
   */
  public record Later(String reason) implements Answer {}

  /** Who knows names. */
  @FunctionalInterface
  public interface Names {
    /** The address of a name. */
    Answer lookUp(String name);
  }

  /** What lets time pass. */
  @FunctionalInterface
  public interface Waiter {
    /** Returns after this time. */
    void await(Duration time) throws InterruptedException;
  }

  private final Names names;
  private final ZoneNames zones;
  private final Waiter waiter;
  private final int retries;

  /**
   * @param names who knows names
   * @param zones interfaces that link-local addresses may name
   * @param waiter what lets time pass
   * @param retries how often is asked again
   */
  public EndpointResolver(Names names, ZoneNames zones, Waiter waiter, int retries) {
    this.names = names;
    this.zones = zones;
    this.waiter = waiter;
    this.retries = retries;
  }

  /**
   * One that asks the system, which caches failures for a while. Of several addresses it takes
   * Java's first one. That is the system's first one only with {@code
   * -Djava.net.preferIPv6Addresses=system}; without it IPv4 comes first, also where there is none.
   */
  public static EndpointResolver ofSystem() {
    return new EndpointResolver(
        EndpointResolver::askSystem, ZoneNames.ofThisProcess(), Thread::sleep, RETRIES);
  }

  static Answer askSystem(String name) {
    try {
      return new Found(address(InetAddress.getByName(name)));
    } catch (UnknownHostException e) {
      // "NAME: REASON", or the name alone if a failure is remembered.
      String message = String.valueOf(e.getMessage());
      String before = name + ": ";
      String reason = message.startsWith(before) ? message.substring(before.length()) : message;
      return ResolverMessages.PERMANENT.contains(reason) ? new Unknown(reason) : new Later(reason);
    }
  }

  private static IpAddress address(InetAddress address) {
    ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
    return bytes.remaining() == 4
        ? IpAddress.v4(bytes.getInt())
        : IpAddress.v6(bytes.getLong(), bytes.getLong());
  }

  /**
   * The endpoints of all peers that the configuration has one for.
   *
   * @throws ConfigurationException if some are unknown, with all of these
   * @throws InterruptedException while it waited
   */
  public Map<PublicKey, Endpoint> resolve(QuickConfiguration configuration)
      throws InterruptedException {
    Map<PublicKey, Endpoint> endpoints = new HashMap<>();
    List<ConfigurationProblem> problems = new ArrayList<>();
    List<PeerSettings> left =
        configuration.peers().stream().filter(peer -> peer.endpoint().isPresent()).toList();
    Duration wait = FIRST_WAIT;
    for (int asked = 0; !left.isEmpty(); asked++) {
      boolean last = asked >= retries;
      List<PeerSettings> later = new ArrayList<>();
      // The system forgets why a name failed: of a second peer's it would not say.
      Map<String, Answer> answers = new HashMap<>();
      for (PeerSettings peer : left) {
        EndpointName name = peer.endpoint().orElseThrow();
        switch (find(name, answers)) {
          case Known known -> endpoints.put(peer.publicKey(), known.endpoint());
          case Failed failed when failed.passing() && !last -> {
            LOG.info(
                "{}:{}: {}: {}; asking again in {} ms",
                configuration.file(),
                name.line(),
                name,
                failed.reason(),
                wait.toMillis());
            later.add(peer);
          }
          case Failed failed ->
              problems.add(
                  new ConfigurationProblem(
                      configuration.file(),
                      name.line(),
                      Key.ENDPOINT.text(),
                      failed.reason(),
                      Optional.of(name.toString())));
        }
      }
      if (!later.isEmpty()) {
        waiter.await(wait);
        wait = Duration.ofNanos(Math.min(WAIT_MAX.toNanos(), wait.toNanos() / 5 * 6));
      }
      left = later;
    }
    if (!problems.isEmpty()) {
      problems.sort(Comparator.comparingInt(ConfigurationProblem::line));
      throw new ConfigurationException(problems);
    }
    return Map.copyOf(endpoints);
  }

  private sealed interface Outcome {}

  private record Known(Endpoint endpoint) implements Outcome {}

  private record Failed(String reason, boolean passing) implements Outcome {}

  private Outcome find(EndpointName name, Map<String, Answer> answers) {
    if (name.isLiteral()) {
      try {
        return new Known(zones.endpoint(name.host(), name.port()));
      } catch (IllegalArgumentException e) {
        return new Failed(String.valueOf(e.getMessage()), false);
      }
    }
    return switch (answers.computeIfAbsent(name.host(), names::lookUp)) {
      case Found found -> new Known(Endpoint.of(found.address(), name.port()));
      case Unknown unknown -> new Failed("does not resolve: " + unknown.reason(), false);
      case Later later -> new Failed("does not resolve: " + later.reason(), true);
    };
  }
}
