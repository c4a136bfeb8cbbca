package io.vnet.actors.core.search;

import static io.vnet.actors.core.search.Mail.DEAD;
import static io.vnet.actors.core.search.Mail.NONE;

import io.vnet.actors.core.SoftcEffect;
import io.vnet.actors.core.SoftcEvent;
import io.vnet.actors.core.SoftcState;
import io.vnet.actors.core.SoftcState.Opener;
import io.vnet.actors.core.SoftcState.Phase;
import io.vnet.actors.core.search.Mail.Kind;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * What can happen next in a {@link World}: a client moves, a message is delivered, a grace period
 * ends, a backend fails. The softc's part is the production function's; driver, node, vnet, facade
 * and grace period are those of {@code io.vnet.actors.device}, each reduced to what the softc can
 * notice.
 */
@SuppressWarnings("EnumOrdinal") // how constants are packed into bits, for one run
final class Soup {
  /** Takes what comes next. */
  @FunctionalInterface
  interface Sink {
    void accept(int transition, World next);
  }

  private static final int BY_CLIENT = 1 << 30;
  private static final int GRACE_ELAPSED = 1 << 29;
  private static final int LOST = 1 << 28;
  private static final int OTHERWISE = 1 << 27;

  private static final int EBUSY = 0;
  private static final int EINTR = 1;
  private static final int ENXIO = 2;

  private static final int PRESENT = 1;
  private static final int ARRIVING = 2;
  private static final int SETTLED = 4;
  private static final int HUSK = 8;
  private static final int DEPARTING = 16;
  private static final int ADOPTED = 32;
  private static final int DETACHING = 64;
  private static final int RENAMED = -128;

  private static final int DID_QUIESCE = 1;
  private static final int DID_RELEASE = 2;
  private static final int DID_UNBIND = 4;
  private static final int DID_FREE = 8;
  private static final int DID_DETACH = 16;
  private static final int DID_RETIRE = 32;

  private static final List<String> VNETS = List.of("vnet0", "vnet1");
  private static final DestroyPolicy[] POLICIES = DestroyPolicy.values();

  private final VnetException broken =
      new VnetException("read", "tun0", Errno.EIO, "the search broke it", "");
  private final int clients;
  private final Set<Operation> operations;
  private final Set<Safeguard> missing;
  private final Set<Rule> rules;
  private final CoreSteps core;
  private int underWay;

  /**
   * @param missing safeguards that are taken out
   * @param rules what is checked
   */
  Soup(
      int clients,
      Set<Operation> operations,
      Set<Safeguard> missing,
      Set<Rule> rules,
      StepFunction function) {
    this.clients = clients;
    this.operations = EnumSet.copyOf(operations);
    this.missing = missing.isEmpty() ? EnumSet.noneOf(Safeguard.class) : EnumSet.copyOf(missing);
    this.rules = EnumSet.copyOf(rules);
    this.core = new CoreSteps(function);
  }

  World start() {
    return new World(clients);
  }

  int clients() {
    return clients;
  }

  CoreSteps core() {
    return core;
  }

  /**
   * Hands over what can come next.
   *
   * @throws Violation for the step under way, or if nothing can come next and somebody waits
   */
  void expand(World world, Sink sink) {
    boolean progress = deliver(world, sink);
    for (int device = 0; device < 2; device++) {
      if (world.has(device, World.RETIRED) && world.device(device, World.GRACE) == 0) {
        progress = true;
        int transition = GRACE_ELAPSED | device;
        World next = world.copy();
        underWay = transition;
        next.flag(device, World.RETIRED, false);
        happen(transition, next, device, new SoftcEvent.ReadersDrained());
        emit(sink, transition, next);
      }
    }
    for (int client = 0; client < clients; client++) {
      progress |= finishSection(world, client, sink);
    }
    if (!progress) {
      underWay = 0;
      checkQuiescent(world);
    }
    for (int client = 0; client < clients; client++) {
      begin(world, client, sink);
    }
    if (operations.contains(Operation.LOSE)) {
      for (int device = 0; device < 2; device++) {
        if (world.used(device) && inService(state(world, device))) {
          World next = world.copy();
          underWay = LOST | device;
          happen(LOST | device, next, device, new SoftcEvent.Lost(broken));
          emit(sink, LOST | device, next);
        }
      }
    }
  }

  /** The step that was taken last, in words; the one at which a {@link Violation} was found. */
  String underWay() {
    return underWay == 0 ? "and then" : describe(underWay);
  }

  /** A transition in words. */
  String describe(int transition) {
    if ((transition & BY_CLIENT) != 0) {
      int client = transition & 3;
      return "c" + client + ": " + World.OPERATIONS[transition >>> 2 & 31] + step(transition >>> 7);
    }
    if ((transition & GRACE_ELAPSED) != 0) {
      return "the readers have drained";
    }
    if ((transition & LOST) != 0) {
      return "the backend is lost";
    }
    return Mail.describe(transition & 0xF_FFFF)
        + ((transition & OTHERWISE) == 0 ? "" : ", otherwise: it fails");
  }

  private static String step(int step) {
    return switch (step & 3) {
      case 0 -> "";
      case 1 -> ", goes on and leaves";
      case 2 -> ", enters";
      default -> ", tells outside";
    };
  }

  private static int byClient(int client, Operation operation, int step) {
    return BY_CLIENT | step << 7 | operation.ordinal() << 2 | client;
  }

