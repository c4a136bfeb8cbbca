package io.vnet.actors.race;

import io.vnet.actors.core.ReplyTo;
import io.vnet.actors.device.DriverActor;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.SoftcActor;
import io.vnet.actors.device.VnetActor;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortListener;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** What can be done to a device: what the facade does around the actors, in its steps. */
final class Deeds {
  private static final Deed.Stop NOWHERE = new Deed.Nowhere();
  private static final Deed.Stop BETWEEN_STEPS = new Deed.BetweenSteps();
  private static final Deed.Stop INSIDE_CALL = new Deed.InsideCall();
  private static final String SHUT_DOWN = "ESHUTDOWN";
  private static final int LARGER_MTU = 9000;

  private Deeds() {}

  /** Loads the pointer; tells the softc. */
  static Deed open() {
    return new Deed(
        "open",
        BETWEEN_STEPS,
        (cast, me) ->
            cast.withPointer(
                me,
                softc ->
                    cast.scene()
                        .<SoftcActor.OpenReply>request(
                            me.lane(),
                            "open",
                            reply ->
                                softc
                                    .softc()
                                    .tell(new SoftcActor.Open(cast.scene().nextNumber(), 1, reply)),
                            reply -> {
                              switch (reply) {
                                case SoftcActor.Opened(var handle) -> {
                                  cast.takes(handle);
                                  me.answer("granted");
                                }
                                case SoftcActor.OpenRefused(var cause) -> me.answer(cause);
                              }
                            },
                            () -> me.answer(SHUT_DOWN))));
  }

  /** Another opener. */
  static Deed secondOpen() {
    return new Deed("another open", open().stop(), open().start());
  }

  /** The holder closes. In memory that is one message. */
  static Deed close() {
    return new Deed("close", NOWHERE, Deeds::closeHolder);
  }

  /** The holder of a host device closes: its link goes down in a blocking call. */
  static Deed hostClose() {
    return close().stoppedAt("blocking of", "in the call that takes the link down");
  }

  /** The holder closes a transient device, whose node the deferred queue removes. */
  static Deed transientClose() {
    return new Deed("transient close", NOWHERE, Deeds::closeHolder)
        .stoppedAt("deferred-destroy", "before the deferred queue removes the node");
  }

  private static void closeHolder(Cast cast, Role me) {
    DeviceHandle holder = cast.holder();
    holder.close();
    me.answerWhen(() ->
        holder.closed().toCompletableFuture().isDone() ? Optional.of("closed") : Optional.empty());
  }

  /** Asks the driver, as everybody does; the rest is the softc's. */
  static Deed destroy(DestroyPolicy policy) {
    return new Deed(
            "destroy",
            NOWHERE,
            (cast, me) -> {
              long waiter = cast.waiter();
              destroy(cast, me, policy, waiter);
            })
        .stoppedAt("grace-period", "before the grace period is over");
  }

  /** Another destroyer. */
  static Deed secondDestroy(DestroyPolicy policy) {
    Deed first = destroy(policy);
    return new Deed(
        "another destroy",
        first.stop(),
        (cast, me) -> destroy(cast, me, policy, cast.scene().nextNumber()));
  }

  private static void destroy(Cast cast, Role me, DestroyPolicy policy, long waiter) {
    cast.scene()
        .<DriverActor.DestroyReply>request(
            me.lane(),
            "destroy",
            reply -> cast.tellDriver(new DriverActor.Destroy(cast.device(), policy, waiter, reply)),
            reply -> {
              switch (reply) {
                case DriverActor.Gone _ -> me.answer("gone");
                case DriverActor.NotDestroyed(var cause) -> me.answer(cause);
              }
            },
            () -> me.answer(SHUT_DOWN));
  }

  /** Withdraws the destroy. */
  static Deed signal() {
    return new Deed(
        "signal",
        NOWHERE,
        (cast, me) -> {
          cast.tellDriver(new DriverActor.CancelDestroy(cast.device(), cast.waiter()));
          me.answer("sent");
        });
  }

  /** A destroyer that waits, and then gets a signal. */
  static Deed signalledDestroy() {
    return new Deed(
        "signalled destroy",
        BETWEEN_STEPS,
        (cast, me) -> {
          destroy(cast, me, DestroyPolicy.WAIT, cast.waiter());
          me.step(
              () -> cast.tellDriver(new DriverActor.CancelDestroy(cast.device(), cast.waiter())));
        });
  }

