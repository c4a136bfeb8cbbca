package io.vnet.tunnel.routing;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Prefixes and whose they are. Reading takes no lock and is safe beside one writing thread.
 *
 * @param <T> who owns prefixes, compared by identity
 */
@SuppressWarnings({
  "DoNotCallSuggester",
  "ObjectToString",
  "UnusedVariable"
}) // Until it is written.
public final class AllowedIps<T> {
  /** Gives a prefix, without its host bits, to an owner; whoever had exactly this one loses it. */
  public void put(IpPrefix prefix, T owner) {
    throw new UnsupportedOperationException("" + prefix + owner);
  }

  /** Takes exactly this prefix from its owner; if it is another's nothing happens. */
  public void remove(IpPrefix prefix, T owner) {
    throw new UnsupportedOperationException("" + prefix + owner);
  }

  /** Takes all of an owner's prefixes. */
  public void removeAll(T owner) {
    throw new UnsupportedOperationException("" + owner);
  }

  /** An owner's prefixes, in the order in which he got them. */
  public List<IpPrefix> of(T owner) {
    throw new UnsupportedOperationException("" + owner);
  }

  /** Whose an address is; null: nobody's. */
  public @Nullable T find(IpAddress address) {
    throw new UnsupportedOperationException("" + address);
  }

  /** Whose an IPv4 address is that lies in memory, in network order. Allocates nothing. */
  public @Nullable T find4(MemorySegment segment, long offset) {
    throw new UnsupportedOperationException("" + segment + offset);
  }

  /** Whose an IPv6 address is that lies in memory, in network order. Allocates nothing. */
  public @Nullable T find6(MemorySegment segment, long offset) {
    throw new UnsupportedOperationException("" + segment + offset);
  }
}