  private void emit(Sink sink, int transition, World next) {
    underWay = transition;
    tidy(next);
    check(next);
    sink.accept(transition, next);
  }

  private SoftcState state(World world, int device) {
    return core.state(world.state(device));
  }

  private boolean isMissing(Safeguard safeguard) {
    return missing.contains(safeguard);
  }

  private void require(boolean holds, Rule rule, String otherwise) {
    if (!holds && rules.contains(rule)) {
      throw new Violation(rule, otherwise);
    }
  }

  private void begin(World world, int client, Sink sink) {
    switch (world.client(client, World.PLACE)) {
      case World.IDLE -> {
        for (Operation operation : operations) {
          begin(world, client, operation, sink);
        }
      }
      case World.WAITING -> {
        if (world.operation(client) == Operation.DESTROY_WAIT
            && operations.contains(Operation.CANCEL)) {
          World next = world.copy();
          int device = world.client(client, World.DEVICE);
          next.place(client, Operation.DESTROY_WAIT, World.CANCELLING, device);
          next.send(Mail.of(client, Mail.DRIVER, Kind.CANCEL, client, device, 0));
          emit(sink, byClient(client, Operation.CANCEL, 0), next);
        }
      }
      default -> {}
    }
  }

  private void begin(World world, int client, Operation operation, Sink sink) {
    int found = world.get(World.NAME);
    int owner = world.get(World.OWNER);
    int handle = world.client(client, World.HANDLE);
    switch (operation) {
      case CREATE, CREATE_TRANSIENT -> {
        if (found == NONE) {
          World next = world.copy();
          next.place(client, operation, World.WAITING, NONE);
          int isTransient = operation == Operation.CREATE_TRANSIENT ? 1 : 0;
          next.send(Mail.of(client, Mail.DRIVER, Kind.RESERVE, client, NONE, isTransient));
          emit(sink, byClient(client, operation, 0), next);
        }
      }
      case OPEN, INSPECT -> {
        if (canLoad(world, found) && (operation == Operation.INSPECT || handle == NONE)) {
          World next = world.copy();
          boolean outside = operation == Operation.OPEN && isMissing(Safeguard.TOLD_INSIDE_SECTION);
          next.place(client, operation, outside ? World.OUTSIDE : World.INSIDE, found);
          emit(sink, byClient(client, operation, 2), next);
        }
      }
      case READ -> {
        if (handle != NONE) {
          World next = world.copy();
          next.place(client, operation, World.INSIDE, handle);
          emit(sink, byClient(client, operation, 2), next);
        }
      }
      case CLOSE -> {
        if (handle != NONE) {
          World next = world.copy();
          next.place(
              client,
              operation,
              isMissing(Safeguard.TOLD_INSIDE_SECTION) ? World.OUTSIDE : World.INSIDE,
              handle);
          next.setClient(client, World.HANDLE, NONE);
          next.setDevice(handle, World.HANDLE_END, World.BY_USER);
          emit(sink, byClient(client, operation, 2), next);
        }
      }
      case SET_TRANSIENT, CLEAR_TRANSIENT -> {
        boolean on = operation == Operation.SET_TRANSIENT;
        if (handle == 0 || handle == 1) {
          if (state(world, handle).transientDevice() != on
              && world.count(client, Kind.TRANSIENT) == 0) {
            World next = world.copy();
            underWay = byClient(client, operation, 0);
            tell(next, client, handle, Kind.TRANSIENT, client, on ? 1 : 0);
            emit(sink, byClient(client, operation, 0), next);
          }
        }
      }
      case DESTROY_WAIT, DESTROY_REFUSE, DESTROY_FORCE -> {
        boolean own =
            operation == Operation.DESTROY_WAIT
                && handle != NONE
                && !operations.contains(Operation.CANCEL);
        if (owner != NONE && !own) {
          World next = world.copy();
          next.place(client, operation, World.WAITING, owner);
          int policy = operation.ordinal() - Operation.DESTROY_WAIT.ordinal();
          next.send(Mail.of(client, Mail.DRIVER, Kind.DESTROY, client, owner, policy));
          emit(sink, byClient(client, operation, 0), next);
        }
      }
      case RENAME, MOVE -> {
        if (found != NONE && found != DEAD && !anybody(world, operation)) {
          World next = world.copy();
          next.place(client, operation, World.WAITING, found);
          int vnet = Mail.VNET + world.device(found, World.IN_VNET);
          Kind kind = operation == Operation.RENAME ? Kind.RENAME : Kind.MOVE;
          next.send(Mail.of(client, vnet, kind, client, found, 0));
          emit(sink, byClient(client, operation, 0), next);
        }
      }
      case CANCEL, FAIL, LOSE -> {}
    }
  }

  private static boolean canLoad(World world, int found) {
    return (found == 0 || found == 1) && world.device(found, World.POINTER) == World.SOFTC;
  }

  private boolean anybody(World world, Operation operation) {
    for (int client = 0; client < clients; client++) {
      if (world.client(client, World.PLACE) != World.IDLE && world.operation(client) == operation) {
        return true;
      }
    }
    return false;
  }

