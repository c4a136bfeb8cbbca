package io.vnet.api.mtu;

import io.vnet.api.header.EtherTypes;
import io.vnet.api.header.EthernetView;
import io.vnet.api.header.HeaderStatus;
import io.vnet.api.header.InternetChecksum;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.header.Ipv6View;
import io.vnet.api.header.TcpView;
import io.vnet.api.offload.Offload;
import io.vnet.api.packet.Layer;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.wire.Bytes;
import java.lang.foreign.MemorySegment;

/**
 * Lowers the maximum segment size that TCP's two sides tell each other, in SYN and SYN-ACK, to what
 * fits an MTU: then they send no longer packets, whatever happens to messages about such.
 *
 * <p>The option is lowered, never raised and never added: who sends none takes 536 bytes over IPv4
 * and 1220 over IPv6 (RFC 9293, section 3.7.1). The checksum is corrected by the difference (RFC
 * 1624), so that a wrong one stays wrong; one that is left to offload is not touched.
 *
 * <p>Left as they are: packets that are no TCP, or not the beginning of a connection; fragments
 * other than the first, as they have no header; a first fragment or a packet that ends within its
 * TCP header; options behind one with an impossible length; what an authentication header covers;
 * what is malformed. IPv6 extension headers are followed.
 *
 * <p><b>Owner:</b> one thread. <b>Cost</b> of a packet: its headers read; no copy, no allocation.
 *
 * <p>Source: RFC 9293, section 3.2; RFC 6691.
 */
public final class MssClamp {
  /** The smallest MTU: what IPv4 asks of every link (RFC 791). */
  public static final int MTU_MIN = 68;

  private static final int MTU_MAX = 65_535;
  private static final int CHECKSUM = 16;
  private static final int OPTION_END = 0;
  private static final int OPTION_NOP = 1;
  private static final int OPTION_MSS = 2;
  private static final int OPTION_MSS_BYTES = 4;

  private final Layer layer;
  private final int mss4;
  private final int mss6;
  private final EthernetView ethernet = new EthernetView();
  private final Ipv4View ipv4 = new Ipv4View();
  private final Ipv6View ipv6 = new Ipv6View();
  private final TcpView tcp = new TcpView();

  /**
   * @param layer what the packets are
   * @param mtu the path's, in bytes of an IP packet, {@value #MTU_MIN} to 65,535
   */
  public MssClamp(Layer layer, int mtu) {
    checkMtu(mtu);
    this.layer = layer;
    mss4 = mtu - Ipv4View.HEADER_BYTES - TcpView.HEADER_BYTES;
    mss6 = Math.max(0, mtu - Ipv6View.HEADER_BYTES - TcpView.HEADER_BYTES);
  }

  /**
   * Checks an MTU before it is used.
   *
   * @throws IllegalArgumentException if it is none of {@value #MTU_MIN} to 65,535
   */
  public static void checkMtu(int mtu) {
    if (mtu < MTU_MIN || mtu > MTU_MAX) {
      throw new IllegalArgumentException("mtu=" + mtu);
    }
  }

  /**
   * Clamps all packets of a batch, in place.
   *
   * @return how many were changed
   */
  public int clamp(PacketBatch batch) {
    int changed = 0;
    for (int i = 0; i < batch.count(); i++) {
      if (clamp(batch.segment(), batch.offset(i), batch.length(i), batch.offload(i))) {
        changed++;
      }
    }
    return changed;
  }

  /** The same for one packet anywhere, with its offload word; whether it was changed. */
  public boolean clamp(MemorySegment packet, long offset, int length, long word) {
    int ip = 0;
    if (layer == Layer.L2) {
      if (ethernet.wrap(packet, offset, length) != HeaderStatus.OK
          || (ethernet.type() != EtherTypes.IPV4 && ethernet.type() != EtherTypes.IPV6)) {
        return false;
      }
      ip = (int) (ethernet.payloadOffset() - offset);
    }
    if (Offload.isSegmented(word) || length == ip) {
      return false;
    }
    int mss = wrapTcp(packet, offset + ip, length - ip);
    if (mss < 0 || (tcp.flags() & (TcpView.SYN | TcpView.RST)) != TcpView.SYN) {
      return false;
    }
    long start = tcp.payloadOffset() - tcp.headerBytes();
    boolean checksum = !Offload.needsChecksum(word) || Offload.csumStart(word) != start - offset;
    return clampOptions(packet, start, tcp.headerBytes(), mss, checksum);
  }

  /** Points the view at the TCP header; the clamp for its IP version, or -1 if there is none. */
  private int wrapTcp(MemorySegment packet, long ip, int length) {
    if (Bytes.u8(packet, ip) >> 4 == 4) {
      return ipv4.wrap(packet, ip, length) == HeaderStatus.OK
              && ipv4.protocol() == IpProtocols.TCP
              && ipv4.fragmentOffset() == 0
              && tcp.wrap(packet, ipv4.payloadOffset(), ipv4.payloadLength()) == HeaderStatus.OK
          ? mss4
          : -1;
    }
    return ipv6.wrap(packet, ip, length) == HeaderStatus.OK
            && ipv6.protocol() == IpProtocols.TCP
            && ipv6.fragmentOffset() == 0
            && !ipv6.isAuthenticated()
            && tcp.wrap(packet, ipv6.payloadOffset(), ipv6.payloadLength()) == HeaderStatus.OK
        ? mss6
        : -1;
  }

  private static boolean clampOptions(
      MemorySegment packet, long tcp, int headerBytes, int mss, boolean checksum) {
    boolean changed = false;
    int at = TcpView.HEADER_BYTES;
    while (at < headerBytes) {
      int kind = Bytes.u8(packet, tcp + at);
      if (kind == OPTION_NOP) {
        at++;
        continue;
      }
      if (kind == OPTION_END || at + 1 == headerBytes) {
        break;
      }
      int bytes = Bytes.u8(packet, tcp + at + 1);
      if (bytes < 2 || at + bytes > headerBytes) {
        break;
      }
      // Of several, receivers take the last one or the first: all are lowered.
      if (kind == OPTION_MSS && bytes == OPTION_MSS_BYTES) {
        changed |= lower(packet, tcp, at + 2, mss, checksum);
      }
      at += bytes;
    }
    return changed;
  }

  private static boolean lower(
      MemorySegment packet, long tcp, int field, int mss, boolean checksum) {
    int before = Bytes.u16(packet, tcp + field);
    if (before <= mss) {
      return false;
    }
    Bytes.put16(packet, tcp + field, mss);
    if (checksum) {
      // At an odd offset the field's bytes count the other way round in the sum.
      boolean odd = (field & 1) != 0;
      int sum = Bytes.u16(packet, tcp + CHECKSUM);
      Bytes.put16(
          packet,
          tcp + CHECKSUM,
          InternetChecksum.update(sum, odd ? swapped(before) : before, odd ? swapped(mss) : mss));
    }
    return true;
  }

  private static int swapped(int value) {
    return (value & 0xFF) << 8 | value >>> 8;
  }
}
