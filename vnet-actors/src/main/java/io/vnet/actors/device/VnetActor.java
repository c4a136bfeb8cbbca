package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.DispatcherSelector;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.vnet.actors.core.ReplyTo;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.DriverKind;
import io.vnet.api.device.HostBacking;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One instance of the network stack: accepts names for creation (its cloners), knows the interfaces
 * that are in it by name, lends them and takes them in, and is the parent of the softcs that were
 * born in it.
 *
 * <p><b>A move</b> is {@code Adopt} to the target, which reserves the name; then {@code Moved} to
 * the softc; then {@code MoveCarriedOut} back here, and {@code Arrived} to the target, which
 * answers the mover. Whoever is in between refuses other moves and renames with EBUSY. A softc that
 * is torn down meanwhile says {@code Detached} to the vnet that it was in last, which undoes the
 * rest and answers the mover.
 *
 * <p><b>Detaching</b> is acknowledged: this vnet tells a softc nothing after that, so the softc may
 * end.
 *
 * <p><b>A removal</b> refuses creations, destroys what was born here wherever it is, returns what
 * is lent, and ends when both are done: unbound first, stopped after a grace period, so that
 * whoever found its address is answered.
 *
 * <p>If it fails, its host does: {@link HostFailure}.
 *
 * <p>Source: if_tuntap specification, sections 1.4 to 1.8 and 6.3.
 */
public final class VnetActor {
  private static final int LONGEST_NAME_BYTES = 15;

  /** What it understands. */
  public sealed interface Command {}

  /** Create a device. */
  public record Create(DeviceSpec spec, ReplyTo<CreateReply> replyTo) implements Command {}

  /** Give an interface another name. */
  public record Rename(DeviceId device, String newName, ReplyTo<Reply> replyTo)
      implements Command {}

  /** Lend an interface to another vnet, or return it. */
  public record Move(DeviceId device, String target, ReplyTo<Reply> replyTo) implements Command {}

  /** End this vnet. */
  public record Remove(DestroyPolicy policy, ReplyTo<Reply> replyTo) implements Command {}

  record Attached(DeviceId device) implements Command {}

  record Detached(DeviceId device, ReplyTo<Acknowledged> replyTo) implements Command {}

  record MoveCarriedOut(DeviceId device) implements Command {}

  record RenamedOnHost(DeviceId device, Optional<VnetException> refusal) implements Command {}

  record Arrived(DeviceId device, ReplyTo<Reply> mover) implements Command {}

  record Adopt(
      Node node,
      ActorRef<SoftcActor.Command> softc,
      String homeVnet,
      String interfaceName,
      boolean returning,
      ReplyTo<AdoptReply> replyTo)
      implements Command {}

  record Drop(DeviceId device) implements Command {}

  private record ReserveAnswered(
      DeviceSpec spec, ReplyTo<CreateReply> replyTo, DriverActor.ReserveReply reply)
      implements Command {}

  private record AdoptAnswered(DeviceId device, AdoptReply reply) implements Command {}

  private record DestroyAnswered(DriverActor.DestroyReply reply) implements Command {}

  record SoftcStopped(DeviceId device) implements Command {}

  private record NobodyKnowsUs() implements Command {}

  /** The answer to a create. */
  public sealed interface CreateReply {}

  /** The device is there. */
  public record Created(DeviceId device, String interfaceName, int mtu) implements CreateReply {}

  /** Nothing has changed. */
  public record CreateFailed(VnetException cause) implements CreateReply {}

  /** The answer to everything else. */
  public sealed interface Reply {}

  /** It was carried out. */
  public record Done() implements Reply {}

  /** Nothing has changed. */
  public record Refused(VnetException cause) implements Reply {}

  /** The interface is not here: it was moved, or detached. */
  public record NotHere() implements Reply {}

  record Acknowledged() {}

  sealed interface AdoptReply {}

  record Adopted(ActorRef<Command> target, String vnet, String interfaceName)
      implements AdoptReply {}