  /** Who is inside does what it came for, and leaves. */
  private boolean finishSection(World world, int client, Sink sink) {
    int place = world.client(client, World.PLACE);
    if (place != World.INSIDE && place != World.OUTSIDE) {
      return false;
    }
    Operation operation = world.operation(client);
    int device = world.client(client, World.DEVICE);
    int transition = byClient(client, operation, place == World.INSIDE ? 1 : 3);
    underWay = transition;
    World next = world.copy();
    switch (operation) {
      case OPEN -> {
        next.place(client, operation, World.WAITING, device);
        tell(next, client, device, Kind.OPEN, client, 0);
      }
      case CLOSE -> {
        next.place(client, operation, World.WAITING, device);
        tell(next, client, device, Kind.CLOSE, client, 0);
      }
      default -> {
        require(
            device != DEAD && world.device(device, World.BACKEND) != World.RELEASED,
            Rule.TOUCH,
            operation + " of c" + client + " touches a backend that was released");
        next.idle(client);
      }
    }
    for (int waited = 0; waited < 2; waited++) {
      next.setDevice(waited, World.GRACE, next.device(waited, World.GRACE) & ~(1 << client));
    }
    emit(sink, transition, next);
    return true;
  }

  private void answer(World world, int mail) {
    int client = Mail.to(mail);
    Kind kind = Mail.kind(mail);
    Operation operation = world.operation(client);
    boolean asked =
        world.client(client, World.PLACE) >= World.WAITING
            && switch (kind) {
              case CREATED, CREATE_FAILED ->
                  operation == Operation.CREATE || operation == Operation.CREATE_TRANSIENT;
              case OPENED, OPEN_REFUSED -> operation == Operation.OPEN;
              case CLOSED -> operation == Operation.CLOSE;
              case CONFIRMED -> operation == Operation.RENAME;
              case DONE -> operation == Operation.MOVE;
              case REFUSED -> operation == Operation.RENAME || operation == Operation.MOVE;
              default ->
                  operation == Operation.DESTROY_WAIT
                      || operation == Operation.DESTROY_REFUSE
                      || operation == Operation.DESTROY_FORCE;
            };
    require(asked, Rule.ANSWER, "c" + client + " gets " + kind + " and has not asked for it");
    int device = world.client(client, World.DEVICE);
    if (kind == Kind.NOT_DESTROYED && Mail.argument(mail) == EINTR && device < DEAD) {
      require(
          (world.device(device, World.DESTROYERS) & 1 << client) == 0
              && !state(world, device).waiters().contains(number(client)),
          Rule.TRACE,
          "c" + client + " was told EINTR and is still a destroyer");
    }
    world.idle(client);
    if (kind == Kind.OPENED && Mail.device(mail) < DEAD) {
      int opened = Mail.device(mail);
      if (world.device(opened, World.HANDLE_END) == 0) {
        world.setClient(client, World.HANDLE, opened);
      }
    }
  }

  private boolean deliver(World world, Sink sink) {
    boolean any = false;
    for (int i = 0; i < world.mails(); i++) {
      if (world.isHead(i) && mayDeliver(world, world.mail(i))) {
        any = true;
        int mail = world.mail(i);
        underWay = mail;
        World next = world.copy();
        next.remove(i);
        receive(mail, next, false);
        emit(sink, mail, next);
        boolean otherwise =
            Mail.kind(mail) == Kind.ADOPT
                || (Mail.kind(mail) == Kind.READY && operations.contains(Operation.FAIL));
        if (otherwise) {
          underWay = mail | OTHERWISE;
          World other = world.copy();
          other.remove(i);
          receive(mail, other, true);
          emit(sink, mail | OTHERWISE, other);
        }
      }
    }
    return any;
  }

  private boolean mayDeliver(World world, int mail) {
    int softc = Mail.toSoftc(mail);
    return switch (Mail.kind(mail)) {
      case STOP -> !world.anyToBut(Mail.SOFTC + softc, Kind.STOP);
      case RESERVE -> world.get(World.OWNER) != NONE || !world.used(0) || !world.used(1);
      case UNBIND ->
          !world.has(Mail.to(mail) - Mail.NODE, World.WAITS_IN_CLOSE)
              || !closes(world, Mail.to(mail) - Mail.NODE);
      default ->
          softc < 0 || !world.has(softc, World.WAITS_IN_CLOSE) || Mail.kind(mail) == Kind.UNBOUND;
    };
  }

  private boolean closes(World world, int device) {
    for (int client = 0; client < clients; client++) {
      if (world.client(client, World.PLACE) == World.WAITING
          && world.operation(client) == Operation.CLOSE
          && world.client(client, World.DEVICE) == device) {
        return true;
      }
    }
    return false;
  }

  private void receive(int mail, World world, boolean otherwise) {
    int to = Mail.to(mail);
    if (to < Mail.SOFTC) {
      answer(world, mail);
    } else if (Mail.toSoftc(mail) >= 0) {
      softcReceives(mail, world, otherwise);
    } else if (to == Mail.NODE || to == Mail.NODE + 1) {
      nodeReceives(mail, world);
    } else if (to == Mail.DRIVER) {
      driverReceives(mail, world);
    } else {
      vnetReceives(mail, world, otherwise);
    }
  }

