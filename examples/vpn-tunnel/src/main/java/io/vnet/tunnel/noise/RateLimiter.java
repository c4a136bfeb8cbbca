package io.vnet.tunnel.noise;

import io.vnet.api.address.IpAddress;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How many handshake messages an address may send under load: 20 a second, 5 at once; of IPv6 a /64
 * counts as one. Bounded in memory: when it is full, new addresses are refused. Safe on any thread.
 *
 * <p>Whoever is asked about has shown by a cookie that it receives at its address, so that nobody
 * can fill the table with addresses that are not his. An address that was silent for a second is
 * forgotten, by a pass over the table once a second at the most, inside a question; its tokens
 * would be full by then.
 */
public final class RateLimiter {
  private static final long COST_NANOS = 50_000_000;
  private static final long TOKENS_MAX = 250_000_000;
  private static final long IDLE_NANOS = 1_000_000_000;

  private final int capacity;
  private final Map<Source, Bucket> buckets = new HashMap<>();
  private long sweptAt;
  private boolean swept;

  /**
   * For this many addresses.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  public RateLimiter(int capacity) {
    if (capacity <= 0) {
      throw new IllegalArgumentException("room for " + capacity + " addresses");
    }
    this.capacity = capacity;
  }

  /**
   * Takes one message's share.
   *
   * @param now monotonic, in nanoseconds
   */
  public synchronized boolean isAllowed(IpAddress source, long now) {
    sweep(now);
    Source key = Source.of(source);
    @Nullable Bucket bucket = buckets.get(key);
    if (bucket == null) {
      if (buckets.size() >= capacity) {
        return false;
      }
      buckets.put(key, new Bucket(now));
      return true;
    }
    return bucket.take(now);
  }

  /** How many addresses it knows at the moment. */
  synchronized int size() {
    return buckets.size();
  }

  private void sweep(long now) {
    if (!swept) {
      swept = true;
      sweptAt = now;
    } else if (now - sweptAt >= IDLE_NANOS) {
      sweptAt = now;
      buckets.values().removeIf(bucket -> now - bucket.askedAt > IDLE_NANOS);
    }
  }

  /** Tokens in nanoseconds. */
  private static final class Bucket {
    private long tokens = TOKENS_MAX - COST_NANOS;
    private long askedAt;

    Bucket(long now) {
      askedAt = now;
    }

    boolean take(long now) {
      // Askers on different threads may come in another order than their clock readings.
      long elapsed = Math.max(0, now - askedAt);
      askedAt += elapsed;
      tokens = elapsed >= TOKENS_MAX ? TOKENS_MAX : Math.min(TOKENS_MAX, tokens + elapsed);
      if (tokens < COST_NANOS) {
        return false;
      }
      tokens -= COST_NANOS;
      return true;
    }
  }
}