  record AdoptRefused(Errno errno, String reason) implements AdoptReply {}

  /** A move that began here. */
  private static final class Departure {
    final ReplyTo<Reply> mover;
    @Nullable ActorRef<Command> target;
    @Nullable ReplyTo<Acknowledged> detaching;

    Departure(ReplyTo<Reply> mover) {
      this.mover = mover;
    }
  }

  /** The host's kernel is asked to rename an interface; the new name is reserved meanwhile. */
  private record Renaming(String newName, ReplyTo<Reply> replyTo) {}

  /** One interface in this vnet. */
  private static final class Interface {
    final Node node;
    final ActorRef<SoftcActor.Command> softc;
    final String homeVnet;
    final boolean onHost;
    String name;

    /** It came by a move that is not over. */
    boolean arriving;

    /** It can be renamed and moved. */
    boolean settled;

    /** It was torn down while it was arriving. */
    boolean husk;

    @Nullable Departure departure;
    @Nullable Renaming renaming;

    Interface(
        Node node,
        ActorRef<SoftcActor.Command> softc,
        String homeVnet,
        boolean onHost,
        String name) {
      this.node = node;
      this.softc = softc;
      this.homeVnet = homeVnet;
      this.onHost = onHost;
      this.name = name;
    }

    DeviceId device() {
      return node.id();
    }
  }

  private final ActorContext<Command> context;
  private final HostContext host;
  private final String name;
  private final Map<DriverKind, ActorRef<DriverActor.Command>> drivers;
  private final ActorRef<GracePeriodActor.Command> gracePeriod;
  private final ActorRef<DeferredDestroyActor.Command> deferred;
  private final Map<DeviceId, Interface> interfaces = new HashMap<>();
  private final Map<String, DeviceId> names = new HashMap<>();
  private final Set<DeviceId> born = new HashSet<>();
  private final List<ReplyTo<Reply>> removers = new ArrayList<>();
  private final Set<DeviceId> condemned = new HashSet<>();
  private DestroyPolicy removal = DestroyPolicy.WAIT;
  private boolean removing;
  private boolean removed;
  private int reservations;
  private int destructions;

  private VnetActor(
      ActorContext<Command> context,
      HostContext host,
      String name,
      Map<DriverKind, ActorRef<DriverActor.Command>> drivers,
      ActorRef<GracePeriodActor.Command> gracePeriod,
      ActorRef<DeferredDestroyActor.Command> deferred) {
    this.context = context;
    this.host = host;
    this.name = name;
    this.drivers = drivers;
    this.gracePeriod = gracePeriod;
    this.deferred = deferred;
  }

  static Behavior<Command> create(
      HostContext host,
      String name,
      Map<DriverKind, ActorRef<DriverActor.Command>> drivers,
      ActorRef<GracePeriodActor.Command> gracePeriod,
      ActorRef<DeferredDestroyActor.Command> deferred) {
    return Behaviors.setup(
        context -> new VnetActor(context, host, name, drivers, gracePeriod, deferred).behavior());
  }

  private Behavior<Command> behavior() {
    return Behaviors.receiveMessage(command -> {
      switch (command) {
        case Create create -> create(create);
        case ReserveAnswered answered -> reserved(answered);
        case Attached(var device) -> settle(device);
        case Rename rename -> rename(rename);
        case Move move -> move(move);
        case Adopt adopt -> adopt(adopt);
        case AdoptAnswered(var device, var reply) -> adoptAnswered(device, reply);
        case MoveCarriedOut(var device) -> moveCarriedOut(device);
        case RenamedOnHost(var device, var refusal) -> renamedOnHost(device, refusal);
        case Arrived(var device, var mover) -> arrived(device, mover);
        case Drop(var device) -> forget(device);
        case Detached(var device, var replyTo) -> detached(device, replyTo);
        case SoftcStopped(var device) -> {
          born.remove(device);
          condemned.remove(device);
          finishRemoval();
        }
        case Remove(var policy, var replyTo) -> remove(policy, replyTo);
        case DestroyAnswered(var reply) -> destroyAnswered(reply);
        case NobodyKnowsUs _ -> {
          removers.forEach(replyTo -> replyTo.tell(new Done()));
          return Behaviors.stopped();
        }
      }
      return Behaviors.same();
    });
  }

