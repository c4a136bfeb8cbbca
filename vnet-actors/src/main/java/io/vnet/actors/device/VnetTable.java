package io.vnet.actors.device;

import akka.actor.typed.ActorRef;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.epoch.EpochReader;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The vnets of a host by name. Safe on any thread; the HostActor binds, a VnetActor unbinds itself.
 *
 * <p>A vnet's address is used only inside the epoch section in which it was found: a removed vnet
 * stops after a grace period that began when its name was unbound, so whatever it was told is
 * answered.
 */
public final class VnetTable {
  private final Epoch epoch;
  private final Map<String, ActorRef<VnetActor.Command>> vnets = new ConcurrentHashMap<>();

  /**
   * @param epoch of the host
   */
  public VnetTable(Epoch epoch) {
    this.epoch = epoch;
  }

  /** Tells the vnet of this name something; false if there is none. */
  public boolean tell(String name, VnetActor.Command command) {
    EpochReader section = epoch.borrow();
    section.enter();
    try {
      ActorRef<VnetActor.Command> vnet = vnets.get(name);
      if (vnet != null) {
        vnet.tell(command);
      }
      return vnet != null;
    } finally {
      section.exit();
      epoch.giveBack(section);
    }
  }

  /** The names, in order. */
  public Set<String> names() {
    return new TreeSet<>(vnets.keySet());
  }

  /** Whether there is a vnet of this name. */
  public boolean contains(String name) {
    return vnets.containsKey(name);
  }

  boolean bind(String name, ActorRef<VnetActor.Command> vnet) {
    return vnets.putIfAbsent(name, vnet) == null;
  }

  void unbind(String name, ActorRef<VnetActor.Command> vnet) {
    vnets.remove(name, vnet);
  }
}
