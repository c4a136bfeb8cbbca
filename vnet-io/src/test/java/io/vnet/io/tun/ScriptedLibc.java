package io.vnet.io.tun;

import io.vnet.api.error.Errno;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A C library without a kernel: every call succeeds, but those that a test has errors for. Requests
 * over netlink are calls by their type's number; every link that is asked for exists, with no name.
 */
final class ScriptedLibc implements Libc {
  private static final int FIRST_DESCRIPTOR = 1000;
  private static final int LINK_INDEX = 7;

  private final Map<String, Integer> errors = new HashMap<>();
  private final Set<Integer> netlinks = new HashSet<>();
  private final Deque<byte[]> answers = new ArrayDeque<>();
  private final List<byte[]> written = new ArrayList<>();
  private final Deque<byte[]> waiting = new ArrayDeque<>();
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

  /** What write(2) and writev(2) have taken, in order, but for requests over netlink. */
  List<byte[]> written() {
    return written;
  }

  /** The next packet that read(2) gives; without one it says EAGAIN. */
  void arrives(byte[] packet) {
    waiting.add(packet);
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
    byte[] next = waiting.poll();
    if (next == null) {
      return result("read", -Errno.EAGAIN.number());
    }
    int copied = (int) Math.min(bytes, next.length);
    MemorySegment.copy(next, 0, memory(address, bytes), ValueLayout.JAVA_BYTE, 0, copied);
    return result("read", copied);
  }

  @Override
  public long write(int fd, long address, long bytes) {
    long result = result("write", bytes);
    if (result > 0 && !netlinks.contains(fd)) {
      written.add(memory(address, bytes).toArray(ValueLayout.JAVA_BYTE));
    } else if (result > 0) {
      MemorySegment request = memory(address, bytes);
      int type = request.get(ValueLayout.JAVA_SHORT, 4);
      int sequence = request.get(ValueLayout.JAVA_INT, 8);
      boolean dump =
          (request.get(ValueLayout.JAVA_SHORT, 6) & NetlinkConstants.NLM_F_DUMP)
              == NetlinkConstants.NLM_F_DUMP;
      int error = (int) result("RTM " + type, 0);
      if (dump) {
        answers.add(message(NetlinkConstants.NLMSG_DONE, sequence, new byte[4]));
      } else {
        if (type == NetlinkConstants.RTM_GETLINK && error == 0) {
          byte[] link = new byte[NetlinkConstants.IFINFOMSG_BYTES];
          ByteBuffer.wrap(link).order(ByteOrder.nativeOrder()).putInt(4, LINK_INDEX);
          answers.add(message(NetlinkConstants.RTM_NEWLINK, sequence, link));
        }
        byte[] answer = new byte[20];
        ByteBuffer.wrap(answer).order(ByteOrder.nativeOrder()).putInt(error);
        answers.add(message(NetlinkConstants.NLMSG_ERROR, sequence, answer));
      }
    }
    return result;
  }

  private static byte[] message(int type, int sequence, byte[] body) {
    int length = NetlinkConstants.NLMSGHDR_BYTES + body.length;
    return ByteBuffer.allocate(length)
        .order(ByteOrder.nativeOrder())
        .putInt(length)
        .putInt(type)
        .putInt(sequence)
        .putInt(0)
        .put(body)
        .array();
  }

  @SuppressWarnings("restricted") // Addresses are what the C library gets.
  private static MemorySegment memory(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  @Override
  public long writev(int fd, long vectors, int count) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    MemorySegment parts = memory(vectors, 16L * count);
    for (int i = 0; i < count; i++) {
      long address = parts.get(ValueLayout.JAVA_LONG, 16L * i);
      long bytes = parts.get(ValueLayout.JAVA_LONG, 16L * i + 8);
      all.writeBytes(memory(address, bytes).toArray(ValueLayout.JAVA_BYTE));
    }
    long result = result("writev", all.size());
    if (result > 0) {
      written.add(all.toByteArray());
    }
    return result;
  }

  @Override
  public long ioctl(int fd, long request, long argument) {
    return result(request, 0);
  }

  @Override
  public long socket(int domain, int type, int protocol) {
    long fd = descriptor("socket");
    if (domain == LinuxConstants.AF_NETLINK) {
      netlinks.add((int) fd);
    }
    return fd;
  }

  @Override
  public long fcntl(int fd, int command, long argument) {
    return result(
        "fcntl " + command, command == LinuxConstants.F_GETFL ? LinuxConstants.O_RDWR : 0);
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
    boolean peek = (flags & LinuxConstants.MSG_PEEK) != 0;
    byte[] next = peek ? answers.peek() : answers.poll();
    if (next == null) {
      return -Errno.EAGAIN.number();
    }
    int copied = (int) Math.min(bytes, next.length);
    MemorySegment.copy(next, 0, memory(address, bytes), ValueLayout.JAVA_BYTE, 0, copied);
    return result("recv", next.length);
  }

  @Override
  public long getsockname(int fd, long address, long length) {
    return result("getsockname", 0);
  }

  @Override
  public long recvmmsg(int fd, long messages, int count, int flags) {
    return result("recvmmsg", -Errno.EAGAIN.number());
  }

  @Override
  public long sendmmsg(int fd, long messages, int count, int flags) {
    return result("sendmmsg", count);
  }

  @Override
  public long poll(long address, int count, int timeoutMillis) {
    return result("poll", answers.isEmpty() ? 0 : 1);
  }

  @Override
  public long eventfd(int initial, int flags) {
    return result("eventfd", -Errno.ENOSYS.number());
  }

  @Override
  public long mmap(long bytes, int protection, int flags, int fd, long offset) {
    return result("mmap", -Errno.ENOSYS.number());
  }

  @Override
  public long munmap(long address, long bytes) {
    return result("munmap", -Errno.ENOSYS.number());
  }

  @Override
  public long uringSetup(int entries, long parameters) {
    return result("uringSetup", -Errno.ENOSYS.number());
  }

  @Override
  public long uringEnter(
      int fd, int submit, int complete, int flags, long argument, long argumentBytes) {
    return result("uringEnter", -Errno.ENOSYS.number());
  }

  @Override
  public long uringRegister(int fd, int operation, long argument, int count) {
    return result("uringRegister", -Errno.ENOSYS.number());
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