  private void create(Create create) {
    Optional<VnetException> refusal = check(create.spec());
    if (refusal.isPresent()) {
      create.replyTo().tell(new CreateFailed(refusal.get()));
      return;
    }
    ActorRef<Command> self = context.getSelf();
    DeviceName wanted = DeviceName.match(create.spec().name()).orElseThrow();
    reservations++;
    driver(wanted.driver())
        .tell(
            new DriverActor.Reserve(
                wanted,
                reply -> self.tell(new ReserveAnswered(create.spec(), create.replyTo(), reply))));
  }

  private Optional<VnetException> check(DeviceSpec spec) {
    if (removed) {
      return refusal(spec, Errno.ENXIO, name + " was removed", "use another vnet");
    }
    if (removing) {
      return refusal(spec, Errno.EINVAL, name + " is being removed", "use another vnet");
    }
    Optional<DeviceName> parsed = DeviceName.match(spec.name());
    if (parsed.isEmpty()) {
      return refusal(
          spec,
          Errno.EINVAL,
          "no driver accepts this name",
          "use tun, tap or vmnet, alone or with a unit (tun3)");
    }
    if (names.containsKey(spec.name())) {
      return refusal(
          spec, Errno.EEXIST, "an interface of that name is in " + name, "use another name");
    }
    if (spec.mtu() < DeviceSpec.MIN_MTU || spec.mtu() > DeviceSpec.MAX_MTU) {
      return refusal(
          spec,
          Errno.EINVAL,
          "MTU " + spec.mtu() + " is not within " + DeviceSpec.MIN_MTU + ".." + DeviceSpec.MAX_MTU,
          "use an MTU within the range");
    }
    return host.gauge().refusal("create", spec.name());
  }

  private static Optional<VnetException> refusal(
      DeviceSpec spec, Errno errno, String reason, String remedy) {
    return Optional.of(new VnetException("create", spec.name(), errno, reason, remedy));
  }

  private void reserved(ReserveAnswered answered) {
    reservations--;
    switch (answered.reply()) {
      case DriverActor.ReserveRefused(var cause) ->
          answered.replyTo().tell(new CreateFailed(cause));
      case DriverActor.Reserved(var node, var nodeActor) -> {
        Optional<VnetException> refusal =
            removing
                ? refusal(
                    answered.spec(), Errno.EINVAL, name + " is being removed", "use another vnet")
                : names.containsKey(node.name())
                    ? refusal(
                        answered.spec(),
                        Errno.EEXIST,
                        "an interface of the name " + node.name() + " is in " + name,
                        "use another name")
                    : Optional.empty();
        if (refusal.isPresent()) {
          driver(node.id().name().driver()).tell(new DriverActor.Unreserve(node.id()));
          answered.replyTo().tell(new CreateFailed(refusal.get()));
        } else {
          spawn(answered.spec(), answered.replyTo(), node, nodeActor);
        }
      }
    }
    finishRemoval();
  }

  private void spawn(
      DeviceSpec spec,
      ReplyTo<CreateReply> replyTo,
      Node node,
      ActorRef<DeviceActor.Command> nodeActor) {
    DeviceId device = node.id();
    boolean onHost = spec.backing() instanceof HostBacking;
    node.born(name, onHost);
    ActorRef<DriverActor.Command> driver = driver(device.name().driver());
    SoftcActor.Softc softc =
        new SoftcActor.Softc(
            device,
            spec,
            node,
            nodeActor,
            driver,
            context.getSelf(),
            gracePeriod,
            deferred,
            replyTo);
    ActorRef<SoftcActor.Command> actor =
        context.spawn(
            SoftcActor.create(host, softc),
            node.name() + "-" + device.generation(),
            DispatcherSelector.sameAsParent());
    born.add(device);
    add(new Interface(node, actor, name, onHost, node.name()));
    driver.tell(new DriverActor.SoftcStarted(device, actor));
  }

