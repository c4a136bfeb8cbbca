package io.vnet.api.epoch;

import java.util.List;
import java.util.Optional;

/**
 * A reader that is inside an older section, and so holds a grace period up.
 *
 * @param owner the text it was registered with
 * @param thread the thread that entered, if it is a live platform thread
 * @param stack where that thread is now; empty if the thread is not known
 */
public record StalledReader(String owner, Optional<Thread> thread, List<StackTraceElement> stack) {
  /** Copies the list. */
  public StalledReader {
    stack = List.copyOf(stack);
  }
}