  /** A blocked reader: looks; registers, looks again, and then at each signal. */
  static Deed read() {
    return new Deed(
        "read",
        BETWEEN_STEPS,
        (cast, me) -> {
          if (!attempt(cast, me, cast.holder())) {
            me.step(() -> {
              Runnable retry =
                  () -> {
                    if (me.answer().isEmpty()) {
                      var _ = attempt(cast, me, cast.holder());
                    }
                  };
              var _ = cast.holder().listen(signals(() -> me.step(retry)));
              retry.run();
            });
          }
        });
  }

  private static boolean attempt(Cast cast, Role me, DeviceHandle handle) {
    try {
      if (handle.receive(cast.scene().batch()) == 0) {
        return false;
      }
      me.answer("packet");
    } catch (VnetException e) {
      me.answer(e);
    }
    return true;
  }

  private static PortListener signals(Runnable signal) {
    return new PortListener() {
      @Override
      public void readable() {
        signal.run();
      }

      @Override
      public void writable() {
        signal.run();
      }

      @Override
      public void closed(@Nullable VnetException cause) {
        signal.run();
      }
    };
  }

  /** Receives from a host device, in one call on its backend. */
  static Deed hostRead() {
    return new Deed(
        "read",
        INSIDE_CALL,
        (cast, me) -> {
          try {
            me.answer(cast.holder().receive(cast.scene().batch()) + " packets");
          } catch (VnetException e) {
            me.answer(e);
          }
        });
  }

  /** Sends to a host device, in one call on its backend. */
  static Deed hostWrite() {
    return new Deed("write", INSIDE_CALL, Deeds::writeOne);
  }

  /** Sends to the network. */
  static Deed write() {
    return new Deed("write", NOWHERE, Deeds::writeOne);
  }

  private static void writeOne(Cast cast, Role me) {
    DeviceHandle holder = cast.holder();
    try {
      long dropped = holder.counters().dropped(DropReason.INTERFACE_DOWN);
      int taken = holder.send(cast.packet(), 0);
      if (holder.counters().dropped(DropReason.INTERFACE_DOWN) > dropped) {
        cast.countsDroppedWrite();
        me.answer("dropped, INTERFACE_DOWN");
      } else {
        me.answer(taken + " passed on");
      }
    } catch (VnetException e) {
      me.answer(e);
    }
  }

  /** The network sends to the device. */
  static Deed output() {
    return new Deed(
        "output",
        NOWHERE,
        (cast, me) -> {
          NetworkEnd network = cast.network();
          try {
            Map<DropReason, Long> before = new EnumMap<>(DropReason.class);
            before.putAll(network.counters().drops());
            int taken = network.send(cast.packet(), 0);
            me.answer(
                network.counters().drops().entrySet().stream()
                    .filter(drop -> drop.getValue() > before.getOrDefault(drop.getKey(), 0L))
                    .map(drop -> "dropped, " + drop.getKey())
                    .findFirst()
                    .orElse(taken + " queued"));
          } catch (VnetException e) {
            me.answer(e);
          }
        });
  }

  /** The administrator takes the interface down. */
  static Deed down() {
    return configure("down", new InterfaceChange.Up(false));
  }

  /** The administrator changes the MTU. */
  static Deed ioctl() {
    return configure("ioctl", new InterfaceChange.Mtu(LARGER_MTU));
  }

  private static Deed configure(String name, InterfaceChange change) {
    return new Deed(
        name,
        BETWEEN_STEPS,
        (cast, me) ->
            cast.withPointer(
                me,
                softc ->
                    cast.scene()
                        .<SoftcActor.Reply>request(
                            me.lane(),
                            name,
                            reply -> softc.softc().tell(new SoftcActor.Configure(change, reply)),
                            reply -> {
                              switch (reply) {
                                case SoftcActor.Done _ -> me.answer("done");
                                case SoftcActor.Refused(var cause) -> me.answer(cause);
                              }
                            },
                            () -> me.answer(SHUT_DOWN))));
  }

  /** Gives the interface another name; the node gets an alias. */
  static Deed rename() {
    return onVnet("rename", (cast, reply) -> new VnetActor.Rename(cast.device(), "wan", reply))
        .stoppedAt("driver-tun/node-0", "before the node swaps its alias");
  }

