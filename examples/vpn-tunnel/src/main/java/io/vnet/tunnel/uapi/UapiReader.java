package io.vnet.tunnel.uapi;

import io.vnet.tunnel.settings.ZoneNames;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Makes requests of the bytes of one client as they come. A request is read to its end before
 * anything of it is done, also if it is wrong.
 *
 * <p><b>Owner:</b> one thread at a time. <b>Bounds:</b> a line has at most 64 KiB, a request 64
 * MiB; it keeps one line and what the request's lines mean, and wipes the line.
 */
public final class UapiReader {
  /** What a line has at most, in bytes, without its end. */
  public static final int LINE_BYTES_MAX = 64 << 10;

  /** What a request has at most, in bytes. */
  public static final int REQUEST_BYTES_MAX = 64 << 20;

  private static final String GET = "get=1";
  private static final String SET = "set=1";
  private static final int FIRST_LINE_BYTES_MAX = 5;
  private static final int LINE_BYTES = 256;

  /** What has come. */
  public sealed interface Result {}

  /**
   * A request that is well formed.
   *
   * @param request what is wanted
   */
  public record Asked(UapiRequest request) implements Result {}

  /**
   * A request that is refused.
   *
   * @param errno for the reply, negative
   * @param hangUp whether nothing more can be understood after it
   */
  public record Refused(int errno, boolean hangUp) implements Result {}

  /** Something that is no request: the connection ends without a reply. */
  public record HangUp() implements Result {}

  private enum State {
    FIRST_LINE,
    GET_END,
    SET_LINES,
    CLOSED
  }

  private final ZoneNames zones;
  private final int requestBytesMax;
  private State state = State.FIRST_LINE;
  private byte[] line = new byte[LINE_BYTES];
  private int lineBytes;
  private int requestBytes;
  private int errno;
  private SetAssembler set;

  /**
   * @param zones interfaces that endpoints may name
   */
  public UapiReader(ZoneNames zones) {
    this(zones, REQUEST_BYTES_MAX);
  }

  /** With another bound of requests. */
  UapiReader(ZoneNames zones, int requestBytesMax) {
    this.zones = zones;
    this.requestBytesMax = requestBytesMax;
    this.set = new SetAssembler(zones);
  }

  /**
   * Takes bytes up to the end of a request, or all if none ends there.
   *
   * @return what has come; null if its end has not. After {@link HangUp} or a refusal with {@code
   *     hangUp} all further bytes are taken and mean nothing
   */
  public @Nullable Result read(ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      Result result = read(bytes.get());
      if (result != null) {
        return result;
      }
    }
    return null;
  }

  private @Nullable Result read(byte next) {
    return switch (state) {
      case FIRST_LINE -> firstLine(next);
      case GET_END -> {
        state = next == '\n' ? State.FIRST_LINE : State.CLOSED;
        yield next == '\n'
            ? new Asked(new UapiRequest.Get())
            : new Refused(UapiErrno.INVALID, true);
      }
      case SET_LINES -> setLine(next);
      case CLOSED -> null;
    };
  }

  private @Nullable Result firstLine(byte next) {
    if (next != '\n') {
      if (lineBytes < FIRST_LINE_BYTES_MAX) {
        line[lineBytes++] = next;
        return null;
      }
      state = State.CLOSED;
      return new HangUp();
    }
    String text = takeLine();
    switch (text) {
      case GET -> state = State.GET_END;
      case SET -> {
        state = State.SET_LINES;
        requestBytes = text.length() + 1;
        errno = UapiErrno.OK;
      }
      default -> {
        state = State.CLOSED;
        return new HangUp();
      }
    }
    return null;
  }

  private @Nullable Result setLine(byte next) {
    if (++requestBytes > requestBytesMax) {
      state = State.CLOSED;
      set = new SetAssembler(zones);
      takeLine();
      return new Refused(UapiErrno.IO, true);
    }
    if (next != '\n') {
      if (lineBytes == LINE_BYTES_MAX) {
        fail(UapiErrno.IO);
      } else {
        if (lineBytes == line.length) {
          grow();
        }
        line[lineBytes++] = next;
      }
      return null;
    }
    if (lineBytes == 0) {
      return endOfSet();
    }
    String text = takeLine();
    if (errno == UapiErrno.OK) {
      try {
        set.line(text);
      } catch (UapiSyntaxException e) {
        fail(e.errno());
      }
    }
    return null;
  }

  /** The first error is the one that is answered; what follows is only read. */
  private void fail(int newErrno) {
    if (errno == UapiErrno.OK) {
      errno = newErrno;
      set = new SetAssembler(zones);
    }
  }

  private Result endOfSet() {
    state = State.FIRST_LINE;
    SetAssembler done = set;
    set = new SetAssembler(zones);
    return errno == UapiErrno.OK
        ? new Asked(new UapiRequest.Set(done.finish()))
        : new Refused(errno, false);
  }

  private void grow() {
    byte[] old = line;
    line = Arrays.copyOf(old, Math.min(LINE_BYTES_MAX, 2 * old.length));
    Arrays.fill(old, (byte) 0);
  }

  /** A key may have been in it. */
  private String takeLine() {
    String text = new String(line, 0, lineBytes, StandardCharsets.UTF_8);
    Arrays.fill(line, 0, lineBytes, (byte) 0);
    lineBytes = 0;
    return text;
  }
}
