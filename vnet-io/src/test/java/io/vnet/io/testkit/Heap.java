package io.vnet.io.testkit;

import java.lang.management.ManagementFactory;

/** What this process's heap holds. */
public final class Heap {
  private static final int COLLECTIONS = 3;

  private Heap() {}

  /** In use after collections, in bytes. */
  public static long usedBytes() {
    for (int i = 0; i < COLLECTIONS; i++) {
      System.gc();
    }
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }
}
