package io.vnet.examples.cli;

import akka.Done;
import akka.stream.javadsl.Keep;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import io.vnet.tunnel.MemoryDatagrams;
import io.vnet.tunnel.WireGuardTunnel;
import io.vnet.tunnel.key.KeyPair;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.HdrHistogram.Histogram;

/**
 * Two in-memory tun devices, joined by an encrypted tunnel over datagrams in memory; a station
 * pings through it, a responder answers.
 *
 * <pre>
 *   station == tun0/network -- tun0 == tunnel ~ datagrams ~ tunnel == tun1 -- tun1/network == responder
 * </pre>
 */
final class MemoryScene implements DemoScene {
  /** Drops of packets that the other side had sent: they never came out here. */
  private static final Set<DropReason> BEFORE_RECEIVE =
      Set.of(DropReason.FLUSHED_AT_CLOSE, DropReason.DEVICE_DESTROYED);

  private static final int WINDOW = 64;
  private static final int MTU = 1420;
  private static final int PORT = 51820;
  private static final IpAddress STATION = IpAddress.parse("10.77.0.1");
  private static final IpAddress RESPONDER = IpAddress.parse("10.77.0.2");
  private static final IpAddress STATION_SIDE = IpAddress.parse("192.0.2.1");
  private static final IpAddress RESPONDER_SIDE = IpAddress.parse("192.0.2.2");

  private final Device first;
  private final Device second;
  private final DeviceHandle firstHandle;
  private final DeviceHandle secondHandle;
  private final NetworkEnd stationEnd;
  private final NetworkEnd responderEnd;
  private final WireGuardTunnel firstTunnel;
  private final WireGuardTunnel secondTunnel;
  private final EchoStation station;
  private final List<CompletionStage<Done>> streams = new ArrayList<>();

  MemoryScene(VnetHost host, LongSupplier nanoClock) {
    first = host.create(DeviceSpec.of("tun").withMtu(MTU));
    second = host.create(DeviceSpec.of("tun").withMtu(MTU));
    firstHandle = first.open();
    secondHandle = second.open();
    stationEnd = first.networkEnd();
    responderEnd = second.networkEnd();
    MemoryDatagrams network = MemoryDatagrams.patient();
    KeyPair stationKeys = KeyPair.generate();
    KeyPair responderKeys = KeyPair.generate();
    firstTunnel = WireGuardTunnel.start(host, "tun0", firstHandle, network.at(STATION_SIDE));
    secondTunnel = WireGuardTunnel.start(host, "tun1", secondHandle, network.at(RESPONDER_SIDE));
    bringUp(secondTunnel, responderKeys, stationKeys, STATION, STATION_SIDE);
    bringUp(firstTunnel, stationKeys, responderKeys, RESPONDER, RESPONDER_SIDE);
    EchoResponder responder = new EchoResponder(responderEnd, RESPONDER);
    loop(host.streams(responderEnd), responder::answer);
    station = new EchoStation(stationEnd, STATION, RESPONDER, WINDOW, nanoClock);
    PacketBatch questions = host.batches().acquire();
    try {
      station.begin(questions);
      stationEnd.send(questions, 0);
    } finally {
      questions.release();
    }
    loop(host.streams(stationEnd), station::next);
  }

  private static void bringUp(
      WireGuardTunnel tunnel, KeyPair own, KeyPair peer, IpAddress behind, IpAddress at) {
    TunnelChange change =
        TunnelChange.NONE
            .withPrivateKey(own.privateKey())
            .withListenPort(PORT)
            .withPeers(
                List.of(
                    PeerChange.of(peer.publicKey())
                        .withEndpoint(Endpoint.of(at, PORT))
                        .withAllowedIps(List.of(new IpPrefix(behind, behind.bits())))));
    tunnel.change(change).thenCompose(_ -> tunnel.up()).toCompletableFuture().join();
  }

  private void loop(PacketStreams port, UnaryOperator<PacketBatch> program) {
    streams.add(port.run(port.batches().map(program::apply).toMat(port.batchSink(), Keep.right())));
  }

  @Override
  public String description() {
    return "station "
        + STATION
        + " == tun0 == encrypted tunnel == tun1 == responder "
        + RESPONDER
        + ", "
        + WINDOW
        + " pings of 1000 bytes on the way";
  }

  @Override
  public List<PacketPort> ports() {
    return List.of(firstHandle, secondHandle);
  }

  @Override
  public Histogram roundTrips() {
    return station.roundTrips().getIntervalHistogram();
  }

  @Override
  public OptionalLong tcpBytes() {
    return OptionalLong.empty();
  }

  @Override
  public Device victim() {
    return second;
  }

  /** A tunnel whose device is gone ends by itself. */
  @Override
  public void wind() {
    first.destroy();
    firstTunnel.ended().toCompletableFuture().join();
    secondTunnel.ended().toCompletableFuture().join();
    for (CompletionStage<Done> stream : streams) {
      try {
        stream.toCompletableFuture().join();
      } catch (CompletionException e) {
        // A stream over a destroyed device ends with that device's error, which is what is shown
        // here.
        if (!(Failures.cause(e) instanceof VnetException)) {
          throw e;
        }
      }
    }
  }

  @Override
  public List<Account> accounts() {
    return List.of(
        wire("station -> tun0", stationEnd, firstHandle),
        wire("tun1 -> responder", secondHandle, responderEnd),
        responder(),
        wire("responder -> tun1", responderEnd, secondHandle),
        wire("tun0 -> station", firstHandle, stationEnd),
        tunnel());
  }

  /** A device's ring: what one end sent and the other received. */
  private static Account wire(String place, PacketPort from, PacketPort to) {
    return new Account(
        place,
        from.counters().sentPackets(),
        to.counters().receivedPackets(),
        beforeReceive(to.counters()));
  }

  private static long beforeReceive(PortCounters counters) {
    return BEFORE_RECEIVE.stream().mapToLong(counters::dropped).sum();
  }

  /** What came out of the tunnel and what was sent back into it. */
  private Account responder() {
    PortCounters counters = responderEnd.counters();
    return new Account(
        "responder",
        counters.receivedPackets(),
        counters.sentPackets(),
        counters.dropped() - beforeReceive(counters));
  }

  /** Both directions: where a datagram was lost does not say which way it went. */
  private Account tunnel() {
    long in = firstHandle.counters().receivedPackets() + secondHandle.counters().receivedPackets();
    long out = firstHandle.counters().sentPackets() + secondHandle.counters().sentPackets();
    long dropped = 0;
    for (WireGuardTunnel tunnel : List.of(firstTunnel, secondTunnel)) {
      dropped +=
          tunnel.dropped().toCompletableFuture().join().values().stream()
              .mapToLong(Long::longValue)
              .sum();
    }
    // A device's own, which were never in the tunnel, are counted at it, too.
    dropped -= beforeReceive(firstHandle.counters()) + beforeReceive(secondHandle.counters());
    return new Account("tunnel, both ways", in, out, dropped);
  }

  @Override
  public void close() {
    stationEnd.close();
    responderEnd.close();
    firstTunnel.close();
    secondTunnel.close();
  }
}
