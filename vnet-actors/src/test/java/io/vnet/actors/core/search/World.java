package io.vnet.actors.core.search;

import static io.vnet.actors.core.search.Mail.DEAD;
import static io.vnet.actors.core.search.Mail.NONE;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * One state of all: a row of small numbers, and the messages in flight, sorted by channel.
 *
 * <p>A device has number 0 or 1; 1 only while a device 0 has not stopped yet. A softc that has
 * stopped is no identity any more: whoever names it names {@link Mail#DEAD}.
 */
@SuppressWarnings("EnumOrdinal") // how constants are packed into bits, for one run
final class World {
  /** Whose unit it is, in the driver. */
  static final int OWNER = 0;

  /** Whose node the unit's name finds, and the alias's. */
  static final int NAME = 1;

  static final int ALIAS = 2;

  private static final int DEVICES = 3;
  private static final int DEVICE_CELLS = 15;

  /** Number of the softc's state, high byte and low byte. */
  static final int STATE = 0;

  static final int POINTER = 2;
  static final int BACKEND = 3;
  static final int HOLDER = 4;
  static final int HANDLE_END = 5;

  /** Clients inside a section that began before the retire. */
  static final int GRACE = 6;

  static final int FLAGS = 7;

  /** Steps of the teardown that were begun. */
  static final int STEPS = 8;

  /** Where the softc believes to be. */
  static final int IN_VNET = 9;

  static final int CREATOR = 10;
  static final int DESTROYERS = 11;
  static final int MOVER = 12;

  /** What vnet 0 knows of the interface; vnet 1 in the next cell. */
  static final int REGISTERED = 13;

  static final int UNINITIALISED = 0;
  static final int SOFTC = 1;
  static final int SENTINEL = 2;

  static final int OPENING = 0;
  static final int LIVE = 1;
  static final int QUIESCING = 2;
  static final int QUIESCED = 3;
  static final int FAILED = 4;
  static final int RELEASED = 5;

  static final int BY_USER = 1;
  static final int REVOKED = 2;

  static final int USED = 1;
  static final int STOPPING = 2;
  static final int NODE_UNBOUND = 4;
  static final int RETIRED = 8;
  static final int WAITS_IN_CLOSE = 16;
  static final int CLOSE_UNREPORTED = 32;

  /** The softc has stopped; a vnet may still have it in its books. */
  static final int STOPPED = 64;

  private static final int CLIENT_CELLS = 4;

  static final int OPERATION = 0;
  static final int PLACE = 1;
  static final int DEVICE = 2;
  static final int HANDLE = 3;

  static final int IDLE = 0;
  static final int INSIDE = 1;
  static final int OUTSIDE = 2;
  static final int WAITING = 3;
  static final int CANCELLING = 4;

  static final Operation[] OPERATIONS = Operation.values();

  final int clients;
  private final byte[] cells;
  private int[] mail;
  private int mails;

  World(int clients) {
    this.clients = clients;
    this.cells = new byte[DEVICES + 2 * DEVICE_CELLS + clients * CLIENT_CELLS];
    this.mail = new int[8];
    cells[OWNER] = NONE;
    cells[NAME] = NONE;
    cells[ALIAS] = NONE;
    for (int client = 0; client < clients; client++) {
      setClient(client, DEVICE, NONE);
      setClient(client, HANDLE, NONE);
    }
  }

  private World(World from) {
    clients = from.clients;
    cells = from.cells.clone();
    mail = from.mail.clone();
    mails = from.mails;
  }

  World(int clients, byte[] bytes, int from, int to) {
    this(clients);
    System.arraycopy(bytes, from, cells, 0, cells.length);
    mails = (to - from - cells.length) / 3;
    mail = new int[mails + 4];
    int at = from + cells.length;
    for (int i = 0; i < mails; i++) {
      mail[i] = (bytes[at++] & 255) << 16 | (bytes[at++] & 255) << 8 | (bytes[at++] & 255);
    }
  }

  World copy() {
    return new World(this);
  }

  /** Writes it down; the number of bytes. */
  int encode(byte[] into, int at) {
    System.arraycopy(cells, 0, into, at, cells.length);
    int next = at + cells.length;
    for (int i = 0; i < mails; i++) {
      into[next++] = (byte) (mail[i] >>> 16);
      into[next++] = (byte) (mail[i] >>> 8);
      into[next++] = (byte) mail[i];
    }
    return next - at;
  }

  int get(int cell) {
    return cells[cell];
  }

  void set(int cell, int value) {
    cells[cell] = (byte) value;
  }

  int device(int device, int cell) {
    return cells[DEVICES + device * DEVICE_CELLS + cell];
  }

  void setDevice(int device, int cell, int value) {
    cells[DEVICES + device * DEVICE_CELLS + cell] = (byte) value;
  }

  int client(int client, int cell) {
    return cells[DEVICES + 2 * DEVICE_CELLS + client * CLIENT_CELLS + cell];
  }

  void setClient(int client, int cell, int value) {
    cells[DEVICES + 2 * DEVICE_CELLS + client * CLIENT_CELLS + cell] = (byte) value;
  }

  int state(int device) {
    return (device(device, STATE) & 255) << 8 | (device(device, STATE + 1) & 255);
  }

  void setState(int device, int number) {
    setDevice(device, STATE, number >>> 8);
    setDevice(device, STATE + 1, number);
  }

  boolean has(int device, int flag) {
    return (device(device, FLAGS) & flag) != 0;
  }

  void flag(int device, int flag, boolean on) {
    int flags = device(device, FLAGS);
    setDevice(device, FLAGS, on ? flags | flag : flags & ~flag);
  }

  boolean used(int device) {
    return has(device, USED);
  }

  Operation operation(int client) {
    return OPERATIONS[client(client, OPERATION)];
  }

  void place(int client, Operation operation, int place, int device) {
    setClient(client, OPERATION, operation.ordinal());
    setClient(client, PLACE, place);
    setClient(client, DEVICE, device);
  }

  void idle(int client) {
    place(client, Operation.CREATE, IDLE, NONE);
  }

  int mails() {
    return mails;
  }

  int mail(int index) {
    return mail[index];
  }

  /** Whether it is the oldest of its channel. */
  boolean isHead(int index) {
    return index == 0 || Mail.channel(mail[index - 1]) != Mail.channel(mail[index]);
  }

  void send(int message) {
    int at = mails;
    while (at > 0 && Mail.channel(mail[at - 1]) > Mail.channel(message)) {
      at--;
    }
    if (mails == mail.length) {
      mail = Arrays.copyOf(mail, mails + 8);
    }
    System.arraycopy(mail, at, mail, at + 1, mails - at);
    mail[at] = message;
    mails++;
  }

  void remove(int index) {
    mails--;
    System.arraycopy(mail, index + 1, mail, index, mails - index);
  }

  boolean anyTo(int address) {
    for (int i = 0; i < mails; i++) {
      if (Mail.to(mail[i]) == address) {
        return true;
      }
    }
    return false;
  }

  boolean anyToBut(int address, Mail.Kind kind) {
    for (int i = 0; i < mails; i++) {
      if (Mail.to(mail[i]) == address && Mail.kind(mail[i]) != kind) {
        return true;
      }
    }
    return false;
  }

  /** How many of a kind go to or come from somebody. */
  int count(int address, Mail.Kind kind) {
    int count = 0;
    for (int i = 0; i < mails; i++) {
      if (Mail.kind(mail[i]) == kind
          && (Mail.to(mail[i]) == address || Mail.from(mail[i]) == address)) {
        count++;
      }
    }
    return count;
  }

  /** Bits of the clients that are inside a section. */
  int inside() {
    int inside = 0;
    for (int client = 0; client < clients; client++) {
      if (client(client, PLACE) == INSIDE) {
        inside |= 1 << client;
      }
    }
    return inside;
  }

  /** A device that is not used any more gives up its number. */
  void clear(int device) {
    renumber(device == 0 ? new int[] {DEAD, 1, DEAD} : new int[] {0, DEAD, DEAD});
    Arrays.fill(
        cells, DEVICES + device * DEVICE_CELLS, DEVICES + (device + 1) * DEVICE_CELLS, (byte) 0);
  }

  /** The only device has number 0. */
  void compact() {
    if (!used(0) && used(1)) {
      renumber(new int[] {1, 0, DEAD});
      for (int cell = 0; cell < DEVICE_CELLS; cell++) {
        setDevice(0, cell, device(1, cell));
        setDevice(1, cell, 0);
      }
    }
  }

  private void renumber(int[] numbers) {
    for (int cell : new int[] {OWNER, NAME, ALIAS}) {
      if (cells[cell] != NONE) {
        cells[cell] = (byte) numbers[cells[cell]];
      }
    }
    for (int client = 0; client < clients; client++) {
      for (int cell : new int[] {DEVICE, HANDLE}) {
        int device = client(client, cell);
        if (device != NONE) {
          setClient(client, cell, numbers[device]);
        }
      }
    }
    int[] old = Arrays.copyOf(mail, mails);
    mails = 0;
    for (int message : old) {
      int renumbered = Mail.renumbered(message, numbers);
      if (!Mail.isIdle(renumbered)) {
        send(renumbered);
      }
    }
  }

  String describe(CoreSteps core) {
    List<String> parts = new ArrayList<>();
    parts.add("unit=" + whose(OWNER) + " name=" + whose(NAME) + " alias=" + whose(ALIAS));
    for (int device = 0; device < 2; device++) {
      if (used(device)) {
        parts.add(describeDevice(core, device));
      }
    }
    for (int client = 0; client < clients; client++) {
      int place = client(client, PLACE);
      if (place != IDLE || client(client, HANDLE) != NONE) {
        parts.add(
            "c"
                + client
                + (place == IDLE ? "" : " " + operation(client))
                + new String[] {"", " inside", " outside", " waits", " cancels"}[place]
                + (client(client, HANDLE) == NONE ? "" : " with handle"));
      }
    }
    List<String> flying = new ArrayList<>();
    for (int i = 0; i < mails; i++) {
      flying.add(Mail.describe(mail[i]));
    }
    return String.join("; ", parts) + "; in flight " + flying;
  }

  private String whose(int cell) {
    return switch (cells[cell]) {
      case 0 -> "dev";
      case 1 -> "dev'";
      case DEAD -> "dead";
      default -> "-";
    };
  }

  private String describeDevice(CoreSteps core, int device) {
    var state = core.state(state(device));
    StringBuilder text = new StringBuilder(device == 0 ? "dev " : "dev' ");
    text.append(state.phase());
    if (state.condemned()) {
      text.append(" condemned");
    }
    if (state.transientDevice()) {
      text.append(" transient");
    }
    state.holder().ifPresent(holder -> text.append(" held by c").append(holder.handle() - 1));
    state.parked().ifPresent(parked -> text.append(" parked c").append(parked.handle() - 1));
    if (!state.waiters().isEmpty()) {
      text.append(" waiters ")
          .append(state.waiters().stream().map(waiter -> "c" + (waiter - 1)).toList());
    }
    if (state.renames() != 0) {
      text.append(" renames ").append(state.renames());
    }
    text.append(" pointer=")
        .append(new String[] {"none", "softc", "sentinel"}[device(device, POINTER)])
        .append(" backend=")
        .append(
            new String[] {"opening", "live", "quiescing", "quiesced", "failed", "released"}
                [device(device, BACKEND)]);
    if (has(device, RETIRED)) {
      text.append(" grace for ").append(Integer.toBinaryString(device(device, GRACE)));
    }
    return text.toString();
  }
}
