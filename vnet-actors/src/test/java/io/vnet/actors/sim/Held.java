package io.vnet.actors.sim;

import java.util.List;

/** Lanes in the order of their keys, but none of those that are held. */
record Held(List<String> prefixes) implements Order {
  @Override
  public long priority(String key) {
    return 0;
  }

  @Override
  public int choose(List<Lane> ready) {
    for (int i = 0; i < ready.size(); i++) {
      if (prefixes.stream().noneMatch(ready.get(i).key::startsWith)) {
        return i;
      }
    }
    return -1;
  }
}
