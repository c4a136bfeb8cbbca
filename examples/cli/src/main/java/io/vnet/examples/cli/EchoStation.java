package io.vnet.examples.cli;

import io.vnet.api.address.IpAddress;
import io.vnet.api.header.HeaderStatus;
import io.vnet.api.header.IcmpView;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import java.lang.foreign.ValueLayout;
import java.util.function.LongSupplier;
import org.HdrHistogram.Recorder;

/**
 * A host of one IPv4 address that pings another with a fixed number of requests on the way: each
 * reply becomes the next request, in place. One thread; the round-trip times may be read by
 * another.
 */
final class EchoStation {
  private static final int ECHO_BYTES = 1000;
  private static final int IDENTIFIER = 0x7677;
  private static final int PACKET_BYTES =
      Ipv4View.HEADER_BYTES + IcmpView.HEADER_BYTES + ECHO_BYTES;

  private final PacketPort port;
  private final int address;
  private final int peer;
  private final int window;
  private final LongSupplier nanoClock;
  private final Recorder roundTrips = new Recorder(3);
  private final Ipv4View ip = new Ipv4View();
  private final IcmpView icmp = new IcmpView();
  private int sequence;

  /**
   * @param window requests on the way at a time
   */
  EchoStation(
      PacketPort port, IpAddress address, IpAddress peer, int window, LongSupplier nanoClock) {
    this.port = port;
    this.address = address.toV4Bits();
    this.peer = peer.toV4Bits();
    this.window = window;
    this.nanoClock = nanoClock;
  }

  /** Round-trip times in nanoseconds. */
  Recorder roundTrips() {
    return roundTrips;
  }

  /** Appends the requests that start it all, as far as there is room. */
  void begin(PacketBatch batch) {
    for (int i = 0; i < window && batch.room(PACKET_BYTES) >= 0; i++) {
      appendRequest(batch);
    }
  }

  private void appendRequest(PacketBatch batch) {
    int at = batch.room(PACKET_BYTES);
    ip.build(
        batch.segment(),
        at,
        PACKET_BYTES,
        IpProtocols.ICMP,
        address,
        peer,
        IcmpView.HEADER_BYTES + ECHO_BYTES);
    long payload = ip.payloadOffset() + IcmpView.HEADER_BYTES;
    batch.segment().asSlice(payload, ECHO_BYTES).fill((byte) 0x5A);
    batch.segment().set(ValueLayout.JAVA_LONG_UNALIGNED, payload, nanoClock.getAsLong());
    icmp.buildEcho(
        batch.segment(),
        ip.payloadOffset(),
        ip.payloadLength(),
        IcmpView.ECHO_REQUEST,
        IDENTIFIER,
        sequence++);
    batch.commit(PACKET_BYTES);
  }

  /** Turns replies into the next requests; the batch stays the caller's. */
  PacketBatch next(PacketBatch batch) {
    int dropped = batch.keepIf(i -> repeat(batch, i));
    if (dropped > 0) {
      port.countDrop(DropReason.FILTERED, dropped);
    }
    return batch;
  }

  private boolean repeat(PacketBatch batch, int i) {
    if (ip.wrap(batch.segment(), batch.offset(i), batch.length(i)) != HeaderStatus.OK
        || icmp.wrap(batch.segment(), ip.payloadOffset(), ip.payloadLength()) != HeaderStatus.OK
        || icmp.type() != IcmpView.ECHO_REPLY
        || icmp.identifier() != IDENTIFIER
        || !icmp.checksumIsRight(0)) {
      return false;
    }
    long now = nanoClock.getAsLong();
    long sent = batch.segment().get(ValueLayout.JAVA_LONG_UNALIGNED, icmp.payloadOffset());
    roundTrips.recordValue(Math.max(1, now - sent));
    batch.segment().set(ValueLayout.JAVA_LONG_UNALIGNED, icmp.payloadOffset(), now);
    ip.swapAddresses();
    icmp.buildEcho(
        batch.segment(),
        ip.payloadOffset(),
        ip.payloadLength(),
        IcmpView.ECHO_REQUEST,
        IDENTIFIER,
        sequence++);
    return true;
  }
}
