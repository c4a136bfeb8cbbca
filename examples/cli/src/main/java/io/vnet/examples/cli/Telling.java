package io.vnet.examples.cli;

import io.vnet.api.error.VnetException;
import io.vnet.io.service.ServiceManager;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A service manager that is told as far as it listens: that it does not is a warning and no reason
 * to end a service, as sd_notify(3) has it. Safe on any thread that may block.
 */
final class Telling implements AutoCloseable {
  private final Optional<ServiceManager> manager;
  private final Consumer<String> warnings;

  private Telling(Optional<ServiceManager> manager, Consumer<String> warnings) {
    this.manager = manager;
    this.warnings = warnings;
  }

  /** That of this process, if it has one. */
  static Telling open(Consumer<String> warnings) {
    try {
      return new Telling(ServiceManager.ofThisProcess(), warnings);
    } catch (VnetException e) {
      warnings.accept(String.valueOf(e.getMessage()));
      return new Telling(Optional.empty(), warnings);
    }
  }

  void ready(String status) {
    tell(there -> there.tell("READY=1\nSTATUS=" + status));
  }

  void stopping() {
    tell(there -> there.tell("STOPPING=1"));
  }

  /** See {@link ServiceManager#keep}. */
  void keep(String name, int descriptor) {
    tell(there -> there.keep(name, descriptor));
  }

  /** See {@link ServiceManager#forget}. */
  void forget(String name) {
    tell(there -> there.forget(name));
  }

  private void tell(Consumer<ServiceManager> what) {
    try {
      manager.ifPresent(what);
    } catch (VnetException e) {
      warnings.accept(String.valueOf(e.getMessage()));
    }
  }

  @Override
  public void close() {
    manager.ifPresent(ServiceManager::close);
  }
}
