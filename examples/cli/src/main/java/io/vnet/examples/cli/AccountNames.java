package io.vnet.examples.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Names of users or groups by number, as the system's own files have them; those of directory
 * services are not asked for.
 *
 * <p>Source: passwd(5), group(5).
 */
final class AccountNames {
  private final Map<Long, String> names;

  private AccountNames(Map<Long, String> names) {
    this.names = names;
  }

  /** Those of a file of lines {@code name:password:number:…}; none if there is no such file. */
  static AccountNames read(Path file) {
    Map<Long, String> names = new HashMap<>();
    try {
      for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
        String[] fields = line.split(":", -1);
        if (fields.length > 2 && fields[2].matches("\\d{1,10}")) {
          names.putIfAbsent(Long.parseLong(fields[2]), fields[0]);
        }
      }
    } catch (NoSuchFileException e) {
      return new AccountNames(Map.of());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new AccountNames(names);
  }

  /** The number with the name behind it, as id(1) writes them: {@code 65534(nobody)}. */
  String show(long number) {
    String name = names.get(number);
    return name == null ? Long.toString(number) : number + "(" + name + ")";
  }
}
