package io.vnet.api.device;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Descriptors that a service manager opened for this process, as it says in the environment: {@code
 * LISTEN_PID} (for whom), {@code LISTEN_FDS} (how many, from number 3 on) and {@code
 * LISTEN_FDNAMES}.
 *
 * <p>Pure: reads nothing but its parameters, and opens, checks and closes nothing.
 *
 * <p>Source: sd_listen_fds(3).
 */
public final class InheritedDescriptors {
  private static final int FIRST = 3;

  /** No process has more. */
  private static final int COUNT_MAX = 1 << 20;

  /** The name of those that have none. */
  private static final String UNNAMED = "unknown";

  private InheritedDescriptors() {}

  /**
   * One of them.
   *
   * @param number what {@link HostBacking#adopt} takes
   * @param name the service manager's for it ({@code FileDescriptorName=}); {@code unknown} if it
   *     has none
   */
  public record Inherited(int number, String name) {}

  /** Those of this process. */
  public static List<Inherited> ofThisProcess() {
    return of(System.getenv(), ProcessHandle.current().pid());
  }

  /**
   * Those that an environment has for a process, in the order of their numbers; none if it has
   * none, or has them for another process, as a parent's environment does.
   *
   * @param pid of the process
   * @throws VnetException EINVAL: the variables are not what the protocol says
   */
  public static List<Inherited> of(Map<String, String> environment, long pid) {
    String forPid = environment.get("LISTEN_PID");
    String count = environment.get("LISTEN_FDS");
    if (forPid == null || count == null || number("LISTEN_PID", forPid, Integer.MAX_VALUE) != pid) {
      return List.of();
    }
    int descriptors = (int) number("LISTEN_FDS", count, COUNT_MAX);
    String[] names = environment.getOrDefault("LISTEN_FDNAMES", "").split(":", -1);
    boolean named = environment.containsKey("LISTEN_FDNAMES") && descriptors > 0;
    if (named && names.length != descriptors) {
      throw invalid("LISTEN_FDNAMES", names.length + " names for " + descriptors + " descriptors");
    }
    List<Inherited> inherited = new ArrayList<>();
    for (int i = 0; i < descriptors; i++) {
      inherited.add(new Inherited(FIRST + i, named && !names[i].isEmpty() ? names[i] : UNNAMED));
    }
    return List.copyOf(inherited);
  }

  private static long number(String variable, String value, long max) {
    if (!value.isEmpty()
        && value.length() < 18
        && value.chars().allMatch(c -> c >= '0' && c <= '9')) {
      long number = Long.parseLong(value);
      if (number <= max) {
        return number;
      }
    }
    throw invalid(variable, "'" + value + "' is no number from 0 to " + max);
  }

  private static VnetException invalid(String variable, String reason) {
    return new VnetException(
        "inherit", variable, Errno.EINVAL, reason, "start the process by its service manager");
  }
}
