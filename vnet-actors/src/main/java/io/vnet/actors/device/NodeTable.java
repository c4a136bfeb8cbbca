package io.vnet.actors.device;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The names under which nodes can be found, aliases among them: what {@code /dev} is to the
 * drivers. One for all drivers and vnets of a host. Safe on any thread; only DriverActors and
 * DeviceActors write.
 */
public final class NodeTable {
  private final Map<String, Node> nodes = new ConcurrentHashMap<>();

  /** The node of that name or alias now. */
  public Optional<Node> find(String name) {
    return Optional.ofNullable(nodes.get(name));
  }

  /** Each node once. */
  public Collection<Node> all() {
    List<Node> all = new ArrayList<>(nodes.size());
    nodes.forEach((name, node) -> {
      if (node.hasOwnName(name)) {
        all.add(node);
      }
    });
    return all;
  }

  /** Whether a name is bound. */
  boolean isBound(String name) {
    return nodes.containsKey(name);
  }

  /** Binds a name; false if it is taken. */
  boolean bind(String name, Node node) {
    return nodes.putIfAbsent(name, node) == null;
  }

  /** Unbinds all names: no actor is left that could. */
  void clear() {
    nodes.clear();
  }

  /** Unbinds a name if it is still this node's: a successor of the same name is not touched. */
  void unbind(String name, Node node) {
    nodes.remove(name, node);
  }
}
