package io.vnet.io.tun;

import io.vnet.api.error.Errno;
import io.vnet.io.libc.Libc;
import java.util.HashMap;
import java.util.Map;

/** A C library without a kernel: every call succeeds, but those that a test has errors for. */
final class ScriptedLibc implements Libc {
  private static final int FIRST_DESCRIPTOR = 1000;

  private final Map<String, Integer> errors = new HashMap<>();
  private int descriptors;
  private int openDescriptors;

  /** All calls of a name (an ioctl: of a request's number) shall fail with an errno's number. */
  ScriptedLibc failing(Object call, int number) {
    errors.put(String.valueOf(call), number);
    return this;
  }

  ScriptedLibc failing(Object call, Errno errno) {
    return failing(call, errno.number());
  }

  int openDescriptors() {
    return openDescriptors;
  }

  private long result(Object call, long success) {
    Integer number = errors.get(String.valueOf(call));
    return number == null ? success : -number;
  }

  private long descriptor(String call) {
    long result = result(call, FIRST_DESCRIPTOR + descriptors);
    if (result >= 0) {
      descriptors++;
      openDescriptors++;
    }
    return result;
  }

  @Override
  public long open(String path, int flags) {
    return descriptor("open");
  }

  @Override
  public long close(int fd) {
    openDescriptors--;
    return result("close", 0);
  }

  @Override
  public long read(int fd, long address, long bytes) {
    return result("read", 0);
  }

  @Override
  public long write(int fd, long address, long bytes) {
    return result("write", bytes);
  }

  @Override
  public long ioctl(int fd, long request, long argument) {
    return result(request, 0);
  }

  @Override
  public long socket(int domain, int type, int protocol) {
    return descriptor("socket");
  }

  @Override
  public long bind(int fd, long address, int bytes) {
    return result("bind", 0);
  }

  @Override
  public long setsockopt(int fd, int level, int name, int value) {
    return result("setsockopt", 0);
  }

  @Override
  public long recv(int fd, long address, long bytes, int flags) {
    return result("recv", 0);
  }

  @Override
  public long poll(long address, int count, int timeoutMillis) {
    return result("poll", 1);
  }

  @Override
  public long setns(int fd, int type) {
    return result("setns", 0);
  }

  @Override
  public long unshare(int flags) {
    return result("unshare", 0);
  }
}
