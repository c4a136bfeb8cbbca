package io.vnet.io.netlink;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NetlinkConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A route netlink socket of the namespace in which it was opened. Safe on any thread: one exchange
 * at a time, each with a sequence number of its own, so that a late answer is known for one.
 *
 * <p>Blocks in poll(2): not on an island, not on an actor's thread, not in an epoch section.
 *
 * <p><b>An exchange costs</b> a write(2), and a poll(2) and two recv(2) a datagram: one that asks
 * for its length, so that none is cut.
 *
 * <p>Source: netlink(7), rtnetlink(7), linux/netlink.h.
 */
final class NetlinkSocket implements AutoCloseable {
  /** The kernel answers before write(2) returns: an answer that is not there will not come. */
  private static final int TIMEOUT_MILLIS = 5000;

  /** The kernel makes no dump message longer than this for a reader with room for it. */
  private static final int FIRST_BUFFER_BYTES = 32 * 1024;

  /** No datagram is longer: a length above is no length. */
  private static final int BUFFER_BYTES_MAX = 16 * 1024 * 1024;

  /** A dump during which something changed is asked for again. */
  private static final int DUMPS_MAX = 16;

  private static final int ANSWER_ERROR_BYTES = 4;

  private final Libc libc;
  private final int fd;
  private int sequence;
  private boolean disturbed;
  private boolean closed;

  private NetlinkSocket(Libc libc, int fd) {
    this.libc = libc;
    this.fd = fd;
  }

  /**
   * Opens one in the calling thread's namespace.
   *
   * @param groups {@code RTMGRP_*} to hear of; 0: none
   * @param receiveBytes the kernel's buffer for it (it takes the double); 0: as usual
   */
  static NetlinkSocket open(Libc libc, int groups, int receiveBytes) {
    long fd =
        libc.socket(
            LinuxConstants.AF_NETLINK,
            LinuxConstants.SOCK_RAW | LinuxConstants.SOCK_CLOEXEC | LinuxConstants.O_NONBLOCK,
            NetlinkConstants.NETLINK_ROUTE);
    if (fd < 0) {
      throw failure("socket", fd);
    }
    NetlinkSocket socket = new NetlinkSocket(libc, (int) fd);
    try {
      // Kernels before 4.12, 4.3 and 4.20 do without.
      socket.option(LinuxConstants.SOL_NETLINK, NetlinkConstants.NETLINK_EXT_ACK, 1);
      socket.option(LinuxConstants.SOL_NETLINK, NetlinkConstants.NETLINK_CAP_ACK, 1);
      socket.option(LinuxConstants.SOL_NETLINK, NetlinkConstants.NETLINK_GET_STRICT_CHK, 1);
      if (receiveBytes != 0) {
        socket.option(LinuxConstants.SOL_SOCKET, LinuxConstants.SO_RCVBUF, receiveBytes);
      }
      socket.bind(groups);
      return socket;
    } catch (RuntimeException e) {
      libc.close((int) fd);
      throw e;
    }
  }

  private void option(int level, int name, int value) {
    long set = libc.setsockopt(fd, level, name, value);
    if (set < 0 && Errno.ofNumber((int) -set) != Errno.ENOPROTOOPT) {
      throw failure("setsockopt", set);
    }
  }

