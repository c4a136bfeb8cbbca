package io.vnet.tunnel.quick;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Variables of the kernel, by names like {@code net/ipv4/conf/all/rp_filter}; those of the network
 * are those of the calling thread's namespace. Blocks.
 *
 * <p>Source: the kernel's Documentation/networking/ip-sysctl.rst.
 */
public interface Sysctl {
  /** A variable's value without white space around; empty if there is no such variable. */
  Optional<String> get(String name);

  /**
   * Sets a variable.
   *
   * @throws io.vnet.api.error.VnetException EACCES: this process may not, or nobody may in this
   *     container
   */
  void set(String name, String value);

  /** Those of this host. */
  static Sysctl ofHost() {
    return new ProcSysctl(Path.of("/proc/sys"));
  }
}
