package io.vnet.tunnel.routing;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Prefixes and whose they are: a compressed binary trie for each address family. A node has a
 * prefix, an owner or none, and two children that are chosen by the bit behind its prefix; a node
 * without owner has both.
 *
 * <p><b>Threads:</b> one writer ({@code put}, {@code remove}, {@code removeAll}, and {@code of},
 * which reads what only he writes); any number of readers ({@code find}, {@code find4}, {@code
 * find6}) beside him. Nodes never change: a write copies those between the root and the place of
 * the change, and publishes the new root by one volatile write. So a reader, who reads the root
 * once, sees the table as it was at that moment and as it was never else; nodes that he still walks
 * on are kept by the collector. Changing nodes in place would save the copies, but let a reader who
 * rests on a node that is cut off meanwhile combine two states that never were at one time.
 *
 * <p><b>Cost:</b> a lookup reads one node (64 bytes) for each step, at most 33 or 129 and about
 * log2(n) of them with evenly spread prefixes; it allocates nothing and takes no lock. A write
 * copies as many nodes.
 *
 * @param <T> who owns prefixes, compared by identity
 */
public final class AllowedIps<T> {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** Whose prefixes are in which order; the writer's own. */
  private final IdentityHashMap<T, Set<IpPrefix>> prefixes = new IdentityHashMap<>();

  private volatile @Nullable Node<T> root4;
  private volatile @Nullable Node<T> root6;

  /**
   * A prefix, its bits from the top of {@code high}; an IPv4 address takes the upper half of {@code
   * high}, and {@code low} is zero then.
   */
  private static final class Node<T> {
    final long high;
    final long low;
    final long highMask;
    final long lowMask;
    final int length;
    final @Nullable T owner;
    final @Nullable Node<T> zero;
    final @Nullable Node<T> one;

    Node(
        long high,
        long low,
        int length,
        @Nullable T owner,
        @Nullable Node<T> zero,
        @Nullable Node<T> one) {
      this.highMask = ones(Math.min(length, 64));
      this.lowMask = ones(Math.max(length - 64, 0));
      this.high = high & highMask;
      this.low = low & lowMask;
      this.length = length;
      this.owner = owner;
      this.zero = zero;
      this.one = one;
    }

    boolean contains(long otherHigh, long otherLow) {
      return (((high ^ otherHigh) & highMask) | ((low ^ otherLow) & lowMask)) == 0;
    }

    /** Whether the bit behind this prefix is set in an address. */
    boolean isOne(long otherHigh, long otherLow) {
      return (length < 64 ? otherHigh << length : otherLow << (length - 64)) < 0;
    }

    Node<T> withOwner(@Nullable T newOwner) {
      return new Node<>(high, low, length, newOwner, zero, one);
    }

    Node<T> withChild(boolean isOne, @Nullable Node<T> child) {
      return new Node<>(high, low, length, owner, isOne ? zero : child, isOne ? child : one);
    }

    /** What stands in its place: itself if it has an owner or is a fork. */
    @Nullable Node<T> compact() {
      if (owner != null || (zero != null && one != null)) {
        return this;
      }
      return zero != null ? zero : one;
    }

    private static long ones(int leading) {
      return leading == 0 ? 0 : -1L << (64 - leading);
    }
  }

  /** Gives a prefix, without its host bits, to an owner; whoever had exactly this one loses it. */
  @SuppressWarnings("ReferenceEquality") // Owners are compared by identity.
  public void put(IpPrefix prefix, T owner) {
    IpPrefix network = prefix.network();
    T before = exactly(network);
    if (before == owner) {
      return;
    }
    if (before != null) {
      forget(network, before);
    }
    prefixes.computeIfAbsent(owner, _ -> new LinkedHashSet<>(2)).add(network);
    IpAddress address = network.address();
    publish(address, with(root(address), high(address), low(address), network.length(), owner));
  }

  /** Takes exactly this prefix from its owner; if it is another's nothing happens. */
  public void remove(IpPrefix prefix, T owner) {
    IpPrefix network = prefix.network();
    Set<IpPrefix> owned = prefixes.get(owner);
    if (owned == null || !owned.contains(network)) {
      return;
    }
    forget(network, owner);
    cut(network);
  }

  /** Takes all of an owner's prefixes. */
  public void removeAll(T owner) {
    Set<IpPrefix> owned = prefixes.remove(owner);
    if (owned != null) {
      owned.forEach(this::cut);
    }
  }

