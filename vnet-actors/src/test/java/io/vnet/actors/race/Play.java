package io.vnet.actors.race;

import io.vnet.actors.race.Races.Order;
import io.vnet.actors.race.Races.Race;
import io.vnet.actors.sim.Scene;

/** One race, played once, in one order. */
final class Play {
  private static final String FIRST = "first";
  private static final String SECOND = "second";
  private static final int MEANWHILE_MAX = 40;

  private final Scene scene;
  private final Race race;
  private final Cast cast;
  private final Role first;
  private final Role second;

  Play(Scene scene, Race race) {
    this.scene = scene;
    this.race = race;
    this.cast = new Cast(scene);
    this.first = new Role(scene, FIRST);
    this.second = new Role(scene, SECOND);
    race.setting().make().accept(cast);
  }

  /** Both deeds in an order; returns their answers. */
  String inOrder(Order order) {
    switch (order) {
      case FIRST_THEN_SECOND -> {
        start(race.first(), first);
        scene.rest();
        first.waitsNow();
        start(race.second(), second);
      }
      case SECOND_THEN_FIRST -> {
        start(race.second(), second);
        scene.rest();
        second.waitsNow();
        start(race.first(), first);
      }
      case FIRST_STOPPED -> {
        stopped(race.first(), first, race.second(), second);
      }
      case SECOND_STOPPED -> {
        stopped(race.second(), second, race.first(), first);
      }
    }
    scene.releaseAll();
    scene.rest();
    return answers();
  }

  /** Both deeds at once, in an order that a seed gives. */
  String shuffled(long seed) {
    scene.shuffle(seed);
    insideCall(race.first(), () -> scene.meanwhile(Math.floorMod(seed, MEANWHILE_MAX)));
    start(race.first(), first);
    start(race.second(), second);
    scene.rest();
    scene.releaseAll();
    return answers();
  }

  private void start(Deed deed, Role role) {
    role.step(() -> deed.start().accept(cast, role));
  }

  private void insideCall(Deed deed, Runnable what) {
    if (deed.stop() instanceof Deed.InsideCall) {
      scene.insideNextCallOf(cast.device(), what);
    }
  }

  /** Starts a deed, stops it in its middle, and lets the other be done as far as it can be. */
  private void stopped(Deed deed, Role role, Deed otherDeed, Role other) {
    switch (deed.stop()) {
      case Deed.BetweenSteps _ -> {
        start(deed, role);
        scene.stepOf(role.lane());
        scene.hold(role.lane());
      }
      case Deed.AtLane(var lane, _) -> {
        scene.hold(lane);
        start(deed, role);
        scene.rest();
      }
      case Deed.InsideCall _ -> {
        insideCall(
            deed,
            () -> {
              start(otherDeed, other);
              scene.meanwhile(Integer.MAX_VALUE);
              other.waitsNow();
            });
        start(deed, role);
        scene.rest();
        return;
      }
      case Deed.Nowhere _ -> throw new IllegalArgumentException(deed.name());
    }
    start(otherDeed, other);
    scene.rest();
    other.waitsNow();
  }

  /** What both were answered; who waits still is answered when the holder has gone home. */
  private String answers() {
    first.restsNow();
    second.restsNow();
    cast.goesHome();
    String answers = first.text() + " / " + second.text();
    cast.checkPackets();
    return answers;
  }
}