  private void add(Interface added) {
    interfaces.put(added.device(), added);
    names.put(added.name, added.device());
  }

  private void forget(DeviceId device) {
    Interface gone = interfaces.remove(device);
    if (gone != null) {
      names.remove(gone.name);
      Renaming renaming = gone.renaming;
      if (renaming != null) {
        names.remove(renaming.newName());
        renaming.replyTo().tell(new NotHere());
      }
    }
    finishRemoval();
  }

  private void arrived(DeviceId device, ReplyTo<Reply> mover) {
    Interface here = interfaces.get(device);
    if (here != null) {
      here.arriving = false;
      if (here.husk) {
        forget(device);
      } else {
        settle(device);
      }
    }
    mover.tell(new Done());
  }

  private void settle(DeviceId device) {
    Interface here = interfaces.get(device);
    if (here != null) {
      here.settled = true;
      if (removing) {
        sendHome(here);
      }
    }
  }

  private void rename(Rename rename) {
    Interface here = interfaces.get(rename.device());
    String newName = rename.newName();
    int bytes = newName.getBytes(StandardCharsets.UTF_8).length;
    if (here == null) {
      rename.replyTo().tell(new NotHere());
    } else if (bytes == 0 || bytes > LONGEST_NAME_BYTES) {
      refuse(
          rename.replyTo(),
          "rename",
          here,
          Errno.EINVAL,
          "an interface name has 1 to " + LONGEST_NAME_BYTES + " bytes, not " + bytes,
          "use another name");
    } else if (here.departure != null || !here.settled) {
      refuse(rename.replyTo(), "rename", here, Errno.EBUSY, "it is being moved", "try again");
    } else if (here.renaming != null) {
      refuse(rename.replyTo(), "rename", here, Errno.EBUSY, "it is being renamed", "try again");
    } else if (newName.equals(here.onHost ? here.node.interfaceName() : here.name)) {
      rename.replyTo().tell(new Done());
    } else if (names.containsKey(newName) && !newName.equals(here.name)) {
      refuse(
          rename.replyTo(),
          "rename",
          here,
          Errno.EEXIST,
          "an interface of the name " + newName + " is in " + name,
          "use another name");
    } else if (here.onHost) {
      names.put(newName, here.device());
      here.renaming = new Renaming(newName, rename.replyTo());
      here.softc.tell(new SoftcActor.RenameOnHost(newName));
    } else {
      carryOut(here, newName, rename.replyTo());
    }
  }

  private void renamedOnHost(DeviceId device, Optional<VnetException> refusal) {
    Interface here = interfaces.get(device);
    Renaming renaming = here == null ? null : here.renaming;
    if (here == null || renaming == null) {
      return;
    }
    here.renaming = null;
    if (refusal.isEmpty()) {
      carryOut(here, renaming.newName(), renaming.replyTo());
      return;
    }
    if (!renaming.newName().equals(here.name)) {
      names.remove(renaming.newName());
    }
    renaming.replyTo().tell(new Refused(refusal.get()));
  }

  private void carryOut(Interface here, String newName, ReplyTo<Reply> replyTo) {
    String oldName = here.node.interfaceName();
    names.remove(here.name);
    names.put(newName, here.device());
    here.name = newName;
    here.node.publishInterfaceName(newName);
    host.events()
        .publish(here.device(), DeviceEvent.Kind.RENAMED, () -> oldName + " to " + newName);
    here.softc.tell(new SoftcActor.Renamed(newName, replyTo));
  }