  /** An owner's prefixes, in the order in which he got them. */
  public List<IpPrefix> of(T owner) {
    Set<IpPrefix> owned = prefixes.get(owner);
    return owned == null ? List.of() : List.copyOf(owned);
  }

  /** Whose an address is; null: nobody's. */
  public @Nullable T find(IpAddress address) {
    return longest(root(address), high(address), low(address));
  }

  /** Whose an IPv4 address is that lies in memory, in network order. Allocates nothing. */
  public @Nullable T find4(MemorySegment segment, long offset) {
    return longest(root4, (long) segment.get(INT, offset) << 32, 0);
  }

  /** Whose an IPv6 address is that lies in memory, in network order. Allocates nothing. */
  public @Nullable T find6(MemorySegment segment, long offset) {
    return longest(root6, segment.get(LONG, offset), segment.get(LONG, offset + 8));
  }

  /** How many nodes there are, forks included. */
  int nodes() {
    return count(root4) + count(root6);
  }

  private static <T> @Nullable T longest(@Nullable Node<T> root, long high, long low) {
    T found = null;
    Node<T> node = root;
    while (node != null && node.contains(high, low)) {
      if (node.owner != null) {
        found = node.owner;
      }
      node = node.isOne(high, low) ? node.one : node.zero;
    }
    return found;
  }

  /** Who has exactly this prefix. */
  private @Nullable T exactly(IpPrefix network) {
    IpAddress address = network.address();
    long high = high(address);
    long low = low(address);
    Node<T> node = root(address);
    while (node != null && node.length < network.length() && node.contains(high, low)) {
      node = node.isOne(high, low) ? node.one : node.zero;
    }
    return node != null && node.length == network.length() && node.contains(high, low)
        ? node.owner
        : null;
  }

  private static <T> Node<T> with(
      @Nullable Node<T> node, long high, long low, int length, T owner) {
    if (node == null) {
      return new Node<>(high, low, length, owner, null, null);
    }
    int common = Math.min(commonBits(node, high, low), Math.min(node.length, length));
    if (common == node.length && common == length) {
      return node.withOwner(owner);
    }
    if (common == node.length) {
      boolean isOne = node.isOne(high, low);
      return node.withChild(isOne, with(isOne ? node.one : node.zero, high, low, length, owner));
    }
    if (common == length) {
      Node<T> above = new Node<>(high, low, length, owner, null, null);
      return above.withChild(above.isOne(node.high, node.low), node);
    }
    Node<T> fork = new Node<>(high, low, common, null, null, null);
    Node<T> leaf = new Node<>(high, low, length, owner, null, null);
    boolean isOne = fork.isOne(high, low);
    return new Node<>(high, low, common, null, isOne ? node : leaf, isOne ? leaf : node);
  }

  private static int commonBits(Node<?> node, long high, long low) {
    long differentHigh = node.high ^ high;
    return differentHigh != 0
        ? Long.numberOfLeadingZeros(differentHigh)
        : 64 + Long.numberOfLeadingZeros(node.low ^ low);
  }

  /** Takes a prefix that is there out of the trie. */
  private void cut(IpPrefix network) {
    IpAddress address = network.address();
    publish(address, without(root(address), high(address), low(address), network.length()));
  }

  private static <T> @Nullable Node<T> without(
      @Nullable Node<T> node, long high, long low, int length) {
    if (node == null) {
      throw new AssertionError("a listed prefix is in the trie");
    }
    if (node.length == length) {
      return node.withOwner(null).compact();
    }
    boolean isOne = node.isOne(high, low);
    Node<T> child = without(isOne ? node.one : node.zero, high, low, length);
    return node.withChild(isOne, child).compact();
  }

  private void forget(IpPrefix network, T owner) {
    Set<IpPrefix> owned = prefixes.get(owner);
    if (owned != null && owned.remove(network) && owned.isEmpty()) {
      prefixes.remove(owner);
    }
  }

  private @Nullable Node<T> root(IpAddress address) {
    return address.v6() ? root6 : root4;
  }

  private void publish(IpAddress address, @Nullable Node<T> root) {
    if (address.v6()) {
      root6 = root;
    } else {
      root4 = root;
    }
  }

  private static long high(IpAddress address) {
    return address.v6() ? address.high() : address.low() << 32;
  }

  private static long low(IpAddress address) {
    return address.v6() ? address.low() : 0;
  }

  private static int count(@Nullable Node<?> node) {
    return node == null ? 0 : 1 + count(node.zero) + count(node.one);
  }
}
