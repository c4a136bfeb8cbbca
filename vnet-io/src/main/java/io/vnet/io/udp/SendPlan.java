package io.vnet.io.udp;

import io.vnet.api.address.Endpoint;
import io.vnet.api.offload.DatagramTrain;
import io.vnet.api.packet.PacketBatch;
import io.vnet.io.libc.SocketConstants;
import org.jspecify.annotations.Nullable;

/**
 * Which datagrams of a batch go to the kernel together: consecutive ones to one endpoint, of one
 * size but the last, which may be shorter, are one message. No system call here.
 *
 * <p>A <b>place</b> is a packet and a byte within it: a train may end in the midst of a message's
 * limits, and a send may stop in the midst of a train. All that {@link #plan} said holds until the
 * next.
 *
 * <p><b>Owner:</b> the sending thread. <b>Allocation:</b> none.
 */
final class SendPlan {
  /** Messages of a plan at the most. */
  static final int MESSAGES = 64;

  /** Pieces, which are ranges of the batch's memory, of all messages at the most. */
  static final int PIECES = SocketConstants.IOVECS_MAX;

  /** Bytes of a message at the most: a UDP packet over IPv4 without options, over IPv6. */
  static final int BYTES_MAX_V4 = 65507;

  static final int BYTES_MAX_V6 = 65527;

  private static final long NOWHERE = -1;

  private final @Nullable Endpoint[] endpoints = new Endpoint[MESSAGES];
  private final int[] segments = new int[MESSAGES];
  private final int[] ecns = new int[MESSAGES];
  private final int[] datagrams = new int[MESSAGES];
  private final int[] bytes = new int[MESSAGES];
  private final int[] firstPieces = new int[MESSAGES + 1];
  private final long[] starts = new long[MESSAGES];
  private final long[] ends = new long[MESSAGES];
  private final int[] pieceOffsets = new int[PIECES];
  private final int[] pieceLengths = new int[PIECES];
  private int messages;
  private int pieces;
  private boolean trains4 = true;
  private boolean trains6 = true;
  private long singlyUntil = NOWHERE;

  /** A place as one number, which grows along the batch. */
  static long place(int packet, int offset) {
    return (long) packet << Integer.SIZE | offset;
  }

  static int packet(long place) {
    return (int) (place >>> Integer.SIZE);
  }

  static int offset(long place) {
    return (int) place;
  }

  /** A new batch: what was said of places holds no more. */
  void begin() {
    singlyUntil = NOWHERE;
  }

  /** Whether datagrams of a family may share messages. */
  void allowTrains(boolean v6, boolean allowed) {
    if (v6) {
      trains6 = allowed;
    } else {
      trains4 = allowed;
    }
  }

  /** Messages that begin before this place have one datagram. */
  void singlyUntil(long place) {
    singlyUntil = place;
  }

  /**
   * Plans messages from a place on: as many as fit, up to the next packet without an endpoint or of
   * the other family.
   *
   * @return how many; 0: the packet at the place has no endpoint
   */
  int plan(PacketBatch batch, long from) {
    messages = 0;
    pieces = 0;
    long place = from;
    while (messages < MESSAGES && pieces < PIECES && packet(place) < batch.count()) {
      Endpoint to = batch.endpoint(packet(place));
      if (to == null || (messages > 0 && to.address().v6() != endpoint(0).address().v6())) {
        break;
      }
      place = message(batch, place, to);
    }
    firstPieces[messages] = pieces;
    return messages;
  }

