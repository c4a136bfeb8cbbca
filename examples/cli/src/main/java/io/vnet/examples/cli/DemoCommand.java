package io.vnet.examples.cli;

import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceId;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortCounters;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Shows packets flowing through two devices, and one of them destroyed while they do. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Move packets through two tap devices and destroy one by force while they flow.",
      "Shows in which order that goes, and that nothing is lost or left behind. Ctrl-C ends the flow"
          + " early."
    })
final class DemoCommand implements Callable<Integer> {
  private static final long FRAME_MILLIS = 250;

  @Spec private CommandSpec spec;

  @ParentCommand private VnetCommand parent;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      defaultValue = "5",
      description = "How long packets flow, 1 to 3600 (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @ArgGroup private @Nullable Where where;

  /** Which devices; neither: the host's if they can be had. */
  static final class Where {
    @Option(names = "--memory", required = true, description = "In-memory devices; no privilege.")
    private boolean memory;

    @Option(
        names = "--host",
        required = true,
        description = "Devices of the kernel, in network namespaces made for them; root.")
    private boolean host;
  }

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  DemoCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (seconds < 1 || seconds > 3600) {
      throw new ParameterException(
          spec.commandLine(), "--seconds " + seconds + " is not within 1..3600");
    }
    parent.termination().arm();
    PrintWriter out = spec.commandLine().getOut();
    boolean onHost = chooseHost(out);
    if (onHost) {
      HostScene.warmUpSockets();
    }
    Map<String, Integer> before = Descriptors.count();
    boolean sound;
    try (VnetHost host = VnetHost.start()) {
      sound = run(host, onHost, out);
      HostStatistics left = host.terminate().toCompletableFuture().join();
      sound &= showLeft(left, out);
    }
    Map<String, Integer> after = Descriptors.count();
    out.printf("descriptors  before %s, after %s%n", before, after);
    sound &= before.equals(after);
    out.println(sound ? "ok: every packet accounted for, nothing left" : "NOT OK: see above");
    out.flush();
    return sound ? 0 : 1;
  }

  private boolean chooseHost(PrintWriter out) {
    if (where != null && where.memory) {
      out.println("devices: in memory, as asked");
      return false;
    }
    Optional<VnetException> obstacle = VnetHost.hostObstacle();
    if (obstacle.isEmpty()) {
      out.println("devices: the kernel's, in two network namespaces of our own");
      return true;
    }
    if (where != null && where.host) {
      throw obstacle.get();
    }
    out.println("devices: in memory, because: " + obstacle.get().getMessage());
    return false;
  }

  private boolean run(VnetHost host, boolean onHost, PrintWriter out)
      throws IOException, InterruptedException {
    List<DeviceEvent> events = new CopyOnWriteArrayList<>();
    try (DemoScene scene =
        onHost ? new HostScene(host, System::nanoTime) : new MemoryScene(host, System::nanoTime)) {
      out.println(scene.description());
      out.println();
      flow(scene, out);
      DeviceId victim = scene.victim().id();
      CompletableFuture<Boolean> told = new CompletableFuture<>();
      try (PacketPort.Registration _ =
          host.onEvent(event -> {
            if (event.device().equals(victim)) {
              events.add(event);
              if (event.kind() == DeviceEvent.Kind.UNIT_FREED) {
                told.complete(true);
              }
            }
          })) {
        scene.victim().destroy();
        told.join();
      }
      scene.wind();
      showEvents(victim, events, out);
      return showAccounts(scene.accounts(), out);
    }
  }

  private void flow(DemoScene scene, PrintWriter out) throws InterruptedException {
    LiveTable table = new LiveTable(out);
    long began = System.nanoTime();
    long end = began + Duration.ofSeconds(seconds).toNanos();
    List<PortCounters> last = counters(scene);
    long lastNanos = began;
    List<PortCounters> first = last;
    Histogram all = new Histogram(3);
    while (System.nanoTime() < end && !parent.termination().await(FRAME_MILLIS)) {
      long now = System.nanoTime();
      List<PortCounters> next = counters(scene);
      Histogram recent = scene.roundTrips();
      all.add(recent);
      table.draw(table(scene, last, next, now - lastNanos, recent));
      last = next;
      lastNanos = now;
    }
    table.last(table(scene, first, counters(scene), System.nanoTime() - began, all));
  }

  private static List<PortCounters> counters(DemoScene scene) {
    return scene.ports().stream().map(PacketPort::counters).toList();
  }

  private static String table(
      DemoScene scene,
      List<PortCounters> last,
      List<PortCounters> next,
      long nanos,
      Histogram roundTrips) {
    TextTable table =
        new TextTable("device", "received", "sent", "packets/s", "Mbit/s", "dropped", "reasons");
    for (int i = 0; i < next.size(); i++) {
      PortCounters then = last.get(i);
      PortCounters now = next.get(i);
      long packets =
          now.receivedPackets() + now.sentPackets() - then.receivedPackets() - then.sentPackets();
      long bytes = now.receivedBytes() + now.sentBytes() - then.receivedBytes() - then.sentBytes();
      table.row(
          scene.ports().get(i).name(),
          Long.toString(now.receivedPackets()),
          Long.toString(now.sentPackets()),
          Long.toString(Math.round(packets * 1e9 / nanos)),
          String.format(Locale.ROOT, "%.0f", bytes * 8e3 / nanos),
          Long.toString(now.dropped()),
          now.drops().isEmpty() ? "-" : now.drops().toString());
    }
    return table.render()
        + (roundTrips.getTotalCount() == 0
            ? "no round trip yet"
            : String.format(
                Locale.ROOT,
                "round trip p50 %.0f us, p99 %.0f us, %d measured",
                roundTrips.getValueAtPercentile(50) / 1e3,
                roundTrips.getValueAtPercentile(99) / 1e3,
                roundTrips.getTotalCount()))
        + (scene.tcpBytes().isEmpty()
            ? ""
            : ", " + scene.tcpBytes().getAsLong() + " bytes over TCP")
        + System.lineSeparator();
  }

  private static void showEvents(DeviceId victim, List<DeviceEvent> events, PrintWriter out) {
    out.println();
    out.println(victim + " destroyed by force while packets flowed:");
    TextTable table = new TextTable("us", "step", "");
    for (DeviceEvent event : events) {
      table.row(
          Long.toString((event.nanos() - events.getFirst().nanos()) / 1000),
          event.kind().toString().toLowerCase(Locale.ROOT).replace('_', ' '),
          event.detail());
    }
    out.print(table.render());
    out.println();
  }

  private static boolean showAccounts(List<DemoScene.Account> accounts, PrintWriter out) {
    TextTable table = new TextTable("place", "in", "out", "dropped, counted", "missing");
    List<Boolean> balanced = new ArrayList<>();
    for (DemoScene.Account account : accounts) {
      balanced.add(account.balanced());
      table.row(
          account.place(),
          Long.toString(account.in()),
          Long.toString(account.out()),
          Long.toString(account.dropped()),
          Long.toString(account.in() - account.out() - account.dropped()));
    }
    out.print(table.render());
    out.println();
    return !balanced.contains(false);
  }

  private static boolean showLeft(HostStatistics left, PrintWriter out) {
    out.printf(
        "left behind  %d devices, %d epoch readers, %d batches (%d leaked), %d rings, %d bytes%n",
        left.devices(),
        left.epochReaders(),
        left.batchesLent(),
        left.batchesLeaked(),
        left.ringsLent(),
        left.mappedBytes());
    return left.holdsNothing();
  }
}
