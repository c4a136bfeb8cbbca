package io.vnet.api.mtu;

import io.vnet.api.address.IpAddress;
import io.vnet.api.header.EtherTypes;
import io.vnet.api.header.EthernetView;
import io.vnet.api.header.HeaderStatus;
import io.vnet.api.header.InternetChecksum;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.offload.ChecksumCompletion;
import io.vnet.api.offload.Offload;
import io.vnet.api.offload.OffloadStatus;
import io.vnet.api.offload.Segmenter;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropCounter;
import io.vnet.api.port.DropReason;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.Optional;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Does with packets that are longer than a path's MTU what a router does.
 *
 * <ul>
 *   <li>IPv4 that must not be fragmented, and IPv6: dropped, counted as {@link
 *       DropReason#TOO_LONG}, and the sender is told: ICMP type 3 code 4 with the MTU (RFC 1191),
 *       ICMPv6 type 2 (RFC 4443, section 3.2)
 *   <li>other IPv4: fragmented (RFC 791), after its checksum has been computed if that was left
 *   <li>super-packets: judged by their longest segment; one that may be fragmented is split before
 *   <li>what is no IP, or does not say what it is, however long: left as it is
 * </ul>
 *
 * <p>Nobody is told about: an ICMP error or redirect; an IPv4 fragment other than the first; a
 * packet from or to loopback, from no one, from a group, to an IPv4 group or broadcast address, in
 * a frame to a group; more often than the rules allow; more than fits the batch for messages. (RFC
 * 1122, section 3.2.2; RFC 1812, section 4.3.2.7; RFC 4443, section 2.4.)
 *
 * <p>A message quotes the packet from its IP header on: as much as fits 576 bytes over IPv4 (RFC
 * 1812, section 4.3.2.3), 1280 over IPv6. In a frame it goes back to where the packet came from,
 * with its VLAN tags.
 *
 * <p>{@link #fits} first: it is cheap and mostly true. Then {@link #begin}, which does all that can
 * be done in place, and only if something is to be fragmented {@link #write}:
 *
 * <pre>{@code
 * if (tooBig.fits(batch) || tooBig.begin(batch, messages)) {
 *   send(batch);
 * } else {
 *   while (!tooBig.isDone()) {
 *     if (tooBig.write(target) == 0) {
 *       drops.countDrop(DropReason.TOO_LONG, tooBig.skip()); // longer than a slab
 *     } else {
 *       send(target);
 *       target.clear();
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p><b>Counting:</b> packets of the batch, those to be fragmented as their fragments = packets to
 * send + drops. A super-packet that is dropped is one.
 *
 * <p><b>Owner:</b> one thread. The batch is the caller's, is changed, and must stay until done.
 *
 * <p><b>Cost:</b> of a packet that fits a look at its length, of a super-packet at its headers; of
 * a batch that is written one copy. No allocation, no system call.
 */
public final class TooBig {
  private static final int IPV4_BYTES = 20;
  private static final int IPV6_BYTES = 40;
  private static final int ICMP_BYTES = 8;
  private static final int MESSAGE4_BYTES_MAX = 576;
  private static final int HOPS = 64;
  private static final int INTERNETWORK_CONTROL = 0xC0;
  private static final int DONT_FRAGMENT = 0x4000;
  private static final int FRAGMENT_OFFSET = 0x1FFF;
  private static final int EXTENSIONS_MAX = 8;
  private static final int EXTENSION_BYTES_MIN = 8;
  private static final int REDIRECT6 = 137;

  private final TooBigRules rules;
  private final DropCounter drops;
  private final TokenBucket limit;
  private final EthernetView ethernet = new EthernetView();
  private final Ipv4Fragmenter fragmenter;
  private final Segmenter segmenter;
  private final IntPredicate keep = this::keep;

  private @Nullable PacketBatch source;
  private @Nullable PacketBatch answers;
  private boolean toFragment;
  private int next;
  private long messages;
  private long untold;

  /**
   * @param nanoClock for the limit of messages; any origin
   * @param drops where packets are counted that were too big
   */
  public TooBig(TooBigRules rules, LongSupplier nanoClock, DropCounter drops) {
    this.rules = rules;
    this.drops = drops;
    limit = new TokenBucket(rules.messagesPerSecond(), rules.burst(), nanoClock);
    fragmenter = new Ipv4Fragmenter(rules.mtu());
    segmenter = new Segmenter(rules.layer());
  }

  /** Whether no packet of a batch is too big: there is nothing to do. */
  public boolean fits(PacketBatch batch) {
    for (int i = 0; i < batch.count(); i++) {
      if (batch.length(i) > rules.mtu() && isTooBig(batch, i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Takes a batch; what was left of an earlier one is forgotten. Removes and counts what is too
   * big, and appends messages to their senders.
   *
   * @param messagesTo gets the messages, as far as it has room; they are finished packets
   * @return true: the batch goes on as it is now, if a packet is left in it; false: it is to be
   *     {@linkplain #write written} into others
   */
  public boolean begin(PacketBatch batch, PacketBatch messagesTo) {
    var _ = fragmenter.skip();
    var _ = segmenter.skip();
    source = batch;
    answers = messagesTo;
    toFragment = false;
    next = 0;
    var _ = batch.keepIf(keep);
    answers = null;
    if (!toFragment) {
      source = null;
    }
    return !toFragment;
  }

  /** Whether all has been written or skipped. */
  public boolean isDone() {
    return source == null || next == source.count();
  }

  /**
   * Appends the next packets and fragments, as many as fit.
   *
   * @return how many; 0 into an empty batch means that the next one is longer than its slab
   */
  public int write(PacketBatch target) {
    PacketBatch from = source;
    int before = target.count();
    while (from != null && next < from.count()) {
      if (fragmenter.isDone() && segmenter.isDone() && !isTooBig(from, next)) {
        if (!target.append(from, next)) {
          break;
        }
        next++;
      } else if (!writeFragments(from, target)) {
        break;
      }
    }
    return target.count() - before;
  }

  /** Writes what is left of the next packet; false if there is no room for all of it. */
  private boolean writeFragments(PacketBatch from, PacketBatch target) {
    if (fragmenter.isDone()) {
      if (segmenter.isDone()) {
        // Cannot fail, as begin() has checked it.
        var _ = segmenter.begin(from, next);
      }
      beginFragments(from.segment());
    }
    while (true) {
      while (!fragmenter.isDone()) {
        if (!fragmenter.write(target)) {
          return false;
        }
      }
      if (segmenter.isDone()) {
        next++;
        return true;
      }
      beginFragments(from.segment());
    }
  }

  /** The next segment, which is the packet itself if it is none of several. */
  private void beginFragments(MemorySegment segment) {
    if (segmenter.nextInPlace()) {
      long start = segmenter.offset();
      long ip = start + ipStart(segment, start, segmenter.length());
      fragmenter.begin(segment, start, ip, Bytes.u16(segment, ip + 2));
    }
  }

  /**
   * Gives up the next packet, or what is left of it if some of its fragments have been written.
   *
   * @return how many packets it would have been; 0 if there is none left
   */
  public int skip() {
    PacketBatch from = source;
    if (from == null || next == from.count()) {
      return 0;
    }
    int packets = 1;
    if (!fragmenter.isDone() || !segmenter.isDone() || isTooBig(from, next)) {
      packets = fragmenter.skip();
      if (packets == 0 && segmenter.isDone()) {
        var _ = segmenter.begin(from, next);
      }
      while (!segmenter.isDone()) {
        beginFragments(from.segment());
        packets += fragmenter.skip();
      }
    }
    next++;
    return packets;
  }

  /** Messages that were written. */
  public long messages() {
    return messages;
  }

  /** Packets that were dropped without telling their senders. */
  public long untold() {
    return untold;
  }

  private int ipStart(MemorySegment packet, long offset, int length) {
    if (rules.layer() == Layer.L3) {
      return length > 0 ? 0 : -1;
    }
    return ethernet.wrap(packet, offset, length) == HeaderStatus.OK
            && (ethernet.type() == EtherTypes.IPV4 || ethernet.type() == EtherTypes.IPV6)
            && ethernet.payloadLength() > 0
        ? (int) (ethernet.payloadOffset() - offset)
        : -1;
  }

  /** Of what is IP and complete; the length of a super-packet is that of its longest segment. */
  private boolean isTooBig(PacketBatch batch, int i) {
    MemorySegment packet = batch.segment();
    int offset = batch.offset(i);
    int length = batch.length(i);
    int ip = ipStart(packet, offset, length);
    if (ip < 0) {
      return false;
    }
    boolean v4 = Bytes.u8(packet, offset + (long) ip) >> 4 == 4;
    int bytes = ipBytes(packet, offset + (long) ip, length - ip, batch.offload(i));
    if (bytes > 0 && Offload.isSegmented(batch.offload(i))) {
      bytes = Offload.segmentBytes(batch.offload(i), rules.layer(), packet, offset, length) - ip;
    }
    return bytes > rules.mtuOfVersion(v4);
  }

  /**
   * The length of an IP packet whose header is complete, without padding behind it; 0 if it is
   * none.
   */
  private static int ipBytes(MemorySegment packet, long ip, int available, long word) {
    int version = Bytes.u8(packet, ip) >> 4;
    if (version == 4 && available >= IPV4_BYTES) {
      int headerBytes = (Bytes.u8(packet, ip) & 15) * 4;
      // A super-packet's own length holds, as its length field may not.
      int total = Offload.isSegmented(word) ? available : Bytes.u16(packet, ip + 2);
      return headerBytes >= IPV4_BYTES && headerBytes <= total && total <= available ? total : 0;
    }
    if (version == 6 && available >= IPV6_BYTES) {
      int total = Offload.isSegmented(word) ? available : IPV6_BYTES + Bytes.u16(packet, ip + 4);
      return total <= available ? total : 0;
    }
    return 0;
  }

  /** Whether packet {@code i} stays in the batch: it fits, or it is to be fragmented. */
  private boolean keep(int i) {
    PacketBatch batch = Objects.requireNonNull(source);
    if (batch.length(i) <= rules.mtu() || !isTooBig(batch, i)) {
      return true;
    }
    MemorySegment packet = batch.segment();
    int start = batch.offset(i);
    int ip = ipStart(packet, start, batch.length(i));
    boolean v4 = Bytes.u8(packet, start + (long) ip) >> 4 == 4;
    if (v4 && (Bytes.u16(packet, start + (long) ip + 6) & DONT_FRAGMENT) == 0) {
      return mayBeFragmented(batch, i);
    }
    int bytes = ipBytes(packet, start + (long) ip, batch.length(i) - ip, batch.offload(i));
    if (v4 ? tell4(packet, start, ip, bytes) : tell6(packet, start, ip, bytes)) {
      messages++;
    } else {
      untold++;
    }
    drops.countDrop(DropReason.TOO_LONG, 1);
    return false;
  }

  private boolean mayBeFragmented(PacketBatch batch, int i) {
    long word = batch.offload(i);
    OffloadStatus status =
        Offload.isSegmented(word) ? OffloadStatus.OK : ChecksumCompletion.complete(batch, i);
    if (status != OffloadStatus.OK) {
      drops.countDrop(status.dropReason(), 1);
      return false;
    }
    // A word that lies may have put the checksum over the length.
    toFragment |= isTooBig(batch, i);
    return true;
  }

  private boolean tell4(MemorySegment packet, int start, int ip, int bytes) {
    long header = start + (long) ip;
    int source4 = Bytes.i32(packet, header + 12);
    int destination = Bytes.i32(packet, header + 16);
    int headerBytes = (Bytes.u8(packet, header) & 15) * 4;
    if ((Bytes.u16(packet, header + 6) & FRAGMENT_OFFSET) != 0
        || !isHost4(source4)
        || !isHost4(destination)
        || (Bytes.u8(packet, header + 9) == IpProtocols.ICMP
            && (bytes == headerBytes || isError4(Bytes.u8(packet, header + headerBytes))))) {
      return false;
    }
    int quoted = Math.min(bytes, MESSAGE4_BYTES_MAX - IPV4_BYTES - ICMP_BYTES);
    int at = room(packet, start, ip, IPV4_BYTES + ICMP_BYTES + quoted);
    if (at < 0) {
      return false;
    }
    MemorySegment to = Objects.requireNonNull(answers).segment();
    long message = at + (long) ip;
    Optional<IpAddress> router = rules.source4();
    Bytes.put16(to, message, 0x4500 | INTERNETWORK_CONTROL);
    Bytes.put16(to, message + 2, IPV4_BYTES + ICMP_BYTES + quoted);
    Bytes.put32(to, message + 4, DONT_FRAGMENT);
    Bytes.put16(to, message + 8, HOPS << 8 | IpProtocols.ICMP);
    Bytes.put16(to, message + 10, 0);
    Bytes.put32(to, message + 12, router.isPresent() ? router.get().toV4Bits() : destination);
    Bytes.put32(to, message + 16, source4);
    Bytes.put16(to, message + 10, checksum(to, message, IPV4_BYTES, 0));
    long icmp = message + IPV4_BYTES;
    Bytes.put32(to, icmp, 0x0304_0000);
    Bytes.put32(to, icmp + 4, rules.mtu());
    MemorySegment.copy(packet, header, to, icmp + ICMP_BYTES, quoted);
    Bytes.put16(to, icmp + 2, checksum(to, icmp, ICMP_BYTES + quoted, 0));
    commit(packet, start, ip, IPV4_BYTES + ICMP_BYTES + quoted);
    return true;
  }

  private boolean tell6(MemorySegment packet, int start, int ip, int bytes) {
    long header = start + (long) ip;
    long high = Bytes.i64(packet, header + 8);
    long low = Bytes.i64(packet, header + 16);
    Optional<IpAddress> router = rules.source6();
    long fromHigh = router.isPresent() ? router.get().high() : Bytes.i64(packet, header + 24);
    long fromLow = router.isPresent() ? router.get().low() : Bytes.i64(packet, header + 32);
    if (!isHost6(high, low)
        || !isHost6(fromHigh, fromLow)
        || isLoopback6(Bytes.i64(packet, header + 24), Bytes.i64(packet, header + 32))
        || isError6(packet, header, bytes)) {
      return false;
    }
    int quoted = Math.min(bytes, TooBigRules.IPV6_MTU_MIN - IPV6_BYTES - ICMP_BYTES);
    int at = room(packet, start, ip, IPV6_BYTES + ICMP_BYTES + quoted);
    if (at < 0) {
      return false;
    }
    MemorySegment to = Objects.requireNonNull(answers).segment();
    long message = at + (long) ip;
    Bytes.put32(to, message, 6 << 28);
    Bytes.put16(to, message + 4, ICMP_BYTES + quoted);
    Bytes.put16(to, message + 6, IpProtocols.ICMPV6 << 8 | HOPS);
    Bytes.put64(to, message + 8, fromHigh);
    Bytes.put64(to, message + 16, fromLow);
    Bytes.put64(to, message + 24, high);
    Bytes.put64(to, message + 32, low);
    long icmp = message + IPV6_BYTES;
    Bytes.put32(to, icmp, 0x0200_0000);
    Bytes.put32(to, icmp + 4, rules.mtuOfVersion(false));
    MemorySegment.copy(packet, header, to, icmp + ICMP_BYTES, quoted);
    long pseudo =
        InternetChecksum.pseudoHeader(
            fromHigh, fromLow, high, low, IpProtocols.ICMPV6, ICMP_BYTES + quoted);
    Bytes.put16(to, icmp + 2, checksum(to, icmp, ICMP_BYTES + quoted, pseudo));
    commit(packet, start, ip, IPV6_BYTES + ICMP_BYTES + quoted);
    return true;
  }

  private static int checksum(MemorySegment segment, long at, int bytes, long pseudoHeader) {
    return InternetChecksum.checksum(InternetChecksum.sum(segment, at, bytes) + pseudoHeader);
  }

  /** Where a message may be written; -1 if there may be none. */
  private int room(MemorySegment packet, int start, int ip, int bytes) {
    if (ip > 0 && (isGroupFrame(packet, start) || isGroupFrame(packet, start + 6L))) {
      return -1;
    }
    int at = Objects.requireNonNull(answers).room(ip + bytes);
    return at >= 0 && limit.take() ? at : -1;
  }

  private static boolean isGroupFrame(MemorySegment packet, long address) {
    return (Bytes.u8(packet, address) & 1) != 0;
  }

  /** Puts the link's header of the packet before the message, its addresses exchanged. */
  private void commit(MemorySegment packet, int start, int ip, int bytes) {
    PacketBatch to = Objects.requireNonNull(answers);
    int at = to.room(ip + bytes);
    if (ip > 0) {
      MemorySegment.copy(packet, start, to.segment(), at + 6L, 6);
      MemorySegment.copy(packet, start + 6L, to.segment(), at, 6);
      MemorySegment.copy(packet, start + 12L, to.segment(), at + 12L, ip - 12);
    }
    to.commit(ip + bytes);
  }

  /** Not this network, not loopback, no group, not reserved, not broadcast. */
  private static boolean isHost4(int address) {
    int first = address >>> 24;
    return first != 0 && first != 127 && first < 224;
  }

  private static boolean isError4(int type) {
    return switch (type) {
      // Unreachable, source quench, redirect, time exceeded, parameter problem.
      case 3, 4, 5, 11, 12 -> true;
      default -> false;
    };
  }

  private static boolean isHost6(long high, long low) {
    return high >>> 56 != 0xFF && (high | low) != 0 && !isLoopback6(high, low);
  }

  private static boolean isLoopback6(long high, long low) {
    return high == 0 && low == 1;
  }

  /** Whether it is an ICMPv6 error or redirect, or cannot be seen not to be one. */
  private static boolean isError6(MemorySegment packet, long header, int bytes) {
    int type = Bytes.u8(packet, header + 6);
    int at = IPV6_BYTES;
    for (int i = 0; i <= EXTENSIONS_MAX; i++) {
      int extension;
      switch (type) {
        case IpProtocols.ICMPV6 -> {
          return bytes <= at || isError6(Bytes.u8(packet, header + at));
        }
        case IpProtocols.HOP_BY_HOP, IpProtocols.ROUTING, IpProtocols.DESTINATION_OPTIONS ->
            extension =
                bytes - at < EXTENSION_BYTES_MIN ? -1 : 8 * (1 + Bytes.u8(packet, header + at + 1));
        case IpProtocols.AUTHENTICATION ->
            extension =
                bytes - at < EXTENSION_BYTES_MIN ? -1 : 4 * (2 + Bytes.u8(packet, header + at + 1));
        case IpProtocols.FRAGMENT -> {
          if (bytes - at < EXTENSION_BYTES_MIN) {
            return true;
          }
          if (Bytes.u16(packet, header + at + 2) >>> 3 != 0) {
            // Errors fit the smallest MTU, so that no part of one is too big.
            return false;
          }
          extension = EXTENSION_BYTES_MIN;
        }
        default -> {
          return false;
        }
      }
      if (extension < 0 || bytes - at < extension) {
        return true;
      }
      type = Bytes.u8(packet, header + at);
      at += extension;
    }
    return true;
  }

  private static boolean isError6(int type) {
    return type < 128 || type == REDIRECT6;
  }
}
