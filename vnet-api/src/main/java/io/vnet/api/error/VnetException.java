package io.vnet.api.error;

/**
 * A refused or failed operation: which object, which operation, which errno, why, and what to do.
 *
 * <p>The message reads {@code open tun3: EBUSY, already open by pid 4121; close it or use another
 * unit}. Nobody needs to parse it: every part has an accessor.
 */
public final class VnetException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final String operation;
  private final String object;
  private final Errno errno;
  private final String reason;
  private final String remedy;

  /**
   * @param operation the verb, lower case: {@code open}, {@code create}, {@code TUNSETIFF}
   * @param object what it was done to: a device, a path; may be empty
   * @param errno the error by name
   * @param reason why, lower case, one clause
   * @param remedy what the caller can do, one clause; empty if there is nothing
   */
  public VnetException(String operation, String object, Errno errno, String reason, String remedy) {
    super(text(operation, object, errno, reason, remedy));
    this.operation = operation;
    this.object = object;
    this.errno = errno;
    this.reason = reason;
    this.remedy = remedy;
  }

  /** The same with a cause. */
  public VnetException(
      String operation, String object, Errno errno, String reason, String remedy, Throwable cause) {
    this(operation, object, errno, reason, remedy);
    initCause(cause);
  }

  private static String text(
      String operation, String object, Errno errno, String reason, String remedy) {
    StringBuilder text = new StringBuilder(operation);
    if (!object.isEmpty()) {
      text.append(' ').append(object);
    }
    text.append(": ").append(errno);
    if (!reason.isEmpty()) {
      text.append(", ").append(reason);
    }
    if (!remedy.isEmpty()) {
      text.append("; ").append(remedy);
    }
    return text.toString();
  }

  /** The verb. */
  public String operation() {
    return operation;
  }

  /** The object of the verb; may be empty. */
  public String object() {
    return object;
  }

  /** The error by name. */
  public Errno errno() {
    return errno;
  }

  /** Why it failed. */
  public String reason() {
    return reason;
  }

  /** What to do about it; empty if there is nothing. */
  public String remedy() {
    return remedy;
  }

  /**
   * The same failure for another thread to throw: its own stack trace, this one as the cause.
   *
   * @return a new exception with equal parts
   */
  public VnetException rethrown() {
    return new VnetException(operation, object, errno, reason, remedy, this);
  }
}
