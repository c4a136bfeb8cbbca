package io.vnet.examples.cli;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.tunnel.key.KeyPair;
import io.vnet.tunnel.key.PrivateKey;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Arrays;
import java.util.Set;
import picocli.CommandLine;

/** Keys in and out, as the tool wg has them. */
final class Keys {
  private static final Path STANDARD_OUTPUT = Path.of("/proc/self/fd/1");
  private static final int KEY_CHARS = 44;
  private static final int INPUT_MAX = 4096;

  private Keys() {}

  /** Prints a secret, and a warning if it goes to a file that others may use. */
  static void print(CommandLine command, String key) {
    if (goesToOthers()) {
      command
          .getErr()
          .println("vnet: warning: others may use the file that this is written to: umask 077");
      command.getErr().flush();
    }
    command.getOut().println(key);
    command.getOut().flush();
  }

  private static boolean goesToOthers() {
    try {
      return Files.isRegularFile(STANDARD_OUTPUT)
          && Files.getPosixFilePermissions(STANDARD_OUTPUT).stream()
              .anyMatch(
                  Set.of(
                          PosixFilePermission.OTHERS_READ,
                          PosixFilePermission.OTHERS_WRITE,
                          PosixFilePermission.OTHERS_EXECUTE)
                      ::contains);
    } catch (IOException | UnsupportedOperationException e) {
      // Where it cannot be found out nothing is said.
      return false;
    }
  }

  /**
   * Reads a private key: 44 characters of base64, then nothing but white space.
   *
   * @throws VnetException EINVAL: that is not what there is
   */
  static KeyPair pair(InputStream in) {
    byte[] bytes;
    try {
      bytes = in.readNBytes(INPUT_MAX);
    } catch (IOException e) {
      throw new VnetException(
          "read", "private key", Errno.EIO, String.valueOf(e.getMessage()), "", e);
    }
    try {
      String text = new String(bytes, StandardCharsets.ISO_8859_1);
      String key = text.substring(0, Math.min(text.length(), KEY_CHARS));
      if (!text.substring(key.length()).isBlank()) {
        throw new IllegalArgumentException("something follows the key");
      }
      return KeyPair.of(PrivateKey.fromBase64(key));
    } catch (IllegalArgumentException e) {
      // Its message never has the key in it.
      throw new VnetException(
          "read",
          "private key",
          Errno.EINVAL,
          String.valueOf(e.getMessage()),
          "give the output of ./vnet genkey on standard input");
    } finally {
      Arrays.fill(bytes, (byte) 0);
    }
  }
}
