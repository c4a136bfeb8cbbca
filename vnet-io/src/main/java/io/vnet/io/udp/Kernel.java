package io.vnet.io.udp;

/** What depends on the kernel's version alone. */
final class Kernel {
  private static final int MAJOR = 5;
  private static final int MINOR = 12;

  private Kernel() {}

  /**
   * Whether UDP_GRO is without the faults that it had before Linux 5.12; of a version that cannot
   * be read it is believed.
   */
  static boolean coalescesWell(String version) {
    String[] parts = version.split("\\D", 3);
    if (parts.length < 2 || parts[0].isEmpty() || parts[1].isEmpty()) {
      return true;
    }
    int major = Integer.parseInt(parts[0]);
    return major > MAJOR || (major == MAJOR && Integer.parseInt(parts[1]) >= MINOR);
  }
}
