package io.vnet.actors.race;

import static io.vnet.api.device.DestroyPolicy.FORCE;
import static io.vnet.api.device.DestroyPolicy.REFUSE;
import static io.vnet.api.device.DestroyPolicy.WAIT;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * The races, and what each has to answer: if_tuntap specification, sections 2.3 and 5.8, with the
 * deviations that docs/if_tuntap.md names.
 */
final class Races {
  /** The pairs that the specification names, in its order. */
  static final List<String> NAMED =
      List.of(
          "open‖open",
          "open‖close",
          "open‖destroy",
          "open‖transient close",
          "read‖close",
          "read‖destroy",
          "read‖down",
          "write‖destroy",
          "write‖down",
          "output‖open",
          "output‖close",
          "output‖destroy",
          "ioctl‖destroy",
          "rename‖destroy",
          "rename‖transient close",
          "destroy‖destroy",
          "destroy‖signal",
          "destroy‖last close",
          "destroy‖transient last close",
          "move‖close",
          "move‖destroy",
          "unload‖open",
          "unload‖transient",
          "create‖destroy of the same unit",
          "create‖deferred node removal",
          "jail removal‖open device",
          "poll‖close",
          "kqueue‖destroy");

  private static final Setting MEMORY = new Setting("idle", cast -> cast.memory());
  private static final Setting HELD = new Setting("open", cast -> cast.memory().open());
  private static final Setting TRANSIENT =
      new Setting("transient, open", cast -> cast.transientMemory().open());
  private static final Setting ON_HOST =
      new Setting("a host device, open", cast -> cast.onHost().open());
  private static final Setting NETWORK =
      new Setting("network attached", cast -> cast.memory().attached());
  private static final Setting HELD_NETWORK =
      new Setting("open, network attached", cast -> cast.memory().open().attached());
  private static final Setting QUEUED =
      new Setting(
          "open, one packet waits", cast -> cast.memory().open().attached().withPacketQueued());
  private static final Setting TWO_VNETS =
      new Setting("open, another vnet", cast -> cast.withOtherVnet().memory().open());
  private static final Setting IN_JAIL =
      new Setting(
          "open, born in the vnet",
          cast -> cast.withOtherVnet().creates(false, false, Cast.OTHER_VNET).open());

  private Races() {}

  /**
   * What there is before.
   *
   * @param text for people
   */
  record Setting(String text, Consumer<Cast> make) {}

  /** In which order. */
  enum Order {
    FIRST_THEN_SECOND,
    SECOND_THEN_FIRST,
    FIRST_STOPPED,
    SECOND_STOPPED
  }

  /**
   * One race.
   *
   * @param variant which, if there are several of the pair
   * @param setting what there is before
   * @param first what one side does
   * @param second what the other does
   * @param pair the specification's name
   * @param expected the answers of both, by order
   * @param also answers that other orders may give
   */
  record Race(
      String pair,
      String variant,
      Setting setting,
      Deed first,
      Deed second,
      List<String> expected,
      Set<String> also) {

    String name() {
      return variant.isEmpty() ? pair : pair + ", " + variant;
    }

    List<Order> orders() {
      List<Order> orders = new ArrayList<>();
      orders.add(Order.FIRST_THEN_SECOND);
      orders.add(Order.SECOND_THEN_FIRST);
      if (first.canStop()) {
        orders.add(Order.FIRST_STOPPED);
      }
      if (second.canStop()) {
        orders.add(Order.SECOND_STOPPED);
      }
      return orders;
    }

    String orderText(Order order) {
      return switch (order) {
        case FIRST_THEN_SECOND -> first.name() + " first";
        case SECOND_THEN_FIRST -> second.name() + " first";
        case FIRST_STOPPED -> first.name() + " stopped " + first.stopText();
        case SECOND_STOPPED -> second.name() + " stopped " + second.stopText();
      };
    }

    String expected(Order order) {
      return expected.get(orders().indexOf(order));
    }

    Set<String> allowed() {
      Set<String> allowed = new TreeSet<>(also);
      expected.forEach(answers -> allowed.add(atRest(answers)));
      return allowed;
    }

    /** What can be told of answers when nobody is stopped. */
    static String atRest(String answers) {
      return answers.replace("waits for the other, then ", "");
    }

    Race also(String... more) {
      return new Race(pair, variant, setting, first, second, expected, Set.of(more));
    }
  }

  private static Race race(
      String pair, String variant, Setting setting, Deed first, Deed second, String... expected) {
    return new Race(pair, variant, setting, first, second, List.of(expected), Set.of());
  }