  private void bind(int groups) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = arena.allocate(NetlinkConstants.SOCKADDR_NL_BYTES, 4);
      address.set(ValueLayout.JAVA_SHORT, 0, (short) LinuxConstants.AF_NETLINK);
      address.set(ValueLayout.JAVA_INT, 8, groups);
      long bound = libc.bind(fd, address.address(), NetlinkConstants.SOCKADDR_NL_BYTES);
      if (bound < 0) {
        throw failure("bind", bound);
      }
    }
  }

  /**
   * Sends a request that has NLM_F_ACK and waits for the acknowledgement.
   *
   * @return what came before the acknowledgement
   * @throws NetlinkRefusal the kernel refused: nothing has changed
   * @throws VnetException the exchange failed: the kernel may have done it or not
   */
  synchronized List<Message> request(MessageWriter request) {
    try (Arena arena = Arena.ofConfined()) {
      Receiver receiver = begin(arena);
      int number = send(arena, request);
      List<Message> answers = new ArrayList<>();
      while (true) {
        for (Message message : whole(receiver.await(TIMEOUT_MILLIS))) {
          if (message.sequence() != number) {
            continue;
          }
          if (message.type() == NetlinkConstants.NLMSG_ERROR) {
            disturbed = false;
            throwIfRefused(message);
            return answers;
          }
          answers.add(message);
        }
      }
    }
  }

  /**
   * Sends a request for a dump and collects it; a dump that changes interrupted is thrown away and
   * asked for again.
   *
   * @throws NetlinkRefusal the kernel refused
   * @throws VnetException EAGAIN: interrupted every time; or the exchange failed
   */
  synchronized List<Message> dump(MessageWriter request) {
    try (Arena arena = Arena.ofConfined()) {
      for (int i = 0; i < DUMPS_MAX; i++) {
        List<Message> found = new ArrayList<>();
        if (dump(arena, request, found)) {
          return found;
        }
      }
    }
    throw new VnetException(
        "dump",
        "netlink socket",
        Errno.EAGAIN,
        "what was to be listed changed during each of " + DUMPS_MAX + " attempts",
        "try again");
  }

  /** False if it was interrupted. */
  private boolean dump(Arena arena, MessageWriter request, List<Message> found) {
    Receiver receiver = begin(arena);
    int number = send(arena, request);
    boolean consistent = true;
    while (true) {
      for (Message message : whole(receiver.await(TIMEOUT_MILLIS))) {
        if (message.sequence() != number) {
          continue;
        }
        consistent &= !message.has(NetlinkConstants.NLM_F_DUMP_INTR);
        switch (message.type()) {
          case NetlinkConstants.NLMSG_DONE, NetlinkConstants.NLMSG_ERROR -> {
            disturbed = false;
            throwIfRefused(message);
            return consistent;
          }
          default -> found.add(message);
        }
      }
    }
  }

  /** After an exchange that failed half-way its answers may still come: they go first. */
  private Receiver begin(Arena arena) {
    if (closed) {
      throw new VnetException("use", "netlink socket", Errno.EBADF, "it is closed", "");
    }
    Receiver receiver = new Receiver(arena);
    while (disturbed && receiver.poll(0)) {
      ByteBuffer late = receiver.receive();
      disturbed = late.hasRemaining();
    }
    disturbed = true;
    return receiver;
  }

  private int send(Arena arena, MessageWriter request) {
    int number = ++sequence;
    write(arena, request.toByteArray(number));
    return number;
  }

  private void write(Arena arena, byte[] message) {
    MemorySegment bytes = arena.allocate(message.length, 8);
    MemorySegment.copy(message, 0, bytes, ValueLayout.JAVA_BYTE, 0, message.length);
    long written = libc.write(fd, bytes.address(), message.length);
    while (written < 0 && Errno.ofNumber((int) -written) == Errno.EINTR) {
      written = libc.write(fd, bytes.address(), message.length);
    }
    if (written < 0) {
      throw failure("write", written);
    }
  }

  private static List<Message> whole(ByteBuffer datagram) {
    Message.Datagram split = Message.split(datagram);
    if (!split.whole()) {
      throw new VnetException(
          "read", "netlink socket", Errno.EIO, "the kernel's answer was cut", "try again");
    }
    return split.messages();
  }

  /**
   * {@code struct nlmsgerr}: a number, the request's header, then the request unless it is capped,
   * then attributes. The end of a dump has the number and the attributes.
   */
  static void throwIfRefused(Message answer) {
    ByteBuffer body = answer.body();
    int number = body.limit() < ANSWER_ERROR_BYTES ? 0 : -body.getInt(0);
    if (number <= 0) {
      return;
    }
    int at = ANSWER_ERROR_BYTES;
    if (answer.type() == NetlinkConstants.NLMSG_ERROR) {
      int repeated =
          !answer.has(NetlinkConstants.NLM_F_CAPPED) && body.limit() >= at + Integer.BYTES
              ? body.getInt(at)
              : NetlinkConstants.NLMSGHDR_BYTES;
      at += Attributes.align(Math.max(0, Math.min(repeated, body.limit())));
    }
    boolean words = answer.has(NetlinkConstants.NLM_F_ACK_TLVS) && at <= body.limit();
    Attributes attributes =
        Attributes.of(words ? body.slice(at, body.limit() - at) : body.slice(0, 0));
    throw new NetlinkRefusal(
        number,
        attributes.text(NetlinkConstants.NLMSGERR_ATTR_MSG).strip(),
        attributes.s32(NetlinkConstants.NLMSGERR_ATTR_OFFS, 0));
  }

  /** Makes the socket readable, for a thread that waits in {@link Receiver#poll}. */
  void wake() {
    try (Arena arena = Arena.ofConfined()) {
      write(
          arena,
          new MessageWriter(
                  NetlinkConstants.NLMSG_NOOP,
                  NetlinkConstants.NLM_F_REQUEST | NetlinkConstants.NLM_F_ACK)
              .toByteArray(0));
    }
  }

  /** A reader of this socket, for the calling thread. */
  Receiver receiver(Arena arena) {
    return new Receiver(arena);
  }

  /** The reading end with its buffer, which grows. One thread; ends with its arena. */
  final class Receiver {
    private final Arena arena;
    private final MemorySegment poll;
    private MemorySegment buffer;

    private Receiver(Arena arena) {
      this.arena = arena;
      this.poll = arena.allocate(LinuxConstants.POLLFD_BYTES, 4);
      this.buffer = arena.allocate(FIRST_BUFFER_BYTES, 8);
    }

    /**
     * Waits until there is something to receive, be it an error.
     *
     * @param timeoutMillis negative: for ever
     * @return false: the time is over
     */
    boolean poll(int timeoutMillis) {
      long until = System.nanoTime() + timeoutMillis * 1_000_000L;
      int left = timeoutMillis;
      while (true) {
        poll.set(ValueLayout.JAVA_INT, 0, fd);
        poll.set(ValueLayout.JAVA_INT, 4, LinuxConstants.POLLIN);
        long ready = libc.poll(poll.address(), 1, left);
        if (ready >= 0) {
          return ready > 0;
        }
        if (Errno.ofNumber((int) -ready) != Errno.EINTR) {
          throw failure("poll", ready);
        }
        if (timeoutMillis > 0) {
          left = (int) Math.max(0, (until - System.nanoTime()) / 1_000_000);
        }
      }
    }

    /** The next datagram, waited for. Valid until the next call. */
    ByteBuffer await(int timeoutMillis) {
      while (true) {
        if (!poll(timeoutMillis)) {
          throw new VnetException(
              "poll",
              "netlink socket",
              Errno.ETIMEDOUT,
              "the kernel did not answer in " + timeoutMillis + " ms",
              "try again");
        }
        ByteBuffer datagram = receive();
        if (datagram.hasRemaining()) {
          return datagram;
        }
      }
    }

    /**
     * The next datagram, a copy; empty if there is none.
     *
     * @throws VnetException ENOBUFS: messages for this socket were lost
     */
    ByteBuffer receive() {
      long length = receive(0, LinuxConstants.MSG_PEEK | LinuxConstants.MSG_TRUNC);
      if (length > BUFFER_BYTES_MAX) {
        throw new VnetException(
            "recv", "netlink socket", Errno.EMSGSIZE, length + " bytes are announced", "");
      }
      if (length > buffer.byteSize()) {
        buffer = arena.allocate(length, 8);
      }
      long received = length < 0 ? length : receive(buffer.byteSize(), LinuxConstants.MSG_TRUNC);
      if (received > buffer.byteSize()) {
        throw new VnetException(
            "recv", "netlink socket", Errno.EMSGSIZE, "a datagram was cut", "try again");
      }
      return received < 0
          ? ByteBuffer.allocate(0)
          : ByteBuffer.wrap(buffer.asSlice(0, received).toArray(ValueLayout.JAVA_BYTE));
    }

    /** -1 if there is nothing. */
    private long receive(long bytes, int flags) {
      while (true) {
        long received = libc.recv(fd, buffer.address(), bytes, flags);
        if (received >= 0) {
          return received;
        }
        switch (Errno.ofNumber((int) -received)) {
          case EINTR -> {}
          case EAGAIN -> {
            return -1;
          }
          default -> throw failure("recv", received);
        }
      }
    }
  }

  private static VnetException failure(String call, long result) {
    Errno errno = Errno.ofNumber((int) -result);
    return new VnetException(
        call,
        "netlink socket",
        errno,
        Libc.meaning(result),
        switch (errno) {
          case EMFILE -> "close descriptors or raise the limit: ulimit -n";
          case ENOBUFS, ENOMEM, EIO -> "try again";
          default -> "";
        });
  }

  /** More than once is as once. */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      libc.close(fd);
    }
  }
}
