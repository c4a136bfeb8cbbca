package io.vnet.io.udp;

import static io.vnet.io.libc.SocketConstants.*;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.io.libc.LinuxConstants;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The addresses of one message, without objects: where it came from, and where it arrived. Codec of
 * {@code struct sockaddr_in} and {@code sockaddr_in6}. One thread at a time.
 *
 * <p>Source: ip(7), ipv6(7), {@code linux/in.h}, {@code linux/in6.h}.
 */
final class SocketAddresses {
  static final ValueLayout.OfShort HOST_SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  static final ValueLayout.OfInt HOST_INT = ValueLayout.JAVA_INT_UNALIGNED;
  static final ValueLayout.OfLong HOST_LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  static final ValueLayout.OfShort NET_SHORT = HOST_SHORT.withOrder(ByteOrder.BIG_ENDIAN);
  static final ValueLayout.OfInt NET_INT = HOST_INT.withOrder(ByteOrder.BIG_ENDIAN);
  static final ValueLayout.OfLong NET_LONG = HOST_LONG.withOrder(ByteOrder.BIG_ENDIAN);

  /** Room for either address. */
  static final int BYTES = 32;

  boolean v6;
  long high;
  long low;
  int port;
  int scopeId;
  boolean hasSource;
  long sourceHigh;
  long sourceLow;
  int sourceInterface;

  /** Reads where a message came from; where it arrived is not known then. */
  void readName(MemorySegment memory, long at) {
    v6 = memory.get(HOST_SHORT, at) == LinuxConstants.AF_INET6;
    port = memory.get(NET_SHORT, at + SIN_PORT) & 0xFFFF;
    if (v6) {
      high = memory.get(NET_LONG, at + SIN6_ADDR);
      low = memory.get(NET_LONG, at + SIN6_ADDR + Long.BYTES);
      scopeId = memory.get(HOST_INT, at + SIN6_SCOPE_ID);
    } else {
      high = 0;
      low = memory.get(NET_INT, at + SIN_ADDR) & 0xFFFF_FFFFL;
      scopeId = 0;
    }
    hasSource = false;
    sourceHigh = 0;
    sourceLow = 0;
    sourceInterface = 0;
  }

  /** Reads {@code struct in_pktinfo} of an IPv4 message; one without an interface's number not. */
  void readPacketInfo4(MemorySegment memory, long at) {
    if (v6 || memory.get(HOST_INT, at + IPI_IFINDEX) < 0) {
      return;
    }
    hasSource = true;
    sourceLow = memory.get(NET_INT, at + IPI_SPEC_DST) & 0xFFFF_FFFFL;
    sourceInterface = memory.get(HOST_INT, at + IPI_IFINDEX);
  }

  /** Reads {@code struct in6_pktinfo} of an IPv6 message; one without an interface's number not. */
  void readPacketInfo6(MemorySegment memory, long at) {
    if (!v6 || memory.get(HOST_INT, at + IPI6_IFINDEX) < 0) {
      return;
    }
    hasSource = true;
    sourceHigh = memory.get(NET_LONG, at + IPI6_ADDR);
    sourceLow = memory.get(NET_LONG, at + IPI6_ADDR + Long.BYTES);
    sourceInterface = memory.get(HOST_INT, at + IPI6_IFINDEX);
  }

  /** Whether an endpoint has these addresses, its source too. */
  boolean equal(Endpoint endpoint) {
    IpAddress address = endpoint.address();
    return address.low() == low
        && address.high() == high
        && address.v6() == v6
        && endpoint.port() == port
        && endpoint.scopeId() == scopeId
        && sourceEquals(endpoint);
  }

  private boolean sourceEquals(Endpoint endpoint) {
    if (endpoint.source().isEmpty()) {
      return !hasSource;
    }
    Endpoint.Source source = endpoint.source().get();
    return hasSource
        && source.interfaceIndex() == sourceInterface
        && source.address().low() == sourceLow
        && source.address().high() == sourceHigh;
  }

  /** Writes where a message goes to; returns the bytes that it took. */
  static int write(MemorySegment memory, long at, Endpoint to) {
    return write(memory, at, to.address(), to.port(), to.scopeId());
  }

  /** The same of its parts. */
  static int write(MemorySegment memory, long at, IpAddress address, int port, int scopeId) {
    if (!address.v6()) {
      memory.set(HOST_SHORT, at, (short) LinuxConstants.AF_INET);
      memory.set(NET_SHORT, at + SIN_PORT, (short) port);
      memory.set(NET_INT, at + SIN_ADDR, (int) address.low());
      memory.set(HOST_LONG, at + SIN_ADDR + Integer.BYTES, 0);
      return SOCKADDR_IN_BYTES;
    }
    memory.set(HOST_SHORT, at, (short) LinuxConstants.AF_INET6);
    memory.set(NET_SHORT, at + SIN6_PORT, (short) port);
    memory.set(HOST_INT, at + SIN6_PORT + Short.BYTES, 0);
    memory.set(NET_LONG, at + SIN6_ADDR, address.high());
    memory.set(NET_LONG, at + SIN6_ADDR + Long.BYTES, address.low());
    memory.set(HOST_INT, at + SIN6_SCOPE_ID, scopeId);
    return SOCKADDR_IN6_BYTES;
  }
}
