package io.vnet.api.offload;

/**
 * The offload word of a packet of {@link io.vnet.api.packet.Layer#DATAGRAM}: one datagram, or a
 * train of them, which is one buffer and the size of a segment. All segments of a train have that
 * size but the last, which may be shorter.
 *
 * <pre>
 *   bit  0    4     6   8                16             32            64
 *        | 0  | ECN | 0 | UDP_L4 or NONE | segment size | 0           |
 * </pre>
 *
 * <p>0 is a single datagram without ECN. The fields of type and size are {@link Offload}'s. Static,
 * without allocation.
 *
 * <p>Source: udp(7), UDP_SEGMENT and UDP_GRO; RFC 3168 section 5 for ECN.
 */
public final class DatagramTrain {
  /** Most bytes of one segment. */
  public static final int SEGMENT_BYTES_MAX = 65535;

  /** ECN: not capable. */
  public static final int NOT_ECT = 0;

  /** ECN: capable, codepoint ECT(1). */
  public static final int ECT_1 = 1;

  /** ECN: capable, codepoint ECT(0). */
  public static final int ECT_0 = 2;

  /** ECN: congestion experienced. */
  public static final int CE = 3;

  private static final int ECN_SHIFT = 4;

  private DatagramTrain() {}

  /**
   * A word.
   *
   * @param segmentBytes bytes of a segment; 0: a single datagram
   * @param ecn the two bits of the IP header
   * @throws IllegalArgumentException if a value does not fit
   */
  public static long of(int segmentBytes, int ecn) {
    if (segmentBytes < 0 || segmentBytes > SEGMENT_BYTES_MAX || ecn < NOT_ECT || ecn > CE) {
      throw new IllegalArgumentException("segmentBytes=" + segmentBytes + ", ecn=" + ecn);
    }
    int type = segmentBytes == 0 ? Offload.NONE : Offload.UDP_L4;
    return Offload.of(ecn << ECN_SHIFT, type, segmentBytes, 0, 0);
  }

  /** Bytes of a segment; 0: a single datagram. */
  public static int segmentBytes(long word) {
    return Offload.gsoType(word) == Offload.UDP_L4 ? Offload.gsoSize(word) : 0;
  }

  /** The two bits of ECN. */
  public static int ecn(long word) {
    return (int) word >>> ECN_SHIFT & CE;
  }

  /** How many datagrams a packet of this word and length is, at least 1. */
  public static int datagrams(long word, int length) {
    int segment = segmentBytes(word);
    return segment == 0 || length <= segment ? 1 : (length + segment - 1) / segment;
  }
}