  private void move(Move move) {
    Interface here = interfaces.get(move.device());
    if (here == null) {
      move.replyTo().tell(new NotHere());
    } else if (here.onHost) {
      refuse(
          move.replyTo(),
          "move",
          here,
          Errno.EOPNOTSUPP,
          "the interface is the host's",
          "move it between network namespaces with io.vnet.io.netlink, or the host's tools");
    } else if (move.target().equals(name)) {
      refuse(move.replyTo(), "move", here, Errno.EEXIST, "it is in " + name + " already", "");
    } else if (here.departure != null || !here.settled) {
      refuse(move.replyTo(), "move", here, Errno.EBUSY, "it is being moved", "try again");
    } else {
      depart(here, move.target(), false, move.replyTo());
    }
  }

  private void depart(Interface here, String target, boolean returning, ReplyTo<Reply> mover) {
    ActorRef<Command> self = context.getSelf();
    DeviceId device = here.device();
    boolean told =
        host.vnets()
            .tell(
                target,
                new Adopt(
                    here.node,
                    here.softc,
                    here.homeVnet,
                    here.name,
                    returning,
                    reply -> self.tell(new AdoptAnswered(device, reply))));
    if (told) {
      here.departure = new Departure(mover);
    } else {
      refuse(mover, "move", here, Errno.ENXIO, "there is no vnet " + target, "create it first");
    }
  }

  private void adopt(Adopt adopt) {
    boolean free = !names.containsKey(adopt.interfaceName());
    if (removed) {
      adopt.replyTo().tell(new AdoptRefused(Errno.ENXIO, name + " was removed"));
    } else if (removing) {
      adopt.replyTo().tell(new AdoptRefused(Errno.EBUSY, name + " is being removed"));
    } else if (!free && !adopt.returning()) {
      adopt
          .replyTo()
          .tell(
              new AdoptRefused(
                  Errno.EEXIST,
                  "an interface of the name " + adopt.interfaceName() + " is in " + name));
    } else {
      String newName = free ? adopt.interfaceName() : freeName(adopt.node().id());
      Interface arriving =
          new Interface(adopt.node(), adopt.softc(), adopt.homeVnet(), false, newName);
      arriving.arriving = true;
      add(arriving);
      adopt.replyTo().tell(new Adopted(context.getSelf(), name, newName));
    }
  }

  /** Nobody may refuse what comes home: its own name, or one that nobody else can have. */
  private String freeName(DeviceId device) {
    String own = device.toString();
    return names.containsKey(own) ? own + "_" + Long.toHexString(device.generation()) : own;
  }

  private void adoptAnswered(DeviceId device, AdoptReply reply) {
    Interface here = interfaces.get(device);
    Departure departure = here == null ? null : here.departure;
    if (here == null || departure == null) {
      return;
    }
    switch (reply) {
      case Adopted(var target, var vnet, var newName) -> {
        departure.target = target;
        if (departure.detaching != null) {
          letGo(here, departure, departure.detaching);
          return;
        }
        if (!newName.equals(here.name)) {
          host.events()
              .publish(device, DeviceEvent.Kind.RENAMED, () -> here.name + " to " + newName);
        }
        here.softc.tell(new SoftcActor.Moved(vnet, newName, target));
      }
      case AdoptRefused(var errno, var reason) -> {
        here.departure = null;
        if (departure.detaching != null) {
          letGo(here, departure, departure.detaching);
        } else {
          refuse(departure.mover, "move", here, errno, reason, "use another vnet or name");
          if (removing) {
            destroy(device);
          }
        }
      }
    }
  }

  private void moveCarriedOut(DeviceId device) {
    Interface here = interfaces.get(device);
    if (here != null && here.departure != null) {
      Departure departure = here.departure;
      forget(device);
      if (departure.target != null) {
        departure.target.tell(new Arrived(device, departure.mover));
      }
    }
  }

