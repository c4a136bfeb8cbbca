package io.vnet.benchmarks.relay;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the kernel knows about processes and their time.
 *
 * <p>Source: proc_pid_stat(5), proc_stat(5), proc_pid_status(5).
 */
final class Proc {
  private static final Path ROOT = Path.of("/proc");

  /** The kernel shows times in this unit on every architecture that has a JDK. */
  private static final double TICKS_PER_SECOND = 100;

  private static final long KERNEL_THREAD = 0x0020_0000;

  private Proc() {}

  /**
   * One line of {@code /proc/PID/stat}.
   *
   * @param ticks what its threads have used, those that ended among them
   * @param ticksOfChildren what children have used that ended and were waited for
   */
  record Stat(long parent, boolean kernel, long ticks, long ticksOfChildren) {
    static Stat parse(String line) {
      // The name before it may have spaces and parentheses.
      String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ", -1);
      return new Stat(
          Long.parseLong(fields[1]),
          (Long.parseLong(fields[6]) & KERNEL_THREAD) != 0,
          Long.parseLong(fields[11]) + Long.parseLong(fields[12]),
          Long.parseLong(fields[13]) + Long.parseLong(fields[14]));
    }
  }

  /** What a process has used so far, in user and in kernel mode, in seconds. */
  static double cpuSeconds(long pid) throws IOException {
    Path file = ROOT.resolve(Long.toString(pid)).resolve("stat");
    return Stat.parse(Files.readString(file)).ticks() / TICKS_PER_SECOND;
  }

  /** Resident memory of a process in bytes. */
  static long residentBytes(long pid) throws IOException {
    for (String line : Files.readAllLines(ROOT.resolve(Long.toString(pid)).resolve("status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    throw new IOException("process " + pid + " has ended");
  }

  /**
   * What others than this process and its descendants have used so far, in seconds, and what other
   * machines took from this one. Only differences mean something.
   *
   * <p>Kernel threads are left out: they work for the traffic too. A process that ends between two
   * calls is not lost, as its time becomes its parent's.
   */
  static double otherSeconds() throws IOException {
    long stolen = stolenTicks(Files.readAllLines(ROOT.resolve("stat")));
    return (otherTicks(processes(), ProcessHandle.current().pid()) + stolen) / TICKS_PER_SECOND;
  }

  static long otherTicks(Map<Long, Stat> processes, long self) {
    long ticks = 0;
    for (Map.Entry<Long, Stat> entry : processes.entrySet()) {
      if (!entry.getValue().kernel() && !descends(entry.getKey(), self, processes)) {
        ticks += entry.getValue().ticks() + entry.getValue().ticksOfChildren();
      }
    }
    return ticks;
  }

  private static boolean descends(long pid, long ancestor, Map<Long, Stat> processes) {
    long at = pid;
    // The count ends it if the readings, which are of different instants, made a circle.
    for (int steps = 0; steps <= processes.size() && at != ancestor; steps++) {
      Stat stat = processes.get(at);
      if (stat == null) {
        return false;
      }
      at = stat.parent();
    }
    return at == ancestor;
  }

  static long stolenTicks(List<String> stat) {
    // cpu user nice system idle iowait irq softirq steal guest guest_nice
    return Long.parseLong(stat.getFirst().split(" +", -1)[8]);
  }

  private static Map<Long, Stat> processes() throws IOException {
    Map<Long, Stat> processes = new HashMap<>();
    try (DirectoryStream<Path> directories = Files.newDirectoryStream(ROOT, "[0-9]*")) {
      for (Path directory : directories) {
        try {
          processes.put(
              Long.parseLong(directory.getName(1).toString()),
              Stat.parse(Files.readString(directory.resolve("stat"))));
        } catch (IOException e) {
          // Else it has ended since the directory was listed.
          if (Files.exists(directory)) {
            throw e;
          }
        }
      }
    }
    return processes;
  }
}