  private void softcReceives(int mail, World world, boolean otherwise) {
    int device = Mail.toSoftc(mail);
    int client = Mail.client(mail);
    int argument = Mail.argument(mail);
    if (Mail.kind(mail) == Kind.STOP) {
      stopped(world, device);
      return;
    }
    SoftcEvent event =
        switch (Mail.kind(mail)) {
          case DESTROY -> new SoftcEvent.Destroy(number(client), POLICIES[argument]);
          case CANCEL -> new SoftcEvent.CancelDestroy(number(client));
          case OPEN -> new SoftcEvent.Open(new Opener(number(client), 1, false));
          case CLOSE -> new SoftcEvent.Close(number(client));
          case TRANSIENT -> new SoftcEvent.SetTransient(number(client), argument == 1);
          case RENAMED -> new SoftcEvent.Renamed(number(client), argument == 1 ? "x" : "tun0");
          case MOVED -> new SoftcEvent.Moved(VNETS.get(argument), false);
          case SWAPPED -> new SoftcEvent.AliasSwapped(number(client));
          case UNBOUND -> new SoftcEvent.NodeUnbound();
          case DETACH_ACKNOWLEDGED -> new SoftcEvent.Detached();
          case READY -> {
            world.setDevice(device, World.BACKEND, otherwise ? World.FAILED : World.LIVE);
            yield otherwise
                ? new SoftcEvent.BackendFailed(broken, false)
                : new SoftcEvent.BackendReady();
          }
          case FLUSHED -> new SoftcEvent.Flushed();
          case QUIESCED -> {
            world.setDevice(device, World.BACKEND, World.QUIESCED);
            yield new SoftcEvent.Quiesced();
          }
          case RELEASED -> new SoftcEvent.Released();
          default -> throw new IllegalStateException("a softc is told " + Mail.kind(mail));
        };
    happen(mail, world, device, event);
  }

  private void stopped(World world, int device) {
    SoftcState state = state(world, device);
    int steps = world.device(device, World.STEPS);
    int all = DID_RELEASE | DID_UNBIND | DID_FREE | DID_DETACH | DID_RETIRE;
    require(
        state.phase() == Phase.GONE
            && (steps & all) == all
            && ((steps & DID_QUIESCE) != 0) == state.teardown().backend(),
        Rule.ONCE,
        "stopped in " + state.phase() + " after the steps " + Integer.toBinaryString(steps));
    require(
        world.device(device, World.HOLDER) == NONE || world.device(device, World.HANDLE_END) != 0,
        Rule.TOUCH,
        "a handle outlives its device");
    world.flag(device, World.STOPPED, true);
  }

  private void nodeReceives(int mail, World world) {
    int device = Mail.to(mail) - Mail.NODE;
    switch (Mail.kind(mail)) {
      case SWAP -> {
        if (world.get(World.ALIAS) == device) {
          world.set(World.ALIAS, NONE);
        }
        if (Mail.argument(mail) == 1
            && !world.has(device, World.NODE_UNBOUND)
            && world.get(World.ALIAS) == NONE) {
          world.set(World.ALIAS, device);
        }
        tell(world, Mail.NODE + device, device, Kind.SWAPPED, Mail.client(mail), 0);
      }
      case UNBIND -> {
        world.flag(device, World.NODE_UNBOUND, true);
        if (world.get(World.ALIAS) == device) {
          world.set(World.ALIAS, NONE);
        }
        int bound = world.get(World.NAME);
        if (bound == device || isMissing(Safeguard.UNBOUND_BY_IDENTITY)) {
          require(
              bound == device || bound == NONE,
              Rule.NODE,
              "a node unbinds the name of its successor");
          world.set(World.NAME, NONE);
        }
        tell(world, Mail.NODE + device, device, Kind.UNBOUND, NONE, 0);
      }
      default -> throw new IllegalStateException("a node is told " + Mail.kind(mail));
    }
  }

  private void driverReceives(int mail, World world) {
    int client = Mail.client(mail);
    int device = Mail.device(mail);
    boolean known = device < DEAD && world.get(World.OWNER) == device;
    switch (Mail.kind(mail)) {
      case RESERVE -> reserve(world, client, Mail.argument(mail) == 1);
      case DESTROY -> {
        if (known) {
          world.setDevice(
              device, World.DESTROYERS, world.device(device, World.DESTROYERS) | 1 << client);
          tell(world, Mail.DRIVER, device, Kind.DESTROY, client, Mail.argument(mail));
        } else if (!isMissing(Safeguard.LATE_DESTROYER_ANSWERED)) {
          world.send(Mail.of(Mail.DRIVER, client, Kind.NOT_DESTROYED, client, NONE, ENXIO));
        }
      }
      case CANCEL -> {
        if (known) {
          tell(world, Mail.DRIVER, device, Kind.CANCEL, client, 0);
        }
      }
      case DESTROY_REFUSED -> {
        int destroyers = known ? world.device(device, World.DESTROYERS) : 0;
        if ((destroyers & 1 << client) != 0) {
          if (!isMissing(Safeguard.REFUSED_DESTROYER_FORGOTTEN)) {
            world.setDevice(device, World.DESTROYERS, destroyers & ~(1 << client));
          }
          world.send(
              Mail.of(Mail.DRIVER, client, Kind.NOT_DESTROYED, client, NONE, Mail.argument(mail)));
        }
      }
      case FREE_UNIT_EARLY -> world.set(World.OWNER, NONE);
      case FREE_UNIT -> free(world, device);
      default -> throw new IllegalStateException("a driver is told " + Mail.kind(mail));
    }
  }