  /** Lends the device to another vnet. */
  static Deed move() {
    return onVnet(
            "move", (cast, reply) -> new VnetActor.Move(cast.device(), Cast.OTHER_VNET, reply))
        .stoppedAt("vnet-1", "before the other vnet takes the interface in");
  }

  private static Deed onVnet(
      String name, BiFunction<Cast, ReplyTo<VnetActor.Reply>, VnetActor.Command> command) {
    return new Deed(
        name,
        NOWHERE,
        (cast, me) ->
            cast.scene()
                .<VnetActor.Reply>request(
                    me.lane(),
                    name,
                    reply -> {
                      if (!cast.tellVnetOfDevice(command.apply(cast, reply))) {
                        reply.tell(new VnetActor.NotHere());
                      }
                    },
                    reply -> vnetAnswer(me, reply),
                    () -> me.answer(SHUT_DOWN)));
  }

  private static void vnetAnswer(Role me, VnetActor.Reply reply) {
    switch (reply) {
      case VnetActor.Done _ -> me.answer("done");
      case VnetActor.Refused(var cause) -> me.answer(cause);
      // The facade asks the vnet that has it now, and if there is none it says so.
      case VnetActor.NotHere _ -> me.answer("ENXIO");
    }
  }

  /** Removes the vnet that the device was born in. */
  static Deed removal(DestroyPolicy policy) {
    return new Deed(
            "jail removal",
            NOWHERE,
            (cast, me) ->
                cast.scene()
                    .<VnetActor.Reply>request(
                        me.lane(),
                        "remove",
                        reply -> {
                          if (!cast.scene()
                              .tellVnet(Cast.OTHER_VNET, new VnetActor.Remove(policy, reply))) {
                            reply.tell(new VnetActor.NotHere());
                          }
                        },
                        reply -> vnetAnswer(me, reply),
                        () -> me.answer(SHUT_DOWN)))
        .stoppedAt("grace-period", "before the grace period is over");
  }

  /** Creates the same unit. */
  static Deed create() {
    return new Deed(
        "create",
        NOWHERE,
        (cast, me) ->
            cast.scene()
                .<VnetActor.CreateReply>request(
                    me.lane(),
                    "create",
                    reply -> {
                      var _ =
                          cast.scene()
                              .tellVnet(
                                  HostActor.VNET0,
                                  new VnetActor.Create(Cast.spec(false, false), reply));
                    },
                    reply -> {
                      switch (reply) {
                        case VnetActor.Created _ -> me.answer("created");
                        case VnetActor.CreateFailed(var cause) -> me.answer(cause);
                      }
                    },
                    () -> me.answer(SHUT_DOWN)));
  }

  /** Ends the host. */
  static Deed unload() {
    return new Deed(
            "unload",
            NOWHERE,
            (cast, me) -> {
              cast.scene().terminate(me.lane());
              me.answerWhen(
                  () -> cast.scene().hasEnded() ? Optional.of("ended") : Optional.empty());
            })
        .stoppedAt("grace-period", "before the grace period is over");
  }

  /** Registers for readiness, then looks; counts what it is told. */
  static Deed poll() {
    return new Deed("poll", BETWEEN_STEPS, Deeds::polls);
  }

  /** The same, with the number of packets that wait. */
  static Deed kqueue() {
    return new Deed("kqueue", BETWEEN_STEPS, Deeds::polls);
  }

  private static void polls(Cast cast, Role me) {
    DeviceHandle holder = cast.holder();
    StringBuilder seen = new StringBuilder();
    var _ =
        holder.listen(
            new PortListener() {
              @Override
              public void readable() {
                seen.append("readable ");
              }

              @Override
              public void writable() {
                seen.append("writable ");
              }

              @Override
              public void closed(@Nullable VnetException cause) {
                seen.append(cause == null ? "told the close" : "told " + cause.errno());
              }
            });
    me.step(() -> {
      String looked;
      try {
        looked = holder.readablePackets() + " packets";
      } catch (VnetException e) {
        looked = e.errno().name();
      }
      String first = looked;
      me.answerWhen(() -> seen.isEmpty() ? Optional.empty() : Optional.of(first + ", " + seen));
    });
  }
}
