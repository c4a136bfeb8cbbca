package io.vnet.api.packet;

import io.vnet.api.address.Endpoint;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Up to {@code capacity} packets in one native slab: a reader fills it, a writer drains it.
 *
 * <p><b>Owner:</b> whoever holds the batch, one thread at a time; ownership moves with it and ends
 * with {@link #release}, exactly once. The slab outlives the batch's use: no device's end has to
 * take memory away that another thread may still read.
 *
 * <p><b>Invariant:</b> {@code 0 <= count <= capacity}; for every {@code i < count} the bytes {@code
 * [offset(i), offset(i) + length(i))} lie within the slab and overlap no other packet; in front of
 * and behind them lie the pool's head room and tail room, unless a {@link #slice} used them up.
 *
 * <p><b>Allocation:</b> none after construction. A packet is an offset and a length and not a
 * slice, because a slice a packet is an object a packet.
 */
public final class PacketBatch {
  private static final int ALIGNMENT = 64;
  private static final VarHandle STATE;
  private static final int FREE = 0;
  private static final int LENT = 1;

  static {
    try {
      STATE = MethodHandles.lookup().findVarHandle(PacketBatch.class, "state", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final BatchPool.Home home;
  private final MemorySegment segment;
  private final int headRoom;
  private final int tailRoom;
  private final int[] offsets;
  private final int[] lengths;
  private final long[] offloads;
  // From count on: null.
  private final @Nullable Endpoint[] endpoints;
  private boolean hasEndpoints;
  private int count;
  private int end;

  @SuppressWarnings("unused") // Through STATE.
  private volatile int state = FREE;

  PacketBatch(BatchPool.Home home, int capacity, int headRoom, int tailRoom) {
    this.home = home;
    this.segment = home.slab().segment();
    this.headRoom = headRoom;
    this.tailRoom = tailRoom;
    this.offsets = new int[capacity];
    this.lengths = new int[capacity];
    this.offloads = new long[capacity];
    this.endpoints = new Endpoint[capacity];
  }

  /** The slab. Offsets of this batch count from its start. */
  public MemorySegment segment() {
    return segment;
  }

  /** How many packets fit at the most. */
  public int capacity() {
    return offsets.length;
  }

  /** How many packets there are. */
  public int count() {
    return count;
  }

  /** Whether there is no packet. */
  public boolean isEmpty() {
    return count == 0;
  }

  /** Where packet {@code i} starts, in bytes from the start of {@link #segment}. */
  public int offset(int i) {
    return offsets[Objects.checkIndex(i, count)];
  }

  /** How long packet {@code i} is, in bytes. */
  public int length(int i) {
    return lengths[Objects.checkIndex(i, count)];
  }

  /**
   * The offload word of packet {@code i}: 0, or what a virtio-net header says of it, packed from
   * the low end: flags 8 bits, gso type 8, gso size 16, checksum start 16, checksum offset 16.
   *
   * <p>Of datagrams without headers it says how they follow one another: {@code
   * io.vnet.api.offload.DatagramTrain}.
   *
   * <p>Source: {@code linux/virtio_net.h}, {@code struct virtio_net_hdr}.
   */
  public long offload(int i) {
    return offloads[Objects.checkIndex(i, count)];
  }

  /** Changes the {@linkplain #offload offload word} of packet {@code i}: its packet has changed. */
  public void setOffload(int i, long offload) {
    offloads[Objects.checkIndex(i, count)] = offload;
  }

  /**
   * Where packet {@code i} came from or is to go to, for a port that has endpoints; null where none
   * was set, as for all packets at first.
   */
  public @Nullable Endpoint endpoint(int i) {
    return endpoints[Objects.checkIndex(i, count)];
  }

  /** Changes the {@linkplain #endpoint endpoint} of packet {@code i}. */
  public void setEndpoint(int i, @Nullable Endpoint endpoint) {
    endpoints[Objects.checkIndex(i, count)] = endpoint;
    hasEndpoints |= endpoint != null;
  }

  /** The length of all packets together, in bytes. */
  public long bytes() {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += lengths[i];
    }
    return sum;
  }

  /**
   * Where the next packet may be written to.
   *
   * @param bytes the longest it can be
   * @return its offset, or -1 if the batch has no place or no {@code bytes} left
   */
  public int room(int bytes) {
    return room(bytes, 0);
  }

  /**
   * Where one of several packets may be written to that are all written before the first of them is
   * taken, with {@link #commitAt}.
   *
   * @param bytes the longest that each can be
   * @param index of it, from 0 on
   * @return its offset, or -1 if the batch has no place or not so many bytes left
   */
  public int room(int bytes, int index) {
    long step = ((long) bytes + tailRoom + headRoom + ALIGNMENT - 1) & -ALIGNMENT;
    long start = nextStart() + step * index;
    return count + index < offsets.length && start + bytes + tailRoom <= segment.byteSize()
        ? (int) start
        : -1;
  }

  /**
   * Takes the packet that was just written at {@link #room}.
   *
   * @param length in bytes, at least 1 and at most what was asked of {@code room}
   */
  public void commit(int length) {
    commit(length, 0);
  }

  /** The same with an {@linkplain #offload offload word}. */
  public void commit(int length, long offload) {
    commit(nextStart(), length, offload);
  }

  /**
   * Takes a packet that was written at {@link #room(int, int)}; the room in front of it that was
   * not taken is lost.
   *
   * @param offset where it is: that of {@code room}, not in front of what was taken before
   * @param length in bytes, at least 1 and at most what was asked of {@code room}
   */
  public void commitAt(int offset, int length, long offload) {
    if (offset < nextStart()) {
      throw new IllegalStateException("commit at " + offset + ", taken up to " + nextStart());
    }
    commit((long) offset, length, offload);
  }

  private void commit(long start, int length, long offload) {
    if (length < 1 || count == offsets.length || start + length + tailRoom > segment.byteSize()) {
      throw new IllegalStateException(
          "commit of " + length + " bytes at " + start + " of " + segment.byteSize());
    }
    offsets[count] = (int) start;
    lengths[count] = length;
    offloads[count] = offload;
    count++;
    end = (int) start + length + tailRoom;
  }

  /**
   * Appends a copy of some bytes.
   *
   * @return false if they do not fit; nothing has changed then
   */
  public boolean append(MemorySegment source, long offset, int length) {
    int start = length < 1 ? -1 : room(length);
    if (start < 0) {
      return false;
    }
    MemorySegment.copy(source, offset, segment, start, length);
    commit(length);
    return true;
  }

  /**
   * Appends a copy of packet {@code i} of another batch, with its offload word and its endpoint;
   * false: no room.
   */
  public boolean append(PacketBatch other, int i) {
    if (!append(other.segment, other.offset(i), other.length(i))) {
      return false;
    }
    offloads[count - 1] = other.offloads[i];
    setEndpoint(count - 1, other.endpoints[i]);
    return true;
  }

  /** Appends a copy of a packet; false: no room. */
  public boolean append(Packet packet) {
    return append(packet.segment(), 0, packet.length());
  }

  /**
   * Makes packet {@code i} begin and end elsewhere: strips a header, or takes in head or tail room.
   *
   * @throws IndexOutOfBoundsException if the range leaves the slab
   * @throws IllegalArgumentException if nothing would be left: {@link #keepIf} removes packets
   */
  public void slice(int i, int newOffset, int newLength) {
    Objects.checkIndex(i, count);
    Objects.checkFromIndexSize(newOffset, newLength, (int) segment.byteSize());
    if (newLength == 0) {
      throw new IllegalArgumentException("a packet has at least one byte");
    }
    offsets[i] = newOffset;
    lengths[i] = newLength;
  }

  /**
   * Keeps the packets whose index passes, in order; moves no bytes. If {@code keep} throws, the
   * packets that it has not refused stay.
   *
   * @return how many were removed
   */
  public int keepIf(IntPredicate keep) {
    int before = count;
    int kept = 0;
    int i = 0;
    try {
      for (; i < before; i++) {
        if (keep.test(i)) {
          move(i, kept++);
        }
      }
    } finally {
      for (; i < before; i++) {
        move(i, kept++);
      }
      forgetEndpoints(kept);
      count = kept;
    }
    return before - kept;
  }

  private void move(int from, int to) {
    offsets[to] = offsets[from];
    lengths[to] = lengths[from];
    offloads[to] = offloads[from];
    endpoints[to] = endpoints[from];
  }

  /** Of the packets from an index on: a batch that lies in a pool keeps nothing alive. */
  private void forgetEndpoints(int from) {
    if (hasEndpoints) {
      Arrays.fill(endpoints, from, count, null);
      hasEndpoints = from > 0;
    }
  }

  /** A copy of packet {@code i} that lives as long as somebody refers to it. */
  public Packet packet(int i) {
    byte[] bytes = new byte[length(i)];
    MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset(i), bytes, 0, bytes.length);
    return Packet.wrap(bytes);
  }

  /** Removes all packets; the batch stays with its owner. */
  public void clear() {
    forgetEndpoints(0);
    count = 0;
    end = 0;
  }

  /**
   * Gives the batch back to its pool; it must not be touched again.
   *
   * @throws IllegalStateException if it was given back before
   */
  public void release() {
    if (!STATE.compareAndSet(this, LENT, FREE)) {
      throw new IllegalStateException("batch released twice");
    }
    clear();
    home.pool().takeBack(this);
  }

  PacketBatch lend() {
    STATE.setVolatile(this, LENT);
    return this;
  }

  BatchPool.Home home() {
    return home;
  }

  /** A long, because head room may be any int and then lies beyond every slab. */
  private long nextStart() {
    return ((long) end + headRoom + ALIGNMENT - 1) & -ALIGNMENT;
  }

  /** Count and bytes, for a person. */
  @Override
  public String toString() {
    return count + " packets, " + bytes() + " bytes";
  }
}
