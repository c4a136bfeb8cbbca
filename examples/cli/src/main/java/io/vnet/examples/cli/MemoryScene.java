package io.vnet.examples.cli;

import akka.Done;
import akka.stream.javadsl.Keep;
import io.vnet.actors.VnetHost;
import io.vnet.actors.stream.PacketStreams;
import io.vnet.api.address.IpAddress;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
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
 * Two in-memory tap devices, joined by two streams; a station pings through them, a responder
 * answers.
 *
 * <pre>
 *   station == tap0/network -- tap0 == stream == tap1 -- tap1/network == responder
 * </pre>
 */
final class MemoryScene implements DemoScene {
  /** Drops of packets that the other side had sent: they never came out here. */
  private static final Set<DropReason> BEFORE_RECEIVE =
      Set.of(DropReason.FLUSHED_AT_CLOSE, DropReason.DEVICE_DESTROYED);

  private static final int WINDOW = 64;
  private static final IpAddress STATION = IpAddress.parse("10.77.0.1");
  private static final IpAddress RESPONDER = IpAddress.parse("10.77.0.2");

  private final Device first;
  private final Device second;
  private final DeviceHandle firstHandle;
  private final DeviceHandle secondHandle;
  private final NetworkEnd stationEnd;
  private final NetworkEnd responderEnd;
  private final EchoStation station;
  private final List<CompletionStage<Done>> streams = new ArrayList<>();

  MemoryScene(VnetHost host, LongSupplier nanoClock) {
    first = host.create(DeviceSpec.of("tap"));
    second = host.create(DeviceSpec.of("tap"));
    firstHandle = first.open();
    secondHandle = second.open();
    stationEnd = first.networkEnd();
    responderEnd = second.networkEnd();
    PacketStreams firstStreams = host.streams(firstHandle);
    PacketStreams secondStreams = host.streams(secondHandle);
    join(firstStreams, secondStreams);
    join(secondStreams, firstStreams);
    EchoResponder responder =
        new EchoResponder(responderEnd, MacAddress.derivedFrom("responder"), RESPONDER);
    loop(host.streams(responderEnd), responder::answer);
    station =
        new EchoStation(
            stationEnd, MacAddress.derivedFrom("station"), STATION, RESPONDER, WINDOW, nanoClock);
    PacketBatch question = host.batches().acquire();
    try {
      station.ask(question);
      stationEnd.send(question, 0);
    } finally {
      question.release();
    }
    loop(host.streams(stationEnd), station::next);
  }

  private void join(PacketStreams from, PacketStreams to) {
    streams.add(from.run(from.batches().toMat(to.batchSink(), Keep.right())));
  }

  private void loop(PacketStreams port, UnaryOperator<PacketBatch> program) {
    streams.add(port.run(port.batches().map(program::apply).toMat(port.batchSink(), Keep.right())));
  }

  @Override
  public String description() {
    return "station "
        + STATION
        + " == tap0 == batch streams == tap1 == responder "
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

  @Override
  public void wind() {
    first.destroy();
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
        wire("station -> tap0", stationEnd, firstHandle),
        program("tap0 -> tap1 stream", firstHandle, secondHandle),
        wire("tap1 -> responder", secondHandle, responderEnd),
        program("responder", responderEnd, responderEnd),
        wire("responder -> tap1", responderEnd, secondHandle),
        program("tap1 -> tap0 stream", secondHandle, firstHandle),
        wire("tap0 -> station", firstHandle, stationEnd));
  }

  /** A device's ring: what one end sent and the other received. */
  private static Account wire(String place, PacketPort from, PacketPort to) {
    PortCounters received = to.counters();
    return new Account(
        place,
        from.counters().sentPackets(),
        received.receivedPackets(),
        BEFORE_RECEIVE.stream().mapToLong(received::dropped).sum());
  }

  /** A stream: what one port received and the other sent. */
  private static Account program(String place, PacketPort from, PacketPort to) {
    PortCounters sent = to.counters();
    return new Account(
        place,
        from.counters().receivedPackets(),
        sent.sentPackets(),
        sent.dropped() - BEFORE_RECEIVE.stream().mapToLong(sent::dropped).sum());
  }

  @Override
  public void close() {
    stationEnd.close();
    responderEnd.close();
    firstHandle.close();
    secondHandle.close();
  }
}