  private void reserve(World world, int client, boolean transientDevice) {
    boolean taken = world.get(World.NAME) != NONE && !isMissing(Safeguard.NAME_CHECKED);
    if (world.get(World.OWNER) != NONE || taken) {
      world.send(Mail.of(Mail.DRIVER, client, Kind.CREATE_FAILED, client, NONE, 0));
      return;
    }
    int device = world.used(0) ? 1 : 0;
    world.set(World.OWNER, device);
    world.set(World.NAME, device);
    world.setDevice(device, World.FLAGS, World.USED);
    world.setState(device, core.creating(transientDevice));
    world.setDevice(device, World.HOLDER, NONE);
    world.setDevice(device, World.CREATOR, client);
    world.setDevice(device, World.MOVER, NONE);
    world.setDevice(device, World.REGISTERED, PRESENT);
    world.send(Mail.of(Mail.LANE + device, Mail.SOFTC + device, Kind.READY, NONE, device, 0));
  }

  private void free(World world, int device) {
    require(
        !world.anyTo(Mail.NODE + device), Rule.DEAD_LETTER, "a node is stopped with mail unread");
    if (world.get(World.OWNER) == device) {
      world.set(World.OWNER, NONE);
    }
    if (device < DEAD && !isMissing(Safeguard.STOPPED_BY_DRIVER)) {
      tell(world, Mail.DRIVER, device, Kind.STOP, NONE, 0);
      world.flag(device, World.STOPPING, true);
      for (int client = 0; client < clients; client++) {
        if ((world.device(device, World.DESTROYERS) & 1 << client) != 0) {
          world.send(Mail.of(Mail.DRIVER, client, Kind.GONE, client, NONE, 0));
        }
      }
      world.setDevice(device, World.DESTROYERS, 0);
    }
  }

  private void vnetReceives(int mail, World world, boolean otherwise) {
    int vnet = Mail.to(mail) - Mail.VNET;
    int other = 1 - vnet;
    int device = Mail.device(mail);
    int client = Mail.client(mail);
    int here = device < DEAD ? world.device(device, World.REGISTERED + vnet) : 0;
    boolean present = (here & PRESENT) != 0;
    boolean departing = (here & DEPARTING) != 0;
    switch (Mail.kind(mail)) {
      case RENAME -> {
        if (!present || departing || (here & SETTLED) == 0) {
          refuse(world, vnet, client);
        } else {
          int renamed = here ^ RENAMED;
          register(world, vnet, device, renamed);
          tell(
              world,
              Mail.VNET + vnet,
              device,
              Kind.RENAMED,
              client,
              (renamed & RENAMED) != 0 ? 1 : 0);
        }
      }
      case MOVE -> {
        if (!present || departing || (here & SETTLED) == 0) {
          refuse(world, vnet, client);
        } else {
          register(world, vnet, device, here | DEPARTING);
          world.setDevice(device, World.MOVER, client);
          send(world, vnet, other, Kind.ADOPT, NONE, device, (here & RENAMED) != 0 ? 1 : 0);
        }
      }
      case ADOPT -> {
        require(device < DEAD, Rule.DEAD_LETTER, "a vnet adopts a device that is gone");
        if (otherwise || device == DEAD) {
          send(world, vnet, other, Kind.ADOPT_REFUSED, NONE, device, 0);
        } else {
          require(!present, Rule.STATE, "a vnet adopts what it has");
          register(
              world, vnet, device, PRESENT | ARRIVING | (Mail.argument(mail) == 1 ? RENAMED : 0));
          send(world, vnet, other, Kind.ADOPTED, NONE, device, 0);
        }
      }
      case ADOPTED -> {
        if (present && departing) {
          register(world, vnet, device, here | ADOPTED);
          if ((here & DETACHING) != 0) {
            letGo(world, vnet, device);
          } else {
            tell(world, Mail.VNET + vnet, device, Kind.MOVED, NONE, other);
          }
        }
      }
      case ADOPT_REFUSED -> {
        if (present && departing) {
          if ((here & DETACHING) != 0) {
            letGo(world, vnet, device);
          } else {
            register(world, vnet, device, here & ~DEPARTING);
            refuse(world, vnet, world.device(device, World.MOVER));
            world.setDevice(device, World.MOVER, NONE);
          }
        }
      }
      case MOVE_CARRIED_OUT -> {
        if (present && departing) {
          int mover = world.device(device, World.MOVER);
          world.setDevice(device, World.MOVER, NONE);
          register(world, vnet, device, 0);
          send(world, vnet, other, Kind.ARRIVED, mover, device, 0);
        }
      }
      case ARRIVED -> {
        if (present) {
          register(world, vnet, device, (here & HUSK) != 0 ? 0 : (here & ~ARRIVING) | SETTLED);
        }
        world.send(Mail.of(Mail.VNET + vnet, client, Kind.DONE, client, NONE, 0));
      }
      case ATTACHED -> {
        if (present) {
          register(world, vnet, device, here | SETTLED);
        }
      }
      case DROP -> {
        if (present) {
          register(world, vnet, device, 0);
        }
      }
      case DETACHED -> detached(world, vnet, device, here);
      default -> throw new IllegalStateException("a vnet is told " + Mail.kind(mail));
    }
  }

  private void detached(World world, int vnet, int device, int here) {
    if ((here & PRESENT) == 0) {
      acknowledge(world, vnet, device);
    } else if ((here & ARRIVING) != 0) {
      register(world, vnet, device, here | HUSK);
      acknowledge(world, vnet, device);
    } else if ((here & DEPARTING) == 0) {
      register(world, vnet, device, 0);
      acknowledge(world, vnet, device);
    } else if ((here & ADOPTED) == 0 && !isMissing(Safeguard.DETACH_WAITS_FOR_ADOPTION)) {
      register(world, vnet, device, here | DETACHING);
    } else {
      letGo(world, vnet, device);
    }
  }

