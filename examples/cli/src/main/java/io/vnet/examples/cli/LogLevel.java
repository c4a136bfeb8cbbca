package io.vnet.examples.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.PrintWriter;
import java.util.Map;
import org.slf4j.LoggerFactory;

/** How much is logged, by {@code LOG_LEVEL} as wireguard-go has it. */
final class LogLevel {
  private static final String VARIABLE = "LOG_LEVEL";

  private LogLevel() {}

  /**
   * Sets it as the environment says; without the variable, or if what it says is no level, it
   * stays.
   *
   * @param err is told of what is no level
   */
  static void set(Map<String, String> environment, PrintWriter err) {
    String level = environment.get(VARIABLE);
    if (level == null || level.isEmpty()) {
      return;
    }
    switch (level) {
      case "verbose", "debug" -> logger("io.vnet").setLevel(Level.DEBUG);
      case "error" -> logger(Logger.ROOT_LOGGER_NAME).setLevel(Level.ERROR);
      case "silent" -> logger(Logger.ROOT_LOGGER_NAME).setLevel(Level.OFF);
      default -> {
        err.println(
            "vnet: warning: "
                + VARIABLE
                + ": '"
                + level
                + "' is no level; set it to verbose, debug, error or silent");
        err.flush();
      }
    }
  }

  private static Logger logger(String name) {
    return (Logger) LoggerFactory.getLogger(name);
  }
}
