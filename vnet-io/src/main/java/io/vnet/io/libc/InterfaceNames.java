package io.vnet.io.libc;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.nio.charset.StandardCharsets;

/** What the kernel takes as an interface's name, and does not read as something else. */
public final class InterfaceNames {
  private InterfaceNames() {}

  /**
   * Checks a name before it goes to the kernel.
   *
   * @param operation for the exception
   * @throws VnetException ENAMETOOLONG, EINVAL
   */
  public static void check(String operation, String name) {
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes == 0 || bytes >= LinuxConstants.IFNAMSIZ) {
      throw new VnetException(
          operation,
          name,
          Errno.ENAMETOOLONG,
          "an interface name has 1 to " + (LinuxConstants.IFNAMSIZ - 1) + " bytes, not " + bytes,
          "use a shorter name");
    }
    if (name.equals(".")
        || name.equals("..")
        || name.chars().anyMatch(c -> c == '/' || c == ':' || c == '%' || c <= ' ')) {
      throw new VnetException(
          operation,
          name,
          Errno.EINVAL,
          "an interface name has no '/', ':', '%' or space",
          "use another name");
    }
  }
}
