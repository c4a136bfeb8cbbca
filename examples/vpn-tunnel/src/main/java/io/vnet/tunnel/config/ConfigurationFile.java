package io.vnet.tunnel.config;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.tunnel.config.ConfigurationAssembler.Place;
import io.vnet.tunnel.config.Key.Section;
import io.vnet.tunnel.key.KeyPair;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Files in the format of wg(8) and wg-quick(8): where they are, what is in them, and how they are
 * written.
 */
public final class ConfigurationFile {
  /** Where a file is that is named by its interface alone. */
  public static final Path DIRECTORY = Path.of("/etc/wireguard");

  private static final int BYTES_MAX = 64 << 20;
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_=+.-]{1,15}");
  private static final String SUFFIX = ".conf";

  /** No longer than a key could be that somebody forgot: those are not repeated in messages. */
  private static final Pattern WORD = Pattern.compile("[a-zA-Z][a-zA-Z0-9_-]{0,23}");

  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private ConfigurationFile() {}

  /**
   * The file that a user means.
   *
   * @param nameOrPath an interface's name, for {@code /etc/wireguard/NAME.conf}, or a path that has
   *     a slash and ends in {@code NAME.conf}: a file of the current directory, which may be
   *     anybody's, is not taken unless it is meant
   * @throws VnetException EINVAL: neither
   */
  public static Path locate(String nameOrPath) {
    if (NAME.matcher(nameOrPath).matches() && !isDots(nameOrPath)) {
      return DIRECTORY.resolve(nameOrPath + SUFFIX);
    }
    if (nameOrPath.indexOf('/') < 0) {
      throw new VnetException(
          "configure",
          nameOrPath.replace('\0', '?'),
          Errno.EINVAL,
          "neither the name of an interface nor a path",
          "write ./ before the name of a file that is here");
    }
    Path path = Path.of(nameOrPath.replace('\0', '?'));
    interfaceName(path);
    return path;
  }

  /**
   * The interface that a file is for.
   *
   * @throws VnetException EINVAL: the file's name is none of an interface and {@code .conf}
   */
  public static String interfaceName(Path path) {
    String file = String.valueOf(path.getFileName());
    String name = file.endsWith(SUFFIX) ? file.substring(0, file.length() - SUFFIX.length()) : "";
    if (!NAME.matcher(name).matches() || isDots(name)) {
      throw new VnetException(
          "configure",
          path.toString(),
          Errno.EINVAL,
          "not the name of an interface and .conf",
          "name it by up to 15 of a-z A-Z 0-9 _ = + . - and .conf");
    }
    return name;
  }

  /** What the kernel takes for no name. */
  private static boolean isDots(String name) {
    return name.equals(".") || name.equals("..");
  }

  /**
   * Reads a file. One that others may read is a warning.
   *
   * @throws ConfigurationException with everything that is wrong with it
   * @throws VnetException ENOENT, EACCES, EIO: it cannot be read; E2BIG: it has more than 64 MiB
   */
  public static QuickConfiguration load(Path path) {
    try (InputStream stream = Files.newInputStream(path)) {
      byte[] text = stream.readNBytes(BYTES_MAX + 1);
      if (text.length > BYTES_MAX) {
        throw new VnetException(
            "read", path.toString(), Errno.E2BIG, "more than 64 MiB", "use another file");
      }
      return parse(path.toString(), text, readableByOthers(path));
    } catch (IOException e) {
      throw failure("read", path, e);
    }
  }

  private static boolean readableByOthers(Path path) throws IOException {
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
    return permissions.contains(PosixFilePermission.OTHERS_READ)
        || permissions.contains(PosixFilePermission.GROUP_READ);
  }

  /**
   * Reads a file's text.
   *
   * @param file for messages
   * @param text UTF-8, perhaps with a byte-order mark, and lines that end in LF or CR LF
   * @throws ConfigurationException with everything that is wrong with it
   */
  public static QuickConfiguration parse(String file, byte[] text) {
    return parse(file, text, false);
  }

  private static QuickConfiguration parse(String file, byte[] text, boolean readableByOthers) {
    ConfigurationAssembler assembler =
        new ConfigurationAssembler(file, key -> KeyPair.of(key).publicKey());
    if (readableByOthers) {
      assembler.warning(new Place(0, ""), "others may read it: chmod 600", Optional.empty());
    }
    return new Lines(assembler).read(text);
  }

  /** Lines to values. */
  private static final class Lines {
    private final ConfigurationAssembler assembler;
    private @Nullable Section section;
    private boolean unknownSection;
    private int interfaceLine;

    Lines(ConfigurationAssembler assembler) {
      this.assembler = assembler;
    }

    QuickConfiguration read(byte[] text) {
      int number = 0;
      for (int from = 0; from < text.length; ) {
        int to = from;
        while (to < text.length && text[to] != '\n') {
          to++;
        }
        line(++number, text, from, to);
        from = to + 1;
      }
      return assembler.finish(new Place(interfaceLine, Section.INTERFACE.text()));
    }

    private void line(int number, byte[] text, int from, int to) {
      int comment = from;
      while (comment < to && text[comment] != '#') {
        comment++;
      }
      String decoded;
      try {
        decoded = decode(text, from, to);
      } catch (CharacterCodingException e) {
        try {
          // A comment may be in any code.
          decoded = decode(text, from, comment);
        } catch (CharacterCodingException inner) {
          assembler.error(new Place(number, ""), "not UTF-8", Optional.empty());
          return;
        }
      }
      if (number == 1 && !decoded.isEmpty() && decoded.charAt(0) == BYTE_ORDER_MARK) {
        decoded = decoded.substring(1);
      }
      line(number, decoded);
    }

    private static String decode(byte[] text, int from, int to) throws CharacterCodingException {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(text, from, to - from))
          .toString();
    }

    private void line(int number, String whole) {
      int sign = whole.indexOf('#');
      String text = sign < 0 ? whole : whole.substring(0, sign);
      String dense = dense(text);
      if (dense.isEmpty()) {
        return;
      }
      if (dense.startsWith("[")) {
        header(number, dense);
        return;
      }
      int equals = text.indexOf('=');
      String name = dense(equals < 0 ? text : text.substring(0, equals));
      Place place = new Place(number, WORD.matcher(name).matches() ? name : "(hidden)");
      if (equals < 0) {
        assembler.error(
            new Place(number, ""), "neither a section nor KEY = VALUE", Optional.empty());
      } else if (section != null) {
        Optional<Key> key = Key.find(section, name);
        if (key.isEmpty()) {
          assembler.error(place, "unknown key in " + section.text(), Optional.empty());
        } else {
          Place known = new Place(number, key.get().text());
          assembler.set(known, key.get(), value(key.get(), whole, text, equals));
        }
      } else if (!unknownSection) {
        assembler.error(place, "key outside a section", Optional.empty());
      }
    }

    private static String value(Key key, String whole, String text, int equals) {
      return switch (key.reading()) {
        case DENSE -> dense(text.substring(equals + 1));
        case TRIMMED -> trimmed(text.substring(equals + 1));
        case WHOLE -> trimmed(whole.substring(equals + 1));
      };
    }

    private void header(int number, String dense) {
      section = null;
      unknownSection = false;
      for (Section candidate : Section.values()) {
        if (candidate.text().equalsIgnoreCase(dense)) {
          section = candidate;
        }
      }
      if (section == null) {
        unknownSection = true;
        String name = dense.replaceAll("[\\[\\]]", "");
        assembler.error(
            new Place(number, ""),
            "unknown section" + (WORD.matcher(name).matches() ? " [" + name + "]" : ""),
            Optional.empty());
      } else if (section == Section.PEER) {
        assembler.beginPeer(number, "line " + number);
      } else if (interfaceLine == 0) {
        interfaceLine = number;
      }
    }

    private static boolean isSpace(char c) {
      return c == ' ' || (c >= '\t' && c <= '\r');
    }

    private static String dense(String text) {
      StringBuilder dense = new StringBuilder(text.length());
      for (int i = 0; i < text.length(); i++) {
        if (!isSpace(text.charAt(i))) {
          dense.append(text.charAt(i));
        }
      }
      return dense.toString();
    }

    private static String trimmed(String text) {
      int from = 0;
      int to = text.length();
      while (from < to && isSpace(text.charAt(from))) {
        from++;
      }
      while (to > from && isSpace(text.charAt(to - 1))) {
        to--;
      }
      return text.substring(from, to);
    }
  }

  /**
   * Puts a text in a file's place, so that there is the old or the new one at any moment: through
   * {@code FILE.tmp}, which only its owner may read and write. A link stays one: the file that it
   * leads to is replaced, where that is.
   *
   * @throws VnetException ENOENT, EACCES, EIO: the old file stays
   */
  public static void save(Path path, String text) {
    try {
      replace(target(path), text);
    } catch (IOException e) {
      throw failure("save", path, e);
    }
  }

  /** One that was deleted is written again; a link that leads nowhere is an error. */
  private static Path target(Path path) throws IOException {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS) ? path.toRealPath() : path;
  }

  private static void replace(Path path, String text) throws IOException {
    Path temporary = path.resolveSibling(path.getFileName() + ".tmp");
    // Whatever it is: it must not be written through.
    Files.deleteIfExists(temporary);
    write(temporary, text);
    try {
      Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
    syncDirectory(path);
  }

  private static void write(Path temporary, String text) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            temporary,
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer bytes = StandardCharsets.UTF_8.encode(text);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
  }

  /** The new name is in the directory. */
  private static void syncDirectory(Path path) throws IOException {
    Path directory = path.toAbsolutePath().getParent();
    if (directory != null) {
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  private static VnetException failure(String operation, Path path, IOException e) {
    return switch (e) {
      case NoSuchFileException _ ->
          new VnetException(
              operation,
              path.toString(),
              Errno.ENOENT,
              "there is no such file",
              "write it, or give another path",
              e);
      case AccessDeniedException _ ->
          new VnetException(
              operation, path.toString(), Errno.EACCES, "not permitted", "become root", e);
      default ->
          new VnetException(
              operation, path.toString(), Errno.EIO, String.valueOf(e.getMessage()), "", e);
    };
  }
}
