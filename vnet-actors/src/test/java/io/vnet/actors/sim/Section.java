package io.vnet.actors.sim;

import io.vnet.api.device.DeviceId;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;

/** An epoch section that stays open from one step to a later one. */
final class Section {
  private final Epoch epoch;
  private final Witness witness;
  private final String who;
  private final EpochReader reader;

  /** Enters. */
  Section(Epoch epoch, Witness witness, String who) {
    this.epoch = epoch;
    this.witness = witness;
    this.who = who;
    this.reader = epoch.borrow();
    reader.enter();
  }

  /** From here to the exit this device's softc must run and its backend must not be released. */
  void holds(DeviceId device) {
    witness.holds(this, device);
  }

  void exit() {
    witness.lets(this);
    reader.exit();
    epoch.giveBack(reader);
  }

  @Override
  public String toString() {
    return who;
  }
}
