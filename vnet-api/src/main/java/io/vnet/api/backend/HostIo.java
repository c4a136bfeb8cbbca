package io.vnet.api.backend;

/** How I/O threads talk to the kernel. */
public enum HostIo {
  /** IO_URING where the kernel allows it, else EPOLL. */
  AUTO,
  /** Linux: readiness by epoll(7), a system call a packet. Works everywhere. */
  EPOLL,
  /**
   * Linux 6.7: reads in flight and batches of writes through io_uring(7). Containers often forbid
   * it.
   */
  IO_URING
}
