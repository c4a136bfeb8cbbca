package io.vnet.examples.cli;

import io.vnet.api.address.IpAddress;
import io.vnet.api.header.HeaderStatus;
import io.vnet.api.header.IcmpView;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;

/**
 * A host of one IPv4 address that answers pings in place: each request becomes its answer, what
 * else comes is dropped and counted on its port as {@code FILTERED}. One thread.
 */
final class EchoResponder {
  private final PacketPort port;
  private final int address;
  private final Ipv4View ip = new Ipv4View();
  private final IcmpView icmp = new IcmpView();

  EchoResponder(PacketPort port, IpAddress address) {
    this.port = port;
    this.address = address.toV4Bits();
  }

  /** Turns requests into answers; the batch stays the caller's. */
  PacketBatch answer(PacketBatch batch) {
    int dropped = batch.keepIf(i -> answer(batch, i));
    if (dropped > 0) {
      port.countDrop(DropReason.FILTERED, dropped);
    }
    return batch;
  }

  private boolean answer(PacketBatch batch, int i) {
    if (ip.wrap(batch.segment(), batch.offset(i), batch.length(i)) != HeaderStatus.OK
        || ip.destinationBits() != address
        || ip.protocol() != IpProtocols.ICMP
        || ip.isFragment()
        || icmp.wrap(batch.segment(), ip.payloadOffset(), ip.payloadLength()) != HeaderStatus.OK
        || icmp.type() != IcmpView.ECHO_REQUEST
        || !icmp.checksumIsRight(0)) {
      return false;
    }
    icmp.setType(IcmpView.ECHO_REPLY);
    ip.swapAddresses();
    return true;
  }
}
