package io.vnet.io.libc;

import io.vnet.api.error.Errno;

/**
 * System calls by their names. Each returns what the call returns, or {@code -errno}. Safe on any
 * thread; {@link #setns} and {@link #unshare} change the calling thread.
 *
 * <p>Source: the man pages of section 2.
 */
public interface Libc {
  /** What a failed call's result means in a few words; with its number if that has no name. */
  static String meaning(long result) {
    Errno errno = Errno.ofNumber((int) -result);
    return errno == Errno.EUNKNOWN ? errno.meaning() + " " + -result : errno.meaning();
  }

  /** open(2). */
  long open(String path, int flags);

  /** close(2). */
  long close(int fd);

  /**
   * read(2).
   *
   * @param address where to, native memory
   * @param bytes how many at the most
   */
  long read(int fd, long address, long bytes);

  /** write(2); parameters as in {@link #read}. */
  long write(int fd, long address, long bytes);

  /**
   * writev(2).
   *
   * @param vectors address of {@code count} times {@code struct iovec}
   */
  long writev(int fd, long vectors, int count);

  /** ioctl(2) with a number or an address as its argument. */
  long ioctl(int fd, long request, long argument);

  /** fcntl(2) with a number as its argument. */
  long fcntl(int fd, int command, long argument);

  /** socket(2). */
  long socket(int domain, int type, int protocol);

  /** bind(2); the address is native memory. */
  long bind(int fd, long address, int bytes);

  /** setsockopt(2) with a number as the value. */
  long setsockopt(int fd, int level, int name, int value);

  /** recv(2); parameters as in {@link #read}. */
  long recv(int fd, long address, long bytes, int flags);

  /**
   * getsockname(2).
   *
   * @param address where to, native memory
   * @param length address of a {@code socklen_t}: the bytes that there are, then those that it took
   */
  long getsockname(int fd, long address, long length);

  /**
   * recvmmsg(2) without a time limit: how many messages came.
   *
   * @param messages address of {@code count} times {@code struct mmsghdr}
   */
  long recvmmsg(int fd, long messages, int count, int flags);

  /** sendmmsg(2): how many messages went; parameters as in {@link #recvmmsg}. */
  long sendmmsg(int fd, long messages, int count, int flags);

  /**
   * poll(2). Blocks, so it is called only on a thread that may.
   *
   * @param address of {@code struct pollfd}, as many as the count says
   * @param timeoutMillis negative: for ever
   */
  long poll(long address, int count, int timeoutMillis);

  /** eventfd(2). */
  long eventfd(int initial, int flags);

  /** mmap(2) at an address of the kernel's choice; the address, or {@code -errno}. */
  long mmap(long bytes, int protection, int flags, int fd, long offset);

  /** munmap(2). */
  long munmap(long address, long bytes);

  /** io_uring_setup(2). */
  long uringSetup(int entries, long parameters);

  /** io_uring_enter(2). */
  long uringEnter(int fd, int submit, int complete, int flags, long argument, long argumentBytes);

  /** io_uring_register(2). */
  long uringRegister(int fd, int operation, long argument, int count);

  /** setns(2). */
  long setns(int fd, int type);

  /** unshare(2). */
  long unshare(int flags);
}
