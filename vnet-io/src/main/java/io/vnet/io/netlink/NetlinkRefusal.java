package io.vnet.io.netlink;

import io.vnet.api.error.Errno;
import io.vnet.io.libc.Libc;

/**
 * The kernel's own answer to a request that it refused: the cause of the {@link
 * io.vnet.api.error.VnetException} that says what was asked for.
 */
public final class NetlinkRefusal extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int number;
  private final String text;
  private final int offset;

  NetlinkRefusal(int number, String text, int offset) {
    super(
        Errno.ofNumber(number)
            + ", "
            + (text.isEmpty() ? Libc.meaning(-number) : text)
            + (offset > 0 ? " (byte " + offset + " of the request)" : ""),
        null,
        false,
        false);
    this.number = number;
    this.text = text;
    this.offset = offset;
  }

  /** By name. */
  public Errno errno() {
    return Errno.ofNumber(number);
  }

  /** Linux's number, also of one that has no name here. */
  public int number() {
    return number;
  }

  /** The kernel's words; empty if it gave none. */
  public String text() {
    return text;
  }

  /** Where in the request the attribute is that it complains of, in bytes; 0 if it did not say. */
  public int offset() {
    return offset;
  }

  /** The kernel's words, or what the number means. */
  String reason() {
    return text.isEmpty() ? Libc.meaning(-number) : text;
  }
}
