package io.vnet.actors.core.search;

/**
 * A message in flight, in 20 bits: receiver, sender, kind, the client that it is about, the device
 * that it is about, and an argument.
 */
@SuppressWarnings("EnumOrdinal") // how constants are packed into bits, for one run
final class Mail {
  /** A softc that has stopped; as a device, one that is gone. */
  static final int DEAD = 2;

  /** No device, no client. */
  static final int NONE = 3;

  static final int SOFTC = 4;
  static final int NODE = 7;
  static final int VNET = 9;
  static final int DRIVER = 11;
  static final int LANE = 12;
  static final int ANYBODY = 15;

  private static final String[] ADDRESSES = {
    "c0",
    "c1",
    "c2",
    "c3",
    "softc",
    "softc'",
    "dead softc",
    "node",
    "node'",
    "vnet0",
    "vnet1",
    "driver",
    "lane",
    "lane'",
    "?",
    "?"
  };

  /** What it says. */
  enum Kind {
    RESERVE,
    DESTROY,
    CANCEL,
    OPEN,
    CLOSE,
    TRANSIENT,
    RENAME,
    MOVE,
    STOP,
    CREATED,
    CREATE_FAILED,
    OPENED,
    OPEN_REFUSED,
    CLOSED,
    CONFIRMED,
    GONE,
    NOT_DESTROYED,
    DESTROY_REFUSED,
    FREE_UNIT,
    FREE_UNIT_EARLY,
    SWAP,
    UNBIND,
    SWAPPED,
    UNBOUND,
    READY,
    FLUSHED,
    QUIESCED,
    RELEASED,
    ATTACHED,
    DETACHED,
    MOVE_CARRIED_OUT,
    RENAMED,
    MOVED,
    DETACH_ACKNOWLEDGED,
    ADOPT,
    ADOPTED,
    ADOPT_REFUSED,
    ARRIVED,
    DROP,
    DONE,
    REFUSED
  }

  private static final Kind[] KINDS = Kind.values();

  private Mail() {}

  static int of(int from, int to, Kind kind, int client, int device, int argument) {
    int sender = to == NODE || to == NODE + 1 ? ANYBODY : from;
    return to << 16 | sender << 12 | kind.ordinal() << 6 | client << 4 | device << 2 | argument;
  }

  /** Two messages of one channel are delivered in their order. */
  static int channel(int mail) {
    return mail >>> 12;
  }

  static int to(int mail) {
    return mail >>> 16;
  }

  static int from(int mail) {
    return mail >>> 12 & 15;
  }

  static Kind kind(int mail) {
    return KINDS[mail >>> 6 & 63];
  }

  static int client(int mail) {
    return mail >>> 4 & 3;
  }

  static int device(int mail) {
    return mail >>> 2 & 3;
  }

  static int argument(int mail) {
    return mail & 3;
  }

  /** The device whose softc receives it, or -1. */
  static int toSoftc(int mail) {
    int device = to(mail) - SOFTC;
    return device == 0 || device == 1 ? device : -1;
  }

  /** Whether it changes nothing: its receiver is gone, or no longer knows the device. */
  static boolean isIdle(int mail) {
    boolean deadNode = to(mail) == ANYBODY;
    return deadNode || (device(mail) == DEAD && meansNothingOfTheDead(kind(mail)));
  }

  private static boolean meansNothingOfTheDead(Kind kind) {
    return switch (kind) {
      case CANCEL, DESTROY_REFUSED, ATTACHED, DROP, ADOPTED, ADOPT_REFUSED, MOVE_CARRIED_OUT ->
          true;
      default -> false;
    };
  }

  /** The same message when devices have got other numbers. */
  static int renumbered(int mail, int[] numbers) {
    int about = device(mail);
    return (address(to(mail), numbers) << 16 | address(from(mail), numbers) << 12)
        | (mail & 0xFF3)
        | (about == NONE ? NONE : numbers[about]) << 2;
  }

  private static int address(int address, int[] numbers) {
    if (address >= SOFTC && address <= SOFTC + DEAD) {
      return SOFTC + numbers[address - SOFTC];
    }
    if (address == NODE || address == NODE + 1) {
      return numbers[address - NODE] == DEAD ? ANYBODY : NODE + numbers[address - NODE];
    }
    if (address == LANE || address == LANE + 1) {
      return numbers[address - LANE] == DEAD ? ANYBODY : LANE + numbers[address - LANE];
    }
    return address;
  }

  static String describe(int mail) {
    StringBuilder text = new StringBuilder();
    if (from(mail) != ANYBODY) {
      text.append(ADDRESSES[from(mail)]);
    }
    text.append("->").append(ADDRESSES[to(mail)]).append(' ').append(kind(mail));
    if (client(mail) != NONE) {
      text.append(" c").append(client(mail));
    }
    if (device(mail) == DEAD) {
      text.append(" of a device that is gone");
    }
    if (argument(mail) != 0) {
      text.append(" (").append(argument(mail)).append(')');
    }
    return text.toString();
  }
}