  private long message(PacketBatch batch, long from, Endpoint to) {
    int packet = packet(from);
    int offset = offset(from);
    long word = batch.offload(packet);
    int rest = batch.length(packet) - offset;
    int segment = segmentBytes(word, rest);
    boolean v6 = to.address().v6();
    boolean train = (v6 ? trains6 : trains4) && from >= singlyUntil;
    int most = train ? datagramsMax(segment, v6) : 1;
    int ecn = DatagramTrain.ecn(word);

    int taken = Math.min(rest, clampedProduct(segment, most));
    firstPieces[messages] = pieces;
    piece(batch.offset(packet) + offset, taken);
    int sum = taken;
    int count = (taken + segment - 1) / segment;
    boolean whole = taken == rest;
    int next = packet + 1;
    // A train that is cut goes on in the next message; one that ends short ends its message.
    while (whole
        && sum == count * segment
        && count < most
        && next < batch.count()
        && pieces < PIECES
        && follows(batch, next, to, ecn, segment)) {
      int length = batch.length(next);
      taken = Math.min(length, (most - count) * segment);
      piece(batch.offset(next), taken);
      sum += taken;
      count += (taken + segment - 1) / segment;
      whole = taken == length;
      if (!whole) {
        return done(from, place(next, taken), to, segment, ecn, count, sum);
      }
      next++;
    }
    long end = whole ? place(next, 0) : place(packet, offset + taken);
    return done(from, end, to, segment, ecn, count, sum);
  }

  private long done(
      long start, long end, Endpoint to, int segment, int ecn, int count, int length) {
    endpoints[messages] = to;
    segments[messages] = segment;
    ecns[messages] = ecn;
    datagrams[messages] = count;
    bytes[messages] = length;
    starts[messages] = start;
    ends[messages] = end;
    messages++;
    return end;
  }

  private void piece(int offset, int length) {
    pieceOffsets[pieces] = offset;
    pieceLengths[pieces] = length;
    pieces++;
  }

  /** Of a train what its word says, of a single datagram its length. */
  private static int segmentBytes(long word, int length) {
    int segment = DatagramTrain.segmentBytes(word);
    return segment == 0 ? length : Math.min(segment, length);
  }

  private static int datagramsMax(int segment, boolean v6) {
    return Math.clamp(
        (v6 ? BYTES_MAX_V6 : BYTES_MAX_V4) / segment, 1, SocketConstants.UDP_SEGMENTS_MAX);
  }

  private static int clampedProduct(int segment, int count) {
    return (int) Math.min((long) segment * count, Integer.MAX_VALUE);
  }

  /** Whether the next packet's first datagrams may be in a message of full segments before them. */
  private static boolean follows(PacketBatch batch, int packet, Endpoint to, int ecn, int segment) {
    if (!to.equals(batch.endpoint(packet))) {
      return false;
    }
    long word = batch.offload(packet);
    int length = batch.length(packet);
    int own = segmentBytes(word, length);
    return DatagramTrain.ecn(word) == ecn && (own == length ? own <= segment : own == segment);
  }

  /** How many messages there are. */
  int messages() {
    return messages;
  }

  Endpoint endpoint(int message) {
    Endpoint to = endpoints[message];
    if (to == null) {
      throw new IllegalStateException("no message " + message);
    }
    return to;
  }

  /** Bytes of a datagram of a message, but of its last. */
  int segment(int message) {
    return segments[message];
  }

  int ecn(int message) {
    return ecns[message];
  }

  int datagrams(int message) {
    return datagrams[message];
  }

  int bytes(int message) {
    return bytes[message];
  }

  /** The place of a message's first byte. */
  long start(int message) {
    return starts[message];
  }

  /** The place behind its last. */
  long end(int message) {
    return ends[message];
  }

  /** The first piece of a message; that of the one behind the last is the number of all. */
  int firstPiece(int message) {
    return firstPieces[message];
  }

  /** Where a piece begins, in bytes from the start of the batch's slab. */
  int pieceOffset(int piece) {
    return pieceOffsets[piece];
  }

  int pieceLength(int piece) {
    return pieceLengths[piece];
  }

  /** Keeps no endpoint alive. */
  void forget() {
    for (int i = 0; i < messages; i++) {
      endpoints[i] = null;
    }
    messages = 0;
  }
}
