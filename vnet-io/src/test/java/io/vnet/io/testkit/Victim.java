package io.vnet.io.testkit;

import io.vnet.api.error.Errno;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A descriptor that may be hit by mistake: what can be read from it is known, and so is that nobody
 * writes to it. A byte that somebody else took from it, or put into it, shows at its end.
 *
 * <p>No content looks like an IP packet: its first byte is of version 7 or 14.
 */
public final class Victim {
  private static final AtomicLong SERIALS = new AtomicLong();
  private static final Libc LIBC = NativeLibc.load();
  private static final int NONE = -1;
  private static final int ROOM_BYTES = 4096;

  /** What it is. */
  public enum Kind {
    PIPE,
    SOCKET,
    FILE,
    EVENT
  }

  private final Kind kind;
  private final byte[] content;
  private final int peer;
  private final Path file;
  private int fd;

  private Victim(Kind kind, byte[] content, int fd, int peer, Path file) {
    this.kind = kind;
    this.content = content;
    this.fd = fd;
    this.peer = peer;
    this.file = file;
  }

  /** One of the next kind in turn, at the lowest free number. */
  public static Victim next() {
    return open(Kind.values()[(int) (SERIALS.get() % Kind.values().length)]);
  }

  /** One at the lowest free number. */
  public static Victim open(Kind kind) {
    long serial = SERIALS.incrementAndGet();
    byte[] text = ("victim " + serial + " is a " + kind).getBytes(StandardCharsets.US_ASCII);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pair = arena.allocate(ValueLayout.JAVA_INT, 2);
      return switch (kind) {
        case PIPE -> {
          checked(Calls.pipe(pair));
          int reading = pair.getAtIndex(ValueLayout.JAVA_INT, 0);
          int writing = pair.getAtIndex(ValueLayout.JAVA_INT, 1);
          write(writing, text);
          yield new Victim(kind, text, reading, writing, Path.of(""));
        }
        case SOCKET -> {
          checked(Calls.socketPair(pair));
          int mine = pair.getAtIndex(ValueLayout.JAVA_INT, 0);
          int other = pair.getAtIndex(ValueLayout.JAVA_INT, 1);
          write(other, text);
          yield new Victim(kind, text, mine, other, Path.of(""));
        }
        case FILE -> {
          Path path = Files.createTempFile("vnet-victim", ".txt");
          Files.write(path, text);
          int opened =
              checked(LIBC.open(path.toString(), LinuxConstants.O_RDWR | LinuxConstants.O_CLOEXEC));
          yield new Victim(kind, text, opened, NONE, path);
        }
        case EVENT -> {
          int count = (int) (serial << 8 & 0x7FFF_FF00) | 0xEE;
          byte[] bytes =
              ByteBuffer.allocate(Long.BYTES).order(ByteOrder.nativeOrder()).putLong(count).array();
          yield new Victim(kind, bytes, checked(Calls.event(count)), NONE, Path.of(""));
        }
      };
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes a number if it is free, else the next free one. */
  public Victim moveTo(int number) {
    int moved = checked(Calls.duplicateFrom(fd, number));
    LIBC.close(fd);
    fd = moved;
    return this;
  }

  /** Its number. */
  public int fd() {
    return fd;
  }

  /** Closes it and says what is not as its maker left it; empty: it was left alone. */
  public List<String> end() {
    List<String> damage = new ArrayList<>();
    expect("content", content, read(fd), damage);
    if (kind == Kind.SOCKET) {
      expect("what its peer got", new byte[0], read(peer), damage);
    }
    LIBC.close(fd);
    if (peer != NONE) {
      LIBC.close(peer);
    }
    if (kind == Kind.FILE) {
      try {
        expect("file", content, Files.readAllBytes(file), damage);
        Files.delete(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return damage;
  }

  private void expect(String what, byte[] expected, byte[] found, List<String> damage) {
    if (!Arrays.equals(expected, found)) {
      damage.add(
          kind
              + " "
              + fd
              + ": "
              + what
              + " is "
              + Arrays.toString(found)
              + ", not "
              + Arrays.toString(expected));
    }
  }

  private static void write(int fd, byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
      long written = LIBC.write(fd, segment.address(), bytes.length);
      if (written != bytes.length) {
        throw new AssertionError("write answered " + written);
      }
    }
  }

  private static byte[] read(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = arena.allocate(ROOM_BYTES);
      long read = LIBC.read(fd, segment.address(), ROOM_BYTES);
      if (read == -Errno.EAGAIN.number()) {
        return new byte[0];
      }
      return segment.asSlice(0, checked(read)).toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static int checked(long result) {
    if (result < 0) {
      throw new AssertionError(Libc.meaning(result));
    }
    return (int) result;
  }

  /** What makes descriptors, and is nothing to vnet. */
  @SuppressWarnings("restricted") // The one class of these tests that makes downcall handles.
  private static final class Calls {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_NONBLOCK = LinuxConstants.O_NONBLOCK;
    private static final int F_DUPFD_CLOEXEC = 1030;
    private static final int FLAGS = LinuxConstants.O_CLOEXEC | LinuxConstants.O_NONBLOCK;
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle PIPE2 =
        handle("pipe2", ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    private static final MethodHandle SOCKETPAIR =
        handle(
            "socketpair",
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.JAVA_INT,
            ValueLayout.ADDRESS);
    private static final MethodHandle EVENTFD =
        handle("eventfd", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    private static final MethodHandle FCNTL =
        handle("fcntl", ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);

    private static MethodHandle handle(String name, MemoryLayout... parameters) {
      FunctionDescriptor types = FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters);
      MemorySegment address = LINKER.defaultLookup().findOrThrow(name);
      return name.equals("fcntl")
          ? LINKER.downcallHandle(address, types, Linker.Option.firstVariadicArg(2))
          : LINKER.downcallHandle(address, types);
    }

    static int pipe(MemorySegment pair) {
      try {
        return (int) PIPE2.invokeExact(pair, FLAGS);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }

    static int socketPair(MemorySegment pair) {
      try {
        return (int)
            SOCKETPAIR.invokeExact(
                AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | LinuxConstants.SOCK_CLOEXEC, 0, pair);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }

    static int event(int count) {
      try {
        return (int) EVENTFD.invokeExact(count, FLAGS);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }

    static int duplicateFrom(int fd, int lowest) {
      try {
        return (int) FCNTL.invokeExact(fd, F_DUPFD_CLOEXEC, lowest);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }
  }
}