  private void letGo(World world, int vnet, int device) {
    if ((world.device(device, World.REGISTERED + vnet) & ADOPTED) != 0) {
      send(world, vnet, 1 - vnet, Kind.DROP, NONE, device, 0);
    }
    register(world, vnet, device, 0);
    refuse(world, vnet, world.device(device, World.MOVER));
    world.setDevice(device, World.MOVER, NONE);
    acknowledge(world, vnet, device);
  }

  private void acknowledge(World world, int vnet, int device) {
    if (!isMissing(Safeguard.DETACH_ACKNOWLEDGED)) {
      tell(world, Mail.VNET + vnet, device, Kind.DETACH_ACKNOWLEDGED, NONE, 0);
    }
  }

  private static void register(World world, int vnet, int device, int bits) {
    world.setDevice(device, World.REGISTERED + vnet, bits);
  }

  private static void refuse(World world, int vnet, int client) {
    world.send(Mail.of(Mail.VNET + vnet, client, Kind.REFUSED, client, NONE, 0));
  }

  private static void send(
      World world, int from, int to, Kind kind, int client, int device, int argument) {
    world.send(Mail.of(Mail.VNET + from, Mail.VNET + to, kind, client, device, argument));
  }

  /** Tells a softc something. */
  private void tell(World world, int from, int device, Kind kind, int client, int argument) {
    boolean reads = device < DEAD && world.used(device) && !world.has(device, World.STOPPING);
    require(reads, Rule.DEAD_LETTER, kind + " is told to a softc that stops");
    if (reads) {
      world.send(Mail.of(from, Mail.SOFTC + device, kind, client, device, argument));
    }
  }

  private void happen(int transition, World world, int device, SoftcEvent event) {
    CoreSteps.Outcome outcome = core.step(world.state(device), event);
    world.setState(device, outcome.after());
    checkStep(transition, outcome, event);
    boolean deferred =
        isMissing(Safeguard.DEFERRED_UNBIND)
            && outcome.effects().contains(new SoftcEffect.DeferUnbindNode());
    if (deferred) {
      world.flag(device, World.WAITS_IN_CLOSE, true);
    }
    if (event instanceof SoftcEvent.NodeUnbound && world.has(device, World.WAITS_IN_CLOSE)) {
      world.flag(device, World.WAITS_IN_CLOSE, false);
      if (world.has(device, World.CLOSE_UNREPORTED)) {
        reportClosed(world, device);
      }
    }
    for (SoftcEffect effect : outcome.effects()) {
      if (deferred && effect instanceof SoftcEffect.ReportClosed) {
        world.flag(device, World.CLOSE_UNREPORTED, true);
      } else {
        carryOut(world, device, outcome, effect);
      }
    }
  }

  private void checkStep(int transition, CoreSteps.Outcome outcome, SoftcEvent event) {
    SoftcState before = outcome.before();
    SoftcState after = outcome.state();
    if (after.phase() == Phase.TEARDOWN && inService(before)) {
      boolean forced =
          event instanceof SoftcEvent.Lost
              || (event instanceof SoftcEvent.Destroy(_, var policy)
                  && policy == DestroyPolicy.FORCE);
      boolean ends =
          event instanceof SoftcEvent.Flushed || event instanceof SoftcEvent.AliasSwapped;
      require(
          forced || before.busy() == (ends ? 1 : 0),
          Rule.FORCE,
          "torn down with busy " + before.busy() + " by " + describe(transition));
    }
    if (event instanceof SoftcEvent.CancelDestroy(var waiter) && !outcome.effects().isEmpty()) {
      require(before.busy() != 0, Rule.CANCEL, "EINTR although busy was 0");
      require(
          !after.waiters().contains(waiter)
              && after.phase() == before.phase()
              && after.condemned() == before.condemned(),
          Rule.TRACE,
          "EINTR left " + after);
    }
  }