  private void detached(DeviceId device, ReplyTo<Acknowledged> replyTo) {
    Interface here = interfaces.get(device);
    Departure departure = here == null ? null : here.departure;
    if (here == null) {
      replyTo.tell(new Acknowledged());
    } else if (here.arriving) {
      here.husk = true;
      replyTo.tell(new Acknowledged());
    } else if (departure == null) {
      forget(device);
      replyTo.tell(new Acknowledged());
    } else if (departure.target == null) {
      departure.detaching = replyTo;
    } else {
      letGo(here, departure, replyTo);
    }
  }

  /** The device was torn down in the middle of a move. */
  private void letGo(Interface here, Departure departure, ReplyTo<Acknowledged> replyTo) {
    if (departure.target != null) {
      departure.target.tell(new Drop(here.device()));
    }
    forget(here.device());
    refuse(departure.mover, "move", here, Errno.ENXIO, "the device was destroyed", "");
    replyTo.tell(new Acknowledged());
  }

  private void remove(DestroyPolicy policy, ReplyTo<Reply> replyTo) {
    if (removed || name.equals(HostActor.VNET0)) {
      replyTo.tell(
          new Refused(
              removed
                  ? new VnetException("remove", name, Errno.ENXIO, "it was removed already", "")
                  : new VnetException(
                      "remove",
                      name,
                      Errno.EBUSY,
                      "it lives as long as the host",
                      "terminate the host")));
      return;
    }
    removers.add(replyTo);
    boolean harder = removing && policy == DestroyPolicy.FORCE && removal != DestroyPolicy.FORCE;
    if (removing && !harder) {
      return;
    }
    removing = true;
    removal = policy;
    condemned.clear();
    for (DeviceId device : List.copyOf(born)) {
      destroy(device);
    }
    for (Interface here : List.copyOf(interfaces.values())) {
      sendHome(here);
    }
    finishRemoval();
  }

  private void destroy(DeviceId device) {
    if (condemned.add(device)) {
      destructions++;
      ActorRef<Command> self = context.getSelf();
      driver(device.name().driver())
          .tell(
              new DriverActor.Destroy(
                  device,
                  removal,
                  host.nextNumber(),
                  reply -> self.tell(new DestroyAnswered(reply))));
    }
  }

  private void destroyAnswered(DriverActor.DestroyReply reply) {
    destructions--;
    if (removing
        && removal == DestroyPolicy.REFUSE
        && reply instanceof DriverActor.NotDestroyed(var cause)
        && cause.errno() == Errno.EBUSY) {
      removing = false;
      Refused refused =
          new Refused(
              new VnetException(
                  "remove",
                  name,
                  Errno.EBUSY,
                  cause.object() + ": " + cause.reason(),
                  "close it, or remove the vnet by force",
                  cause));
      removers.forEach(replyTo -> replyTo.tell(refused));
      removers.clear();
    }
    finishRemoval();
  }

  private void sendHome(Interface here) {
    if (here.settled && here.departure == null && !here.homeVnet.equals(name)) {
      depart(here, here.homeVnet, true, _ -> {});
    }
  }

  private void finishRemoval() {
    boolean owed = reservations > 0 || destructions > 0;
    if (removing && !removed && !owed && born.isEmpty() && interfaces.isEmpty()) {
      removed = true;
      host.vnets().unbind(name, context.getSelf());
      ActorRef<Command> self = context.getSelf();
      gracePeriod.tell(new GracePeriodActor.Barrier(_ -> self.tell(new NobodyKnowsUs())));
    }
  }

  private static void refuse(
      ReplyTo<Reply> replyTo,
      String operation,
      Interface here,
      Errno errno,
      String reason,
      String remedy) {
    replyTo.tell(
        new Refused(new VnetException(operation, here.device().toString(), errno, reason, remedy)));
  }

  private ActorRef<DriverActor.Command> driver(DriverKind kind) {
    ActorRef<DriverActor.Command> driver = drivers.get(kind);
    if (driver == null) {
      throw new IllegalStateException("no driver " + kind);
    }
    return driver;
  }
}
