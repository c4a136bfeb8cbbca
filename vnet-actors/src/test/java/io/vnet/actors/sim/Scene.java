package io.vnet.actors.sim;

import akka.actor.typed.ActorRef;
import io.vnet.actors.core.ReplyTo;
import io.vnet.actors.device.DriverActor;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.Node;
import io.vnet.actors.device.VnetActor;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DriverKind;
import io.vnet.api.packet.PacketBatch;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * One host and who runs when: nothing happens but by {@link #rest} and {@link #stepOf}.
 *
 * <p>The lanes of the host: {@code vnet-0/tun0-1} (a softc), {@code driver-tun}, {@code
 * driver-tun/node-0} (a node), {@code vnet-0} and the next ones, {@code grace-period}, {@code
 * deferred-destroy}, and {@code blocking of} a softc's.
 */
public final class Scene {
  static final Order NOTHING_HELD = new Held(List.of());

  private static final int ADVANCES = 20;
  private static final int GUARD_SECONDS = 10;

  private final World world;
  private final Simulator simulator;

  Scene(World world, Simulator simulator) {
    this.world = world;
    this.simulator = simulator;
  }

  /** A step of a lane, to come. */
  public void submit(String lane, Runnable step) {
    simulator.submit(lane, step);
  }

  /** Runs the next step of a lane, and nothing else. */
  public void stepOf(String lane) {
    simulator.step(lane);
  }

  /** From now on the lanes with this prefix do not run. */
  public void hold(String prefix) {
    simulator.change(new Held(List.of(prefix)));
  }

  /** From now on all lanes run. */
  public void releaseAll() {
    simulator.change(NOTHING_HELD);
  }

  /** From now on lanes run in an order that a seed gives. */
  public void shuffle(long seed) {
    simulator.change(new Chooser(seed));
  }

  /** Runs all that may run; answers may be owed then. */
  public void rest() {
    simulator.quiesce();
    for (int i = 0; i < ADVANCES && simulator.advance(); i++) {
      simulator.quiesce();
    }
    awaitFutures();
  }

  /** Runs all that may run, or so many steps of it, while the running step is inside a call. */
  public void meanwhile(int steps) {
    simulator.meanwhile(steps);
  }

  /** Runs something inside the next call on a host backend. */
  public void insideNextCallOf(DeviceId device, Runnable what) {
    world.network().find(device.toString()).orElseThrow().meanwhile(what);
  }

  /** Handles tell their users of a carried-out close from the common pool. */
  private static void awaitFutures() {
    if (!ForkJoinPool.commonPool().awaitQuiescence(GUARD_SECONDS, TimeUnit.SECONDS)) {
      throw new AssertionError("the common pool is not at rest");
    }
  }

  /** Sends a request; the answer is a step of the lane. Everybody must be answered in the end. */
  public <T> void request(
      String lane, String what, Consumer<ReplyTo<T>> send, Consumer<T> then, Runnable atShutdown) {
    world.request(lane, what, false, send, then, atShutdown);
  }

  /** Tells a vnet something; false if there is none. */
  public boolean tellVnet(String name, VnetActor.Command command) {
    return world.tellVnet(name, command);
  }

  /** Makes a vnet. */
  public void createVnet(String name) {
    this.<HostActor.VnetReply>request(
        "setting",
        "vnet " + name,
        reply -> world.tellRoot(new HostActor.CreateVnet(name, reply)),
        _ -> {},
        () -> {});
    rest();
  }

  /** The driver's actor. */
  public ActorRef<DriverActor.Command> driver(DriverKind kind) {
    return world.driver(kind);
  }

  /** The node that has a name now. */
  public Optional<Node> find(String name) {
    return world.find(name);
  }

  /** A number for a request. */
  public long nextNumber() {
    return world.nextNumber();
  }

  /** The one batch there is; it holds one packet. */
  public PacketBatch batch() {
    PacketBatch batch = world.batch();
    batch.clear();
    return batch;
  }

  /**
   * Enters an epoch section to load a device's pointer: until the exit its softc must run.
   *
   * @return leaves it
   */
  public Runnable section(String who, DeviceId device) {
    Section section = world.section(who);
    section.holds(device);
    return section::exit;
  }

  /** Begins to end the host. */
  public void terminate(String lane) {
    world.terminate(lane);
  }

  /** Whether the host has ended, to its users. */
  public boolean hasEnded() {
    return world.hasEnded();
  }

  void end() {
    releaseAll();
    world.rest(false);
    world.terminate("the end");
    world.rest(true);
    world.checkEnd();
  }
}