  private void carryOut(World world, int device, CoreSteps.Outcome outcome, SoftcEffect effect) {
    int self = Mail.SOFTC + device;
    switch (effect) {
      case SoftcEffect.PublishPointer _ -> {
        world.setDevice(device, World.POINTER, World.SOFTC);
        world.send(Mail.of(self, vnetOf(world, device), Kind.ATTACHED, NONE, device, 0));
      }
      case SoftcEffect.ReportCreated _ -> created(world, device, Kind.CREATED);
      case SoftcEffect.ReportCreateFailed _ -> created(world, device, Kind.CREATE_FAILED);
      case SoftcEffect.Confirm(var request) -> reply(world, device, request, Kind.CONFIRMED);
      case SoftcEffect.Refuse(var request, _, _) -> reply(world, device, request, Kind.REFUSED);
      case SoftcEffect.SwapAlias(var request, var newName) ->
          tellNode(world, device, Kind.SWAP, client(request), newName.equals("x") ? 1 : 0);
      case SoftcEffect.ConfirmMove(var vnet) -> {
        int source = vnetOf(world, device);
        world.setDevice(device, World.IN_VNET, VNETS.indexOf(vnet));
        world.send(Mail.of(self, source, Kind.MOVE_CARRIED_OUT, NONE, device, 0));
      }
      case SoftcEffect.GrantOpen(var opener) -> {
        SoftcState before = outcome.before();
        require(!before.dying(), Rule.OPEN, "an open is granted while " + before.phase() + " dies");
        require(
            world.device(device, World.HOLDER) == NONE,
            Rule.OPEN,
            "an open is granted to a second holder");
        world.setDevice(device, World.HOLDER, client(opener.handle()));
        world.setDevice(device, World.HANDLE_END, 0);
        reply(world, device, opener.handle(), Kind.OPENED);
      }
      case SoftcEffect.RefuseOpen(var opener, _, _) ->
          reply(world, device, opener.handle(), Kind.OPEN_REFUSED);
      case SoftcEffect.LinkDown _ -> fromLane(world, device, Kind.FLUSHED);
      case SoftcEffect.ReportClosed _ -> reportClosed(world, device);
      case SoftcEffect.Revoke _ -> revoke(world, device);
      case SoftcEffect.RefuseDestroy(var waiter, var errno, _) ->
          world.send(
              Mail.of(
                  self,
                  Mail.DRIVER,
                  Kind.DESTROY_REFUSED,
                  client(waiter),
                  device,
                  errno == Errno.EINTR ? EINTR : EBUSY));
      case SoftcEffect.StoreSentinel _ -> {
        if (!isMissing(Safeguard.SENTINEL)) {
          world.setDevice(device, World.POINTER, World.SENTINEL);
        }
      }
      case SoftcEffect.UnbindNode _, SoftcEffect.DeferUnbindNode _ -> {
        once(world, device, DID_UNBIND, effect);
        tellNode(world, device, Kind.UNBIND, NONE, 0);
      }
      case SoftcEffect.Detach _ -> {
        once(world, device, DID_DETACH, effect);
        world.send(Mail.of(self, vnetOf(world, device), Kind.DETACHED, NONE, device, 0));
        if (isMissing(Safeguard.DETACH_ACKNOWLEDGED)) {
          fromLane(world, device, Kind.DETACH_ACKNOWLEDGED);
        }
        if (isMissing(Safeguard.UNIT_FREED_LAST)) {
          world.send(Mail.of(self, Mail.DRIVER, Kind.FREE_UNIT_EARLY, NONE, device, 0));
        }
      }
      case SoftcEffect.Quiesce _ -> {
        once(world, device, DID_QUIESCE, effect);
        world.setDevice(device, World.BACKEND, World.QUIESCING);
        fromLane(world, device, Kind.QUIESCED);
      }
      case SoftcEffect.Retire _ -> {
        once(world, device, DID_RETIRE, effect);
        world.flag(device, World.RETIRED, true);
        world.setDevice(
            device, World.GRACE, isMissing(Safeguard.GRACE_PERIOD) ? 0 : world.inside());
      }
      case SoftcEffect.Release _ -> {
        once(world, device, DID_RELEASE, effect);
        int backend = world.device(device, World.BACKEND);
        require(
            backend == World.QUIESCED || backend == World.FAILED,
            Rule.TOUCH,
            "a backend is released that was not quiesced");
        world.setDevice(device, World.BACKEND, World.RELEASED);
        fromLane(world, device, Kind.RELEASED);
      }
      case SoftcEffect.FreeUnit _ -> {
        once(world, device, DID_FREE, effect);
        reportClosed(world, device);
        world.send(Mail.of(self, Mail.DRIVER, Kind.FREE_UNIT, NONE, device, 0));
        if (isMissing(Safeguard.STOPPED_BY_DRIVER)) {
          require(!world.anyTo(self), Rule.DEAD_LETTER, "a softc stops with mail unread");
          world.flag(device, World.STOPPING, true);
        }
      }
      case SoftcEffect.ApplyInterface _,
          SoftcEffect.FlushQueue _,
          SoftcEffect.AnnounceLink _,
          SoftcEffect.LogForeignClose _,
          SoftcEffect.LinkUp _ -> {}
    }
  }

  private void once(World world, int device, int step, SoftcEffect effect) {
    int steps = world.device(device, World.STEPS);
    require((steps & step) == 0, Rule.ONCE, effect + " for the second time");
    world.setDevice(device, World.STEPS, steps | step);
  }

  private void created(World world, int device, Kind kind) {
    int creator = world.device(device, World.CREATOR);
    world.send(Mail.of(Mail.SOFTC + device, creator, kind, creator, device, 0));
    world.setDevice(device, World.CREATOR, NONE);
  }

  private static void reply(World world, int device, long number, Kind kind) {
    int client = client(number);
    world.send(Mail.of(Mail.SOFTC + device, client, kind, client, device, 0));
  }

  private static void fromLane(World world, int device, Kind kind) {
    world.send(Mail.of(Mail.LANE + device, Mail.SOFTC + device, kind, NONE, device, 0));
  }

  private static void tellNode(World world, int device, Kind kind, int client, int argument) {
    world.send(Mail.of(Mail.SOFTC + device, Mail.NODE + device, kind, client, device, argument));
  }

  private static int vnetOf(World world, int device) {
    return Mail.VNET + world.device(device, World.IN_VNET);
  }

