package io.vnet.io.netlink;

import io.vnet.api.error.Errno;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * A C library whose netlink sockets are answered by the test: each request is given to it, and what
 * it returns waits to be received, datagram by datagram. One thread.
 */
final class FakeKernel implements Libc {
  static final int FD = 1000;

  final List<Message> requests = new ArrayList<>();
  final Deque<byte[]> waiting = new ArrayDeque<>();
  final List<Integer> closed = new ArrayList<>();
  private final Map<String, Deque<Integer>> errors = new HashMap<>();
  private final Function<Message, List<byte[]>> answer;

  FakeKernel(Function<Message, List<byte[]>> answer) {
    this.answer = answer;
  }

  /** The next calls of a name fail so, one after the other. */
  FakeKernel failing(String call, Errno... with) {
    for (Errno errno : with) {
      errors.computeIfAbsent(call, _ -> new ArrayDeque<>()).add(errno.number());
    }
    return this;
  }

  /** A message with a body, as the kernel sends it. */
  static byte[] message(int type, int flags, int sequence, byte[] body) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Attributes.align(NetlinkConstants.NLMSGHDR_BYTES + body.length))
            .order(ByteOrder.nativeOrder());
    bytes
        .putInt(NetlinkConstants.NLMSGHDR_BYTES + body.length)
        .putShort((short) type)
        .putShort((short) flags)
        .putInt(sequence)
        .putInt(0)
        .put(body);
    return bytes.array();
  }

  /** The end of a dump. */
  static byte[] done(Message request, int flags) {
    return message(NetlinkConstants.NLMSG_DONE, flags, request.sequence(), new byte[4]);
  }

  /** An acknowledgement, or a refusal without words. */
  static byte[] answer(Message request, int number) {
    ByteBuffer body = ByteBuffer.allocate(20).order(ByteOrder.nativeOrder()).putInt(-number);
    return message(
        NetlinkConstants.NLMSG_ERROR,
        NetlinkConstants.NLM_F_CAPPED,
        request.sequence(),
        body.array());
  }

  /** Some datagrams as one. */
  static byte[] joined(byte[]... parts) {
    ByteBuffer whole = ByteBuffer.allocate(List.of(parts).stream().mapToInt(p -> p.length).sum());
    for (byte[] part : parts) {
      whole.put(part);
    }
    return whole.array();
  }

  private long result(String call, long success) {
    Deque<Integer> numbers = errors.get(call);
    return numbers == null || numbers.isEmpty() ? success : -numbers.remove();
  }

  @SuppressWarnings("restricted") // Addresses are what the C library gets.
  private static MemorySegment memory(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  @Override
  public long write(int fd, long address, long bytes) {
    long result = result("write", bytes);
    if (result > 0) {
      byte[] sent = memory(address, bytes).toArray(ValueLayout.JAVA_BYTE);
      Message request = Message.split(ByteBuffer.wrap(sent)).messages().getFirst();
      requests.add(request);
      waiting.addAll(answer.apply(request));
    }
    return result;
  }

  @Override
  public long recv(int fd, long address, long bytes, int flags) {
    boolean peek = (flags & LinuxConstants.MSG_PEEK) != 0;
    long result = result(peek ? "peek" : "recv", 0);
    if (result < 0) {
      return result;
    }
    byte[] next = peek ? waiting.peek() : waiting.poll();
    if (next == null) {
      return -Errno.EAGAIN.number();
    }
    int copied = (int) Math.min(bytes, next.length);
    MemorySegment.copy(next, 0, memory(address, bytes), ValueLayout.JAVA_BYTE, 0, copied);
    return (flags & LinuxConstants.MSG_TRUNC) != 0 ? next.length : copied;
  }

  @Override
  public long getsockname(int fd, long address, long length) {
    throw new AssertionError("nobody asks for a name here");
  }

  @Override
  public long recvmmsg(int fd, long messages, int count, int flags) {
    throw new AssertionError("messages are received one by one here");
  }

  @Override
  public long sendmmsg(int fd, long messages, int count, int flags) {
    throw new AssertionError("messages are sent one by one here");
  }

  @Override
  public long poll(long address, int count, int timeoutMillis) {
    return result("poll", waiting.isEmpty() ? 0 : 1);
  }

  @Override
  public long socket(int domain, int type, int protocol) {
    return result("socket", FD);
  }

  @Override
  public long fcntl(int fd, int command, long argument) {
    throw new AssertionError("no fcntl is made here");
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
  public long close(int fd) {
    closed.add(fd);
    return 0;
  }

  @Override
  public long open(String path, int flags) {
    throw new AssertionError("nothing is opened here");
  }

  @Override
  public long read(int fd, long address, long bytes) {
    throw new AssertionError("nothing is read here");
  }

  @Override
  public long ioctl(int fd, long request, long argument) {
    throw new AssertionError("no ioctl is made here");
  }

  @Override
  public long setns(int fd, int type) {
    throw new AssertionError("no namespace is entered here");
  }

  @Override
  public long writev(int fd, long vectors, int count) {
    throw new AssertionError("no namespace is made here");
  }

  @Override
  public long eventfd(int initial, int flags) {
    throw new AssertionError("no namespace is made here");
  }

  @Override
  public long mmap(long bytes, int protection, int flags, int fd, long offset) {
    throw new AssertionError("no namespace is made here");
  }

  @Override
  public long munmap(long address, long bytes) {
    throw new AssertionError("no namespace is made here");
  }

  @Override
  public long uringSetup(int entries, long parameters) {
    throw new AssertionError("no namespace is made here");
  }

  @Override
  public long uringEnter(
      int fd, int submit, int complete, int flags, long argument, long argumentBytes) {
    throw new AssertionError("no namespace is made here");
  }

  @Override
  public long uringRegister(int fd, int operation, long argument, int count) {
    throw new AssertionError("no namespace is made here");
  }

  @Override
  public long unshare(int flags) {
    throw new AssertionError("no namespace is made here");
  }
}
