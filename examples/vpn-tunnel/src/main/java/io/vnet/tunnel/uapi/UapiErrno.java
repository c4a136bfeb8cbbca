package io.vnet.tunnel.uapi;

import io.vnet.api.error.VnetException;
import java.util.concurrent.CompletionException;

/** The numbers that replies end with: 0, or negative as the tool wg wants them. */
final class UapiErrno {
  static final int OK = 0;

  /** EIO: a request that cannot be read. */
  static final int IO = -5;

  /** EINVAL: a key or a value that is none. */
  static final int INVALID = -22;

  /** What other implementations answer to what is unforeseen; no errno of Linux that fits. */
  static final int UNKNOWN = -55;

  /** EPROTO: a line that is no key and value. */
  static final int PROTOCOL = -71;

  /** EADDRINUSE: a port that is taken or not permitted, or a mark that is not permitted. */
  static final int PORT_IN_USE = -98;

  private UapiErrno() {}

  /** Of a change that failed. */
  static int of(Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (!(cause instanceof VnetException refused)) {
      return UNKNOWN;
    }
    return switch (refused.errno()) {
      case EADDRINUSE, EACCES, EPERM -> PORT_IN_USE;
      case EINVAL -> INVALID;
      case EIO -> IO;
      default -> UNKNOWN;
    };
  }
}
