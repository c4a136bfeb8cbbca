package io.vnet.io.udp;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * The endpoints that were received from, so that the next datagram from there finds its object.
 *
 * <p><b>Bound:</b> so many places, in sets of four; who finds its set full takes the place of one
 * of them in turn. A flood from made-up sources costs an object a datagram and nothing that stays;
 * which sources meet in a set is not to be known from outside.
 *
 * <p><b>Owner:</b> the receiving thread. <b>Allocation:</b> for an endpoint that is not remembered.
 */
final class EndpointTable {
  private static final int WAYS = 4;
  private static final long MIX_A = 0x9E37_79B9_7F4A_7C15L;
  private static final long MIX_B = 0xC2B2_AE3D_27D4_EB4FL;

  private final @Nullable Endpoint[] places;
  private final int setMask;
  private final long seed;
  private int turn;
  private long made;
  private @Nullable Endpoint last;

  /**
   * @param size places, a power of two and at least 4
   * @param seed of the hash
   */
  EndpointTable(int size, long seed) {
    this.places = new Endpoint[size];
    this.setMask = size / WAYS - 1;
    this.seed = seed;
  }

  static EndpointTable ofSize(int size) {
    return new EndpointTable(size, ThreadLocalRandom.current().nextLong());
  }

  /** How many objects were made. */
  long made() {
    return made;
  }

  /** How many places there are. */
  int size() {
    return places.length;
  }

  /** The endpoint that these addresses are. */
  Endpoint find(SocketAddresses from) {
    Endpoint recent = last;
    if (recent != null && from.equal(recent)) {
      return recent;
    }
    int set = (int) hash(from) & setMask;
    for (int i = set * WAYS; i < (set + 1) * WAYS; i++) {
      Endpoint known = places[i];
      if (known != null && from.equal(known)) {
        last = known;
        return known;
      }
    }
    return make(from, set);
  }

  private Endpoint make(SocketAddresses from, int set) {
    int place = set * WAYS + (turn++ & (WAYS - 1));
    for (int i = set * WAYS; i < (set + 1) * WAYS; i++) {
      if (places[i] == null) {
        place = i;
        break;
      }
    }
    IpAddress address = new IpAddress(from.v6, from.high, from.low);
    Endpoint fresh =
        new Endpoint(
            address,
            from.port,
            from.scopeId,
            from.hasSource
                ? Optional.of(
                    new Endpoint.Source(
                        new IpAddress(from.v6, from.sourceHigh, from.sourceLow),
                        from.sourceInterface))
                : Optional.empty());
    places[place] = fresh;
    last = fresh;
    made++;
    return fresh;
  }

  private long hash(SocketAddresses from) {
    long mixed = seed ^ from.low;
    mixed = Long.rotateLeft(mixed * MIX_A, 29) ^ from.high;
    mixed = Long.rotateLeft(mixed * MIX_B, 31) ^ ((long) from.scopeId << 16 | from.port);
    mixed = Long.rotateLeft(mixed * MIX_A, 27) ^ from.sourceLow;
    mixed = Long.rotateLeft(mixed * MIX_B, 33) ^ from.sourceHigh ^ from.sourceInterface;
    mixed *= MIX_A;
    return mixed ^ mixed >>> 32;
  }
}
