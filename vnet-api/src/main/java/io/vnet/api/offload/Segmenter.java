package io.vnet.api.offload;

import static io.vnet.api.header.HeaderFields.IPV4_CHECKSUM;
import static io.vnet.api.header.HeaderFields.IPV4_ID;
import static io.vnet.api.header.HeaderFields.IPV4_SOURCE;
import static io.vnet.api.header.HeaderFields.IPV4_TOTAL_LENGTH;
import static io.vnet.api.header.HeaderFields.IPV6_PAYLOAD_LENGTH;
import static io.vnet.api.header.HeaderFields.IPV6_SOURCE;
import static io.vnet.api.header.HeaderFields.TCP_CHECKSUM;
import static io.vnet.api.header.HeaderFields.TCP_FLAGS;
import static io.vnet.api.header.HeaderFields.TCP_SEQUENCE;
import static io.vnet.api.header.HeaderFields.UDP_CHECKSUM;
import static io.vnet.api.header.HeaderFields.UDP_LENGTH;

import io.vnet.api.header.InternetChecksum;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv6View;
import io.vnet.api.header.TcpView;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Splits super-packets into finished packets, as a kernel would: lengths, IPv4 id and header
 * checksum, TCP sequence number and flags, transport checksum of each its own.
 *
 * <p>{@link #begin} takes any packet, one that needs nothing too; then {@link #split} is called
 * with one target after the other until {@link #isDone}:
 *
 * <pre>{@code
 * if (segmenter.begin(source, i) == OffloadStatus.OK) {
 *   segmenter.split(target);
 *   while (!segmenter.isDone()) { // target is full: hand it over, acquire the next
 *     target = next(target);
 *     if (segmenter.split(target) == 0) { // longer than a slab
 *       dropped += segmenter.skip();
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>Of {@link Layer#DATAGRAM} the packets are {@linkplain DatagramTrain trains}, and what is made
 * are their datagrams, without endpoints.
 *
 * <p>Or {@link #nextInPlace} makes the segments one by one where the payload lies.
 *
 * <p><b>Owner:</b> one thread. The source batch must stay as it is from {@code begin} until done.
 *
 * <p><b>Cost</b> of a segment: one copy of header and payload ({@code split}) or of the header
 * alone ({@code nextInPlace}); its payload is summed once, when it is in the cache; the header's
 * sums are those of the super-packet's header, taken once, plus the few fields that differ. A
 * packet that needs nothing is copied. No allocation, no system call.
 */
public final class Segmenter {
  private static final int TEMPLATE_BYTES = Offload.SUPER_HEADER_BYTES_MAX + 64;
  private static final int LAST_ONLY = TcpView.FIN | TcpView.PSH;

  private final Layer layer;

  /** The super-packet's headers, as the first segments in place overwrite them. */
  private final MemorySegment template = Arena.ofAuto().allocate(TEMPLATE_BYTES, 64);

  private MemorySegment source = MemorySegment.NULL;
  private int start;
  private int length;
  private long word;
  private int next;
  private int segments;

  private boolean v4;
  private boolean udp;
  private int ip;
  private int transport;
  private int headerBytes;
  private int gsoSize;
  private int firstId;
  private int firstSequence;
  private int flags;
  private long ipSum;
  private long transportSum;

  private int madeOffset;
  private int madeLength;

  /** A segmenter for packets of one layer; has nothing to split yet. */
  public Segmenter(Layer layer) {
    this.layer = layer;
  }

  /**
   * Takes packet {@code i} of a batch; what was left of an earlier one is forgotten.
   *
   * @return {@link OffloadStatus#OK}, or why the packet cannot be split and has to be dropped
   */
  public OffloadStatus begin(PacketBatch batch, int i) {
    source = batch.segment();
    start = batch.offset(i);
    length = batch.length(i);
    word = batch.offload(i);
    next = 0;
    segments = 0;
    if (layer == Layer.DATAGRAM) {
      beginTrain();
      return OffloadStatus.OK;
    }
    OffloadStatus status = Offload.check(word, layer, source, start, length);
    if (status == OffloadStatus.OK) {
      if (Offload.isSegmented(word)) {
        dissect();
      } else {
        segments = 1;
        headerBytes = 0;
        gsoSize = length;
      }
    }
    return status;
  }

  /** A {@link DatagramTrain} is nothing but payloads, one behind the other. */
  private void beginTrain() {
    int segmentBytes = DatagramTrain.segmentBytes(word);
    headerBytes = 0;
    gsoSize = segmentBytes == 0 ? length : segmentBytes;
    segments = DatagramTrain.datagrams(word, length);
  }

  /** Only after {@link Offload#check}: nothing here can lie outside the packet. */
  private void dissect() {
    ip = Wire.ipStart(layer, source, start, length);
    v4 = Bytes.u8(source, start + ip) >> 4 == 4;
    udp = Offload.gsoType(word) == Offload.UDP_L4;
    int ipBytes = v4 ? (Bytes.u8(source, start + ip) & 15) * 4 : Ipv6View.HEADER_BYTES;
    transport = Offload.transportStart(word, layer, source, start, length);
    headerBytes = Offload.headerBytes(word, layer, source, start, length);
    gsoSize = Offload.gsoSize(word);
    segments = Math.max(1, (length - headerBytes + gsoSize - 1) / gsoSize);
    MemorySegment.copy(source, start, template, 0, headerBytes);
    transportSum = pseudoHeaderSum(ipBytes);
    if (v4) {
      firstId = Bytes.u16(template, ip + IPV4_ID);
      Bytes.put16(template, ip + IPV4_ID, 0);
      Bytes.put16(template, ip + IPV4_TOTAL_LENGTH, 0);
      Bytes.put16(template, ip + IPV4_CHECKSUM, 0);
      ipSum = InternetChecksum.sum(template, ip, ipBytes);
    }
    if (udp) {
      Bytes.put16(template, transport + UDP_LENGTH, 0);
      Bytes.put16(template, transport + UDP_CHECKSUM, 0);
    } else {
      firstSequence = Bytes.i32(template, transport + TCP_SEQUENCE);
      flags = Bytes.u8(template, transport + TCP_FLAGS);
      Bytes.put32(template, transport + TCP_SEQUENCE, 0);
      Bytes.put8(template, transport + TCP_FLAGS, 0);
      Bytes.put16(template, transport + TCP_CHECKSUM, 0);
    }
    transportSum += InternetChecksum.sum(template, transport, headerBytes - transport);
  }

  /** The pseudo header's sum without the length in it. */
  private long pseudoHeaderSum(int ipBytes) {
    if (transport > ip + ipBytes) {
      // A routing header may have another destination than the first header, which the sender knew.
      int field = transport + (udp ? UDP_CHECKSUM : TCP_CHECKSUM);
      return Bytes.u16(template, field) + (~(length - transport) & 0xFFFFL);
    }
    return InternetChecksum.sum(template, ip + (v4 ? IPV4_SOURCE : IPV6_SOURCE), v4 ? 8 : 32)
        + (udp ? IpProtocols.UDP : IpProtocols.TCP);
  }

  /** How many packets the one that was begun makes; 0 if it was refused. */
  public int segments() {
    return segments;
  }

  /** Whether all of them have been made or skipped. */
  public boolean isDone() {
    return next == segments;
  }

  /** How many of them have neither been made nor skipped. */
  public int left() {
    return segments - next;
  }

  /**
   * Appends the next segments, as many as fit, finished and with an offload word of 0.
   *
   * @return how many; 0 into an empty batch means that the next one is longer than its slab
   */
  public int split(PacketBatch target) {
    int before = next;
    MemorySegment to = target.segment();
    for (; next < segments; next++) {
      int payloadBytes = payloadBytes();
      int at = target.room(headerBytes + payloadBytes);
      if (at < 0) {
        break;
      }
      copy(to, at, payloadBytes);
      target.commit(headerBytes + payloadBytes);
    }
    return next - before;
  }

  /**
   * Makes the next segment within the source batch: its header is written right before its payload,
   * over the end of the segment before, which must have been used by then. The bytes behind it
   * belong to the next one and must be the same when that is asked for.
   *
   * @return false if there is none left
   */
  public boolean nextInPlace() {
    if (next == segments) {
      return false;
    }
    madeOffset = start + payloadOffset() - headerBytes;
    madeLength = headerBytes + payloadBytes();
    finish(source, madeOffset, madeLength - headerBytes);
    next++;
    return true;
  }

  /**
   * Makes the next segment at a place of the caller's, who has to have room for it: a segment is at
   * most as long as the packet that was begun.
   *
   * @return its bytes; 0 if there is none left
   */
  public int next(MemorySegment to, long at) {
    if (next == segments) {
      return 0;
    }
    int payloadBytes = payloadBytes();
    copy(to, at, payloadBytes);
    next++;
    return headerBytes + payloadBytes;
  }

  private void copy(MemorySegment to, long at, int payloadBytes) {
    MemorySegment.copy(source, start + payloadOffset(), to, at + headerBytes, payloadBytes);
    finish(to, at, payloadBytes);
  }

  /** Where the segment that {@link #nextInPlace} made begins in the source's slab. */
  public int offset() {
    return madeOffset;
  }

  /** The bytes of the segment that {@link #nextInPlace} made. */
  public int length() {
    return madeLength;
  }

  /**
   * Gives up what is left.
   *
   * @return how many segments were not made
   */
  public int skip() {
    int left = left();
    next = segments;
    return left;
  }

  private int payloadOffset() {
    return headerBytes + next * gsoSize;
  }

  private int payloadBytes() {
    return Math.min(gsoSize, length - payloadOffset());
  }

  /** Puts the header before a payload that is in its place. */
  private void finish(MemorySegment to, long at, int payloadBytes) {
    if (layer == Layer.DATAGRAM) {
      return;
    }
    if (!Offload.isSegmented(word)) {
      // Cannot fail, as begin() has checked the word against this length.
      ChecksumCompletion.complete(to, at, payloadBytes, word);
      return;
    }
    MemorySegment.copy(template, 0, to, at, headerBytes);
    int transportBytes = headerBytes - transport + payloadBytes;
    if (v4) {
      int id = firstId + next & 0xFFFF;
      int total = transport - ip + transportBytes;
      Bytes.put16(to, at + ip + IPV4_ID, id);
      Bytes.put16(to, at + ip + IPV4_TOTAL_LENGTH, total);
      Bytes.put16(to, at + ip + IPV4_CHECKSUM, InternetChecksum.checksum(ipSum + id + total));
    } else {
      int total = transport - ip - Ipv6View.HEADER_BYTES + transportBytes;
      Bytes.put16(to, at + ip + IPV6_PAYLOAD_LENGTH, total);
    }
    long sum =
        transportSum + transportBytes + InternetChecksum.sum(to, at + headerBytes, payloadBytes);
    if (udp) {
      finishUdp(to, at + transport, transportBytes, sum);
    } else {
      finishTcp(to, at + transport, sum);
    }
  }

  private static void finishUdp(MemorySegment to, long at, int bytes, long sum) {
    int checksum = InternetChecksum.checksum(sum + bytes);
    Bytes.put16(to, at + UDP_LENGTH, bytes);
    // Zero on the wire means "none", so a sum of zero is sent as its other form.
    Bytes.put16(to, at + UDP_CHECKSUM, checksum == 0 ? 0xFFFF : checksum);
  }

  private void finishTcp(MemorySegment to, long at, long sum) {
    int sequence = firstSequence + next * gsoSize;
    int own = flags;
    if (next > 0) {
      own &= ~TcpView.CWR;
    }
    if (next < segments - 1) {
      own &= ~LAST_ONLY;
    }
    Bytes.put32(to, at + TCP_SEQUENCE, sequence);
    Bytes.put8(to, at + TCP_FLAGS, own);
    Bytes.put16(
        to, at + TCP_CHECKSUM, InternetChecksum.checksum(sum + (sequence & 0xFFFF_FFFFL) + own));
  }
}
