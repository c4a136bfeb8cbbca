package io.vnet.tunnel.uapi;

/** Why a line is refused. Says nothing of the line. */
final class UapiSyntaxException extends Exception {
  private static final long serialVersionUID = 1;

  private final int errno;

  UapiSyntaxException(int errno) {
    super("errno=" + errno, null, false, false);
    this.errno = errno;
  }

  /** Negative, as in the reply. */
  int errno() {
    return errno;
  }
}