  static List<Race> all() {
    return List.of(
        race(
            "open‖open",
            "",
            MEMORY,
            Deeds.open(),
            Deeds.secondOpen(),
            "granted / EBUSY",
            "EBUSY / granted",
            "EBUSY / granted",
            "granted / EBUSY"),
        race(
            "open‖close",
            "",
            HELD,
            Deeds.open(),
            Deeds.close(),
            "EBUSY / closed",
            "granted / closed",
            "granted / closed"),
        race(
            "open‖close",
            "host device",
            ON_HOST,
            Deeds.open(),
            Deeds.hostClose(),
            "EBUSY / closed",
            "granted / closed",
            "granted / closed",
            "waits for the other, then granted / closed"),
        race(
            "open‖destroy",
            "FORCE",
            MEMORY,
            Deeds.open(),
            Deeds.destroy(FORCE),
            "granted / gone",
            "ENXIO / gone",
            "EBUSY / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "open‖destroy",
            "WAIT",
            MEMORY,
            Deeds.open(),
            Deeds.destroy(WAIT),
            "granted / waits for the holder, then gone",
            "ENXIO / gone",
            "EBUSY / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "open‖destroy",
            "REFUSE",
            MEMORY,
            Deeds.open(),
            Deeds.destroy(REFUSE),
            "granted / EBUSY",
            "ENXIO / gone",
            "EBUSY / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "open‖transient close",
            "",
            TRANSIENT,
            Deeds.open(),
            Deeds.transientClose(),
            "EBUSY / closed",
            "ENXIO / closed",
            "EBUSY / closed",
            "ENXIO / closed"),
        race(
            "read‖close",
            "",
            HELD,
            Deeds.read(),
            Deeds.close(),
            "waits for the other, then EBADF / closed",
            "EBADF / closed",
            "EBADF / closed"),
        race(
            "read‖destroy",
            "FORCE",
            HELD,
            Deeds.read(),
            Deeds.destroy(FORCE),
            "waits for the other, then ENXIO / gone",
            "ENXIO / gone",
            "ENXIO / gone",
            "ENXIO / gone"),
        race(
            "read‖destroy",
            "WAIT",
            HELD,
            Deeds.read(),
            Deeds.destroy(WAIT),
            "waits for the holder, then EBADF / waits for the holder, then gone",
            "waits for the holder, then EBADF / waits for the holder, then gone",
            "waits for the holder, then EBADF / waits for the holder, then gone",
            "waits for the holder, then EBADF / waits for the holder, then gone"),
        race(
            "read‖destroy",
            "inside a call",
            ON_HOST,
            Deeds.hostRead(),
            Deeds.destroy(FORCE),
            "0 packets / gone",
            "ENXIO / gone",
            "0 packets / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "read‖down",
            "",
            QUEUED,
            Deeds.read(),
            Deeds.down(),
            "packet / done",
            "waits for the holder, then EBADF / done",
            "packet / done",
            "packet / done"),
        race(
            "write‖destroy",
            "FORCE",
            HELD_NETWORK,
            Deeds.write(),
            Deeds.destroy(FORCE),
            "1 passed on / gone",
            "ENXIO / gone",
            "ENXIO / gone"),
        race(
            "write‖destroy",
            "WAIT",
            HELD_NETWORK,
            Deeds.write(),
            Deeds.destroy(WAIT),
            "1 passed on / waits for the holder, then gone",
            "1 passed on / waits for the holder, then gone",
            "1 passed on / waits for the holder, then gone"),
        race(
            "write‖destroy",
            "inside a call",
            ON_HOST,
            Deeds.hostWrite(),
            Deeds.destroy(FORCE),
            "1 passed on / gone",
            "ENXIO / gone",
            "1 passed on / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "write‖down",
            "",
            HELD_NETWORK,
            Deeds.write(),
            Deeds.down(),
            "1 passed on / done",
            "dropped, INTERFACE_DOWN / done",
            "1 passed on / done"),
        race(
            "output‖open",
            "",
            NETWORK,
            Deeds.output(),
            Deeds.open(),
            "dropped, NOT_OPEN / granted",
            "1 queued / granted",
            "dropped, NOT_OPEN / granted"),
        race(
            "output‖close",
            "",
            HELD_NETWORK,
            Deeds.output(),
            Deeds.close(),
            "1 queued / closed",
            "dropped, NOT_OPEN / closed"),
        race(
            "output‖destroy",
            "FORCE",
            HELD_NETWORK,
            Deeds.output(),
            Deeds.destroy(FORCE),
            "1 queued / gone",
            "ENXIO / gone",
            "ENXIO / gone"),
        race(
            "output‖destroy",
            "WAIT",
            HELD_NETWORK,
            Deeds.output(),
            Deeds.destroy(WAIT),
            "1 queued / waits for the holder, then gone",
            "1 queued / waits for the holder, then gone",
            "1 queued / waits for the holder, then gone"),
        race(
            "ioctl‖destroy",
            "FORCE",
            HELD,
            Deeds.ioctl(),
            Deeds.destroy(FORCE),
            "done / gone",
            "ENXIO / gone",
            "ENXIO / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "ioctl‖destroy",
            "WAIT",
            HELD,
            Deeds.ioctl(),
            Deeds.destroy(WAIT),
            "done / waits for the holder, then gone",
            "done / waits for the holder, then gone",
            "done / waits for the holder, then gone",
            "done / waits for the holder, then gone"),
        race(
            "rename‖destroy",
            "FORCE",
            MEMORY,
            Deeds.rename(),
            Deeds.destroy(FORCE),
            "done / gone",
            "ENXIO / gone",
            "done / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "rename‖destroy",
            "WAIT",
            MEMORY,
            Deeds.rename(),
            Deeds.destroy(WAIT),
            "done / gone",
            "ENXIO / gone",
            "done / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "rename‖destroy",
            "REFUSE",
            MEMORY,
            Deeds.rename(),
            Deeds.destroy(REFUSE),
            "done / gone",
            "ENXIO / gone",
            "done / EBUSY",
            "ENXIO / gone"),
        race(
            "rename‖transient close",
            "",
            TRANSIENT,
            Deeds.rename(),
            Deeds.transientClose(),
            "done / closed",
            "ENXIO / closed",
            "done / closed",
            "ENXIO / closed"),
        race(
            "destroy‖destroy",
            "FORCE, FORCE",
            HELD,
            Deeds.destroy(FORCE),
            Deeds.secondDestroy(FORCE),
            "gone / ENXIO",
            "ENXIO / gone",
            "gone / waits for the other, then gone",
            "waits for the other, then gone / gone"),
        race(
            "destroy‖destroy",
            "WAIT, WAIT",
            HELD,
            Deeds.destroy(WAIT),
            Deeds.secondDestroy(WAIT),
            "waits for the holder, then gone / waits for the holder, then gone",
            "waits for the holder, then gone / waits for the holder, then gone",
            "waits for the holder, then gone / waits for the holder, then gone",
            "waits for the holder, then gone / waits for the holder, then gone"),
        race(
            "destroy‖destroy",
            "WAIT, FORCE",
            HELD,
            Deeds.destroy(WAIT),
            Deeds.secondDestroy(FORCE),
            "waits for the other, then gone / gone",
            "ENXIO / gone",
            "gone / waits for the other, then gone",
            "waits for the other, then gone / gone"),
        race(
            "destroy‖destroy",
            "WAIT, REFUSE",
            HELD,
            Deeds.destroy(WAIT),
            Deeds.secondDestroy(REFUSE),
            "waits for the holder, then gone / EBUSY",
            "waits for the holder, then gone / EBUSY",
            "waits for the holder, then gone / EBUSY",
            "waits for the holder, then gone / EBUSY"),
        race(
                "destroy‖destroy",
                "FORCE, REFUSE",
                HELD,
                Deeds.destroy(FORCE),
                Deeds.secondDestroy(REFUSE),
                "gone / ENXIO",
                "gone / EBUSY",
                "gone / EBUSY",
                "waits for the other, then gone / EBUSY")
            .also("gone / gone"),
        race(
            "destroy‖signal",
            "open",
            HELD,
            Deeds.destroy(WAIT),
            Deeds.signal(),
            "waits for the other, then EINTR / sent",
            "waits for the holder, then gone / sent",
            "EINTR / sent"),
        race(
            "destroy‖signal",
            "idle",
            MEMORY,
            Deeds.destroy(WAIT),
            Deeds.signal(),
            "gone / sent",
            "gone / sent",
            "gone / sent"),
        race(
            "destroy‖signal",
            "during the last close",
            ON_HOST,
            Deeds.signalledDestroy(),
            Deeds.hostClose(),
            "EINTR / closed",
            "gone / closed",
            "gone / closed",
            "EINTR / closed"),
        race(
            "destroy‖last close",
            "WAIT",
            ON_HOST,
            Deeds.destroy(WAIT),
            Deeds.hostClose(),
            "waits for the other, then gone / closed",
            "gone / closed",
            "gone / closed",
            "waits for the other, then gone / closed"),
        race(
            "destroy‖last close",
            "FORCE",
            ON_HOST,
            Deeds.destroy(FORCE),
            Deeds.hostClose(),
            "gone / closed",
            "gone / closed",
            "gone / waits for the other, then closed",
            "waits for the other, then gone / closed"),
        race(
            "destroy‖last close",
            "REFUSE",
            ON_HOST,
            Deeds.destroy(REFUSE),
            Deeds.hostClose(),
            "EBUSY / closed",
            "gone / closed",
            "EBUSY / closed",
            "EBUSY / closed"),
        race(
            "destroy‖transient last close",
            "WAIT",
            TRANSIENT,
            Deeds.destroy(WAIT),
            Deeds.transientClose(),
            "waits for the other, then gone / closed",
            "ENXIO / closed",
            "gone / closed",
            "waits for the other, then gone / closed"),
        race(
            "destroy‖transient last close",
            "FORCE",
            TRANSIENT,
            Deeds.destroy(FORCE),
            Deeds.transientClose(),
            "gone / closed",
            "ENXIO / closed",
            "gone / waits for the other, then closed",
            "waits for the other, then gone / closed"),
        race(
                "destroy‖transient last close",
                "REFUSE",
                TRANSIENT,
                Deeds.destroy(REFUSE),
                Deeds.transientClose(),
                "EBUSY / closed",
                "ENXIO / closed",
                "EBUSY / closed",
                "EBUSY / closed")
            .also("gone / closed"),
        race(
            "move‖close",
            "",
            TWO_VNETS,
            Deeds.move(),
            Deeds.close(),
            "done / closed",
            "done / closed",
            "done / closed"),
        race(
            "move‖destroy",
            "FORCE",
            TWO_VNETS,
            Deeds.move(),
            Deeds.destroy(FORCE),
            "done / gone",
            "ENXIO / gone",
            "ENXIO / waits for the other, then gone",
            "ENXIO / gone"),
        race(
            "move‖destroy",
            "WAIT",
            TWO_VNETS,
            Deeds.move(),
            Deeds.destroy(WAIT),
            "done / waits for the holder, then gone",
            "done / waits for the holder, then gone",
            "done / waits for the holder, then gone",
            "done / waits for the holder, then gone"),
        race(
            "unload‖open",
            "",
            MEMORY,
            Deeds.unload(),
            Deeds.open(),
            "ended / ENXIO",
            "ended / granted",
            "ended / ENXIO",
            "waits for the other, then ended / EBUSY"),
        race(
            "unload‖transient",
            "",
            TRANSIENT,
            Deeds.unload(),
            Deeds.transientClose(),
            "ended / closed",
            "ended / closed",
            "ended / waits for the other, then closed",
            "waits for the other, then ended / closed"),
        race(
            "create‖destroy of the same unit",
            "",
            MEMORY,
            Deeds.create(),
            Deeds.destroy(FORCE),
            "EEXIST / gone",
            "created / gone",
            "EEXIST / gone"),
        race(
            "create‖deferred node removal",
            "",
            TRANSIENT,
            Deeds.create(),
            Deeds.transientClose(),
            "EEXIST / closed",
            "created / closed",
            "EEXIST / closed"),
        race(
            "jail removal‖open device",
            "WAIT ‖ close",
            IN_JAIL,
            Deeds.removal(WAIT),
            Deeds.close(),
            "waits for the other, then done / closed",
            "done / closed",
            "done / closed"),
        race(
            "jail removal‖open device",
            "FORCE ‖ close",
            IN_JAIL,
            Deeds.removal(FORCE),
            Deeds.close(),
            "done / closed",
            "done / closed",
            "done / waits for the other, then closed"),
        race(
            "jail removal‖open device",
            "REFUSE ‖ close",
            IN_JAIL,
            Deeds.removal(REFUSE),
            Deeds.close(),
            "EBUSY / closed",
            "done / closed",
            "EBUSY / closed"),
        race(
            "poll‖close",
            "",
            HELD,
            Deeds.poll(),
            Deeds.close(),
            "waits for the other, then 0 packets, told the close / closed",
            "EBADF, told the close / closed",
            "EBADF, told the close / closed"),
        race(
            "kqueue‖destroy",
            "",
            HELD,
            Deeds.kqueue(),
            Deeds.destroy(FORCE),
            "waits for the other, then 0 packets, told ENXIO / gone",
            "ENXIO, told ENXIO / gone",
            "ENXIO, told ENXIO / gone",
            "ENXIO, told ENXIO / gone"));
  }
}
