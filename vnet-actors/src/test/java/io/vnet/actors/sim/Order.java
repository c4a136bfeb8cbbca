package io.vnet.actors.sim;

import java.util.List;

/** Which ready lane runs next. */
interface Order {
  /** The priority of a lane that was never seen before; not every order looks at it. */
  long priority(String key);

  /**
   * The index of the lane to run; -1 if none may run now.
   *
   * @param ready in the order of their keys
   */
  int choose(List<Lane> ready);
}
