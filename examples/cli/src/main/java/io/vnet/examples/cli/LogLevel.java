package io.vnet.examples.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.Map;
import org.slf4j.LoggerFactory;

/** How much is logged, by {@code LOG_LEVEL} as wireguard-go has it. */
final class LogLevel {
  private static final String VARIABLE = "LOG_LEVEL";

  private LogLevel() {}

  /**
   * Sets it as the environment says; without the variable it stays.
   *
   * @throws VnetException EINVAL: it is no level
   */
  static void set(Map<String, String> environment) {
    String level = environment.get(VARIABLE);
    if (level == null || level.isEmpty()) {
      return;
    }
    Level wanted =
        switch (level) {
          case "verbose", "debug" -> Level.DEBUG;
          case "error" -> Level.ERROR;
          case "silent" -> Level.OFF;
          default ->
              throw new VnetException(
                  "use",
                  VARIABLE,
                  Errno.EINVAL,
                  "'" + level + "' is no level",
                  "set it to verbose, debug, error or silent");
        };
    logger(wanted == Level.DEBUG ? "io.vnet" : Logger.ROOT_LOGGER_NAME).setLevel(wanted);
  }

  private static Logger logger(String name) {
    return (Logger) LoggerFactory.getLogger(name);
  }
}
