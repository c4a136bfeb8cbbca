package io.vnet.tunnel.config;

/** Why a value is refused; checked, so that no caller forgets to say where it stands. */
final class BadValueException extends Exception {
  private static final long serialVersionUID = 1;

  BadValueException(String reason) {
    super(reason, null, false, false);
  }

  String reason() {
    return String.valueOf(getMessage());
  }
}
