package io.vnet.actors.core.search;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Visits every state that can be reached, breadth first, each once.
 *
 * <p>States are kept as bytes, one after the other in the order in which they were met, which is
 * the queue too; with each goes the number of the state it was met from. A trace's labels are found
 * by taking its steps once more.
 */
final class Search {
  private static final int PAGE_BITS = 20;
  private static final int PAGE = 1 << PAGE_BITS;
  private static final int LONGEST = 1024;

  /**
   * What a search saw.
   *
   * @param closed whether every state that can be reached was visited
   * @param depth the longest of the shortest ways to a state
   * @param violation what was found wrong, if anything
   * @param trace the way to it, a step a line
   * @param steps how many steps the way has
   */
  record Result(
      boolean closed,
      int states,
      long edges,
      int depth,
      int softcStates,
      Optional<Rule> violation,
      String trace,
      int steps) {
    String figures() {
      return "%,d states, %,d edges, depth %d, %d states of the softc%s"
          .formatted(states, edges, depth, softcStates, closed ? "" : ", not closed");
    }
  }

  private final Soup soup;
  private final int most;
  private final List<byte[]> pages = new ArrayList<>();
  private long end;
  private long[] starts = new long[1 << 12];
  private int[] cameFrom = new int[1 << 12];
  private int[] hashes = new int[1 << 12];
  private int[] table = new int[1 << 14];
  private int states;
  private long edges;
  private final byte[] scratch = new byte[LONGEST];

  /**
   * @param most how many states are visited at most
   */
  Search(Soup soup, int most) {
    this.soup = soup;
    this.most = most;
  }

  Result run() {
    add(soup.start(), -1);
    int depth = 0;
    int levelEnd = 1;
    int current = 0;
    try {
      for (; current < states && states < most; current++) {
        if (current == levelEnd) {
          depth++;
          levelEnd = states;
        }
        int from = current;
        soup.expand(
            world(current),
            (_, next) -> {
              edges++;
              add(next, from);
            });
      }
    } catch (Violation violation) {
      String last = soup.underWay();
      Deque<String> lines = trace(current);
      int steps = lines.size() + 1;
      lines.add(last);
      lines.add(String.valueOf(violation.getMessage()));
      return result(false, depth, Optional.of(violation.rule()), String.join("\n", lines), steps);
    }
    return result(current == states, depth, Optional.empty(), "", 0);
  }

  private Result result(
      boolean closed, int depth, Optional<Rule> violation, String trace, int steps) {
    return new Result(closed, states, edges, depth, soup.core().size(), violation, trace, steps);
  }

  private void add(World world, int from) {
    int length = world.encode(scratch, 0);
    int hash = hash(length);
    int mask = table.length - 1;
    int slot = hash & mask;
    while (table[slot] != 0) {
      int known = table[slot] - 1;
      if (hashes[known] == hash && same(known, length)) {
        return;
      }
      slot = slot + 1 & mask;
    }
    table[slot] = append(length, hash, from) + 1;
    if (states > table.length / 2) {
      rehash();
    }
  }

  private int hash(int length) {
    long hash = length;
    for (int i = 0; i < length; i++) {
      hash = (hash ^ scratch[i]) * 0x9E37_79B9_7F4A_7C15L;
      hash ^= hash >>> 32;
    }
    return (int) (hash ^ hash >>> 29);
  }

  private boolean same(int state, int length) {
    long start = starts[state];
    byte[] page = pages.get((int) (start >>> PAGE_BITS));
    int at = (int) (start & PAGE - 1);
    int known = (page[at] & 255) << 8 | (page[at + 1] & 255);
    return known == length && Arrays.equals(page, at + 2, at + 2 + length, scratch, 0, length);
  }

  private int append(int length, int hash, int from) {
    if ((end & PAGE - 1) + length + 2 > PAGE) {
      end = ((end >>> PAGE_BITS) + 1) << PAGE_BITS;
    }
    if ((int) (end >>> PAGE_BITS) == pages.size()) {
      pages.add(new byte[PAGE]);
    }
    byte[] page = pages.get((int) (end >>> PAGE_BITS));
    if (states == starts.length) {
      int more = states + (states >> 1);
      starts = Arrays.copyOf(starts, more);
      cameFrom = Arrays.copyOf(cameFrom, more);
      hashes = Arrays.copyOf(hashes, more);
    }
    int at = (int) (end & PAGE - 1);
    page[at] = (byte) (length >>> 8);
    page[at + 1] = (byte) length;
    System.arraycopy(scratch, 0, page, at + 2, length);
    starts[states] = end;
    cameFrom[states] = from;
    hashes[states] = hash;
    end += length + 2;
    return states++;
  }

  private void rehash() {
    table = new int[table.length * 2];
    int mask = table.length - 1;
    for (int state = 0; state < states; state++) {
      int slot = hashes[state] & mask;
      while (table[slot] != 0) {
        slot = slot + 1 & mask;
      }
      table[slot] = state + 1;
    }
  }

  private World world(int state) {
    byte[] page = pages.get((int) (starts[state] >>> PAGE_BITS));
    int at = (int) (starts[state] & PAGE - 1);
    int length = (page[at] & 255) << 8 | (page[at + 1] & 255);
    return new World(soup.clients(), page, at + 2, at + 2 + length);
  }

  private Deque<String> trace(int to) {
    Deque<String> lines = new ArrayDeque<>();
    for (int state = to; cameFrom[state] >= 0; state = cameFrom[state]) {
      lines.addFirst(step(cameFrom[state], world(state)));
    }
    return lines;
  }

  private String step(int from, World to) {
    int length = to.encode(scratch, 0);
    byte[] wanted = Arrays.copyOf(scratch, length);
    byte[] candidate = new byte[LONGEST];
    String[] label = {""};
    soup.expand(
        world(from),
        (transition, next) -> {
          int size = next.encode(candidate, 0);
          if (label[0].isEmpty() && Arrays.equals(candidate, 0, size, wanted, 0, length)) {
            label[0] = soup.describe(transition);
          }
        });
    return label[0] + "\n    " + to.describe(soup.core());
  }
}