  /** Completes the closer's future, if it is not yet. */
  private static void reportClosed(World world, int device) {
    int holder = world.device(device, World.HOLDER);
    if (holder != NONE && world.device(device, World.HANDLE_END) == World.BY_USER) {
      reply(world, device, number(holder), Kind.CLOSED);
      world.setDevice(device, World.HOLDER, NONE);
      world.setDevice(device, World.HANDLE_END, 0);
    }
    world.flag(device, World.CLOSE_UNREPORTED, false);
  }

  private void revoke(World world, int device) {
    int holder = world.device(device, World.HOLDER);
    boolean onTheWay = world.count(Mail.SOFTC + device, Kind.OPENED) > 0;
    boolean misses =
        isMissing(Safeguard.REVOCATION) || (onTheWay && isMissing(Safeguard.REVOCATION_ON_THE_WAY));
    if (holder != NONE && world.device(device, World.HANDLE_END) == 0 && !misses) {
      world.setDevice(device, World.HANDLE_END, World.REVOKED);
    }
  }

  private static long number(int client) {
    return client + 1L;
  }

  private static int client(long number) {
    return (int) number - 1;
  }

  private static boolean inService(SoftcState state) {
    return switch (state.phase()) {
      case IDLE, OPEN, CLOSING -> true;
      case CREATING, TEARDOWN, GONE -> false;
    };
  }

  /**
   * Drops handles that have ended: each use of one fails at once and changes nothing. Forgets
   * devices that have stopped and of which no vnet knows any more.
   */
  private void tidy(World world) {
    for (int client = 0; client < clients; client++) {
      int handle = world.client(client, World.HANDLE);
      boolean reads =
          world.client(client, World.PLACE) == World.INSIDE
              && world.operation(client) == Operation.READ;
      boolean ended =
          handle == DEAD
              || (handle < DEAD && world.device(handle, World.HANDLE_END) == World.REVOKED);
      if (!reads && ended) {
        world.setClient(client, World.HANDLE, NONE);
      }
    }
    for (int device = 0; device < 2; device++) {
      if (world.has(device, World.STOPPING)) {
        readOut(world, device);
      }
      if (world.has(device, World.STOPPED)
          && world.device(device, World.REGISTERED) == 0
          && world.device(device, World.REGISTERED + 1) == 0) {
        world.clear(device);
      }
    }
    world.compact();
  }

  /**
   * A softc that was told to stop reads what it was told before, at once: it is GONE, so no order
   * of these messages and no delay of them makes a difference to anybody but through the answers,
   * and those may still take their time.
   */
  private void readOut(World world, int device) {
    int stop = -1;
    for (int i = 0; i < world.mails(); i++) {
      int mail = world.mail(i);
      if (Mail.toSoftc(mail) == device) {
        if (Mail.kind(mail) == Kind.STOP) {
          stop = i;
        } else {
          world.remove(i);
          softcReceives(mail, world, false);
          readOut(world, device);
          return;
        }
      }
    }
    if (stop >= 0) {
      int mail = world.mail(stop);
      world.remove(stop);
      softcReceives(mail, world, false);
    }
  }

  private void check(World world) {
    int lives = 0;
    int owner = world.get(World.OWNER);
    for (int device = 0; device < 2; device++) {
      if (!world.used(device)) {
        continue;
      }
      SoftcState state = state(world, device);
      if (state.phase() != Phase.GONE) {
        lives++;
      }
      int backend = world.device(device, World.BACKEND);
      require(
          owner == device
              || (world.get(World.NAME) != device
                  && world.get(World.ALIAS) != device
                  && (backend == World.RELEASED || backend == World.FAILED)),
          Rule.UNIT,
          "the unit is free although its name is bound or its backend is not released");
      if (inService(state)) {
        int renames =
            world.count(Mail.NODE + device, Kind.SWAP)
                + world.count(Mail.NODE + device, Kind.SWAPPED);
        int held = world.device(device, World.HOLDER) == NONE ? 0 : 1;
        require(
            state.busy() == held + renames,
            Rule.BUSY,
            "busy is " + state.busy() + " with " + held + " holder and " + renames + " renames");
        require(
            !state.dying() || state.busy() != 0,
            Rule.WAITER,
            "a destroyer waits for a device that is not busy");
      }
    }
    require(lives <= 1, Rule.ONE_LIFE, "two softcs of one unit live");
  }

  /** Nothing is under way: is anything owed? */
  private void checkQuiescent(World world) {
    for (int device = 0; device < 2; device++) {
      if (world.used(device)) {
        Phase phase = state(world, device).phase();
        require(
            phase == Phase.IDLE || phase == Phase.OPEN,
            Rule.DEADLOCK,
            "nothing is in flight and the softc stays in " + phase);
      }
    }
    for (int client = 0; client < clients; client++) {
      if (world.client(client, World.PLACE) != World.IDLE) {
        boolean helped =
            world.operation(client) == Operation.DESTROY_WAIT && somebodyCanHelp(world);
        require(
            helped,
            Rule.DEADLOCK,
            "nothing is in flight and c" + client + " waits for " + world.operation(client));
      }
    }
  }

  private boolean somebodyCanHelp(World world) {
    for (int client = 0; client < clients; client++) {
      int place = world.client(client, World.PLACE);
      boolean canClose = place == World.IDLE && world.client(client, World.HANDLE) != NONE;
      boolean canCancel =
          place == World.WAITING
              && world.operation(client) == Operation.DESTROY_WAIT
              && operations.contains(Operation.CANCEL);
      if (canClose || canCancel) {
        return true;
      }
    }
    return false;
  }
}
