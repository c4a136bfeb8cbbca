package io.vnet.examples.cli;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.MacAddress;
import io.vnet.api.header.ArpView;
import io.vnet.api.header.EtherTypes;
import io.vnet.api.header.EthernetView;
import io.vnet.api.header.HeaderStatus;
import io.vnet.api.header.IcmpView;
import io.vnet.api.header.IpProtocols;
import io.vnet.api.header.Ipv4View;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;

/**
 * A host of one address that answers ARP requests and pings, in place: each frame it understands
 * becomes its answer, the others are dropped and counted on its port as {@code FILTERED}. One
 * thread.
 */
final class EchoResponder {
  private final PacketPort port;
  private final long mac;
  private final int address;
  private final EthernetView ethernet = new EthernetView();
  private final ArpView arp = new ArpView();
  private final Ipv4View ip = new Ipv4View();
  private final IcmpView icmp = new IcmpView();

  EchoResponder(PacketPort port, MacAddress mac, IpAddress address) {
    this.port = port;
    this.mac = mac.bits();
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
    if (ethernet.wrap(batch.segment(), batch.offset(i), batch.length(i)) != HeaderStatus.OK) {
      return false;
    }
    boolean answered =
        switch (ethernet.type()) {
          case EtherTypes.ARP -> answerArp(batch);
          case EtherTypes.IPV4 -> ethernet.destinationBits() == mac && answerEcho(batch);
          default -> false;
        };
    if (answered) {
      ethernet.setDestinationBits(ethernet.sourceBits());
      ethernet.setSourceBits(mac);
    }
    return answered;
  }

  private boolean answerArp(PacketBatch batch) {
    if (arp.wrap(batch.segment(), ethernet.payloadOffset(), ethernet.payloadLength())
            != HeaderStatus.OK
        || arp.operation() != ArpView.REQUEST
        || arp.targetIp() != address) {
      return false;
    }
    arp.makeReply(mac);
    return true;
  }

  private boolean answerEcho(PacketBatch batch) {
    if (ip.wrap(batch.segment(), ethernet.payloadOffset(), ethernet.payloadLength())
            != HeaderStatus.OK
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
