package io.vnet.api.error;

import java.util.Arrays;

/**
 * Error numbers by name. The names are the contract; the number is Linux's and is only shown.
 *
 * <p>Source: errno(3); numbers from the kernel's {@code asm-generic/errno-base.h} and {@code
 * asm-generic/errno.h}.
 */
public enum Errno {
  EPERM(1, "operation not permitted"),
  ENOENT(2, "no such file or node"),
  ESRCH(3, "no such process or entry"),
  EINTR(4, "interrupted"),
  EIO(5, "input/output error"),
  ENXIO(6, "no such device"),
  E2BIG(7, "too many"),
  EBADF(9, "bad descriptor"),
  EAGAIN(11, "try again"),
  ENOMEM(12, "out of memory"),
  EACCES(13, "permission denied"),
  EFAULT(14, "bad address"),
  EBUSY(16, "device busy"),
  EEXIST(17, "already exists"),
  ENODEV(19, "no such device or module"),
  EINVAL(22, "invalid argument"),
  ENFILE(23, "too many open files in the system"),
  EMFILE(24, "too many open files in this process"),
  ENOTTY(25, "operation not known to this device"),
  ENOSPC(28, "no space left"),
  ERANGE(34, "out of range"),
  EDEADLK(35, "would deadlock"),
  ENAMETOOLONG(36, "name too long"),
  ENOSYS(38, "not implemented by this kernel"),
  ELOOP(40, "would make a loop"),
  ETIME(62, "timer expired"),
  EBADFD(77, "descriptor in bad state"),
  EMSGSIZE(90, "message too long"),
  EPROTOTYPE(91, "wrong protocol type"),
  ENOPROTOOPT(92, "protocol option not available"),
  EOPNOTSUPP(95, "operation not supported"),
  EAFNOSUPPORT(97, "address family not supported"),
  EADDRINUSE(98, "address in use"),
  EADDRNOTAVAIL(99, "address not available"),
  ENETDOWN(100, "network is down"),
  ENETUNREACH(101, "network is unreachable"),
  ENOBUFS(105, "no buffer space"),
  ESHUTDOWN(108, "already shut down"),
  ETIMEDOUT(110, "timed out"),
  ECONNREFUSED(111, "connection refused"),
  EHOSTDOWN(112, "host is down"),
  EHOSTUNREACH(113, "no route to host"),
  ECANCELED(125, "cancelled"),
  /** A number that has no name here; the number itself is in the exception's text. */
  EUNKNOWN(-1, "unknown error");

  private static final Errno[] BY_NUMBER = byNumber();

  private final int number;
  private final String meaning;

  Errno(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  /** Linux's number, or -1 for {@link #EUNKNOWN}. */
  public int number() {
    return number;
  }

  /** A few words, lower case, without the name. */
  public String meaning() {
    return meaning;
  }

  /**
   * The name of a Linux error number.
   *
   * @param number a positive errno, as a failed system call leaves it
   * @return its name, or {@link #EUNKNOWN}
   */
  public static Errno ofNumber(int number) {
    return number > 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : EUNKNOWN;
  }

  private static Errno[] byNumber() {
    int largest = Arrays.stream(values()).mapToInt(Errno::number).max().orElse(0);
    Errno[] table = new Errno[largest + 1];
    Arrays.fill(table, EUNKNOWN);
    for (Errno errno : values()) {
      if (errno.number > 0) {
        table[errno.number] = errno;
      }
    }
    return table;
  }
}
