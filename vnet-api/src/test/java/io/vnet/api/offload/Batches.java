package io.vnet.api.offload;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.SlabPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Batches over dirty slabs, and whether anything but their packets was written. */
final class Batches implements AutoCloseable {
  private static final byte DIRT = (byte) 0xa5;

  private final SlabPool slabs;
  private final BatchPool pool;
  private final List<PacketBatch> lent = new ArrayList<>();

  Batches(int slabBytes, int capacity) {
    slabs = new SlabPool(slabBytes, 10_000);
    pool = new BatchPool(slabs, capacity, 32, 16);
  }

  PacketBatch empty() {
    PacketBatch batch = pool.acquire();
    lent.add(batch);
    batch.segment().fill(DIRT);
    return batch;
  }

  PacketBatch of(List<byte[]> packets) {
    PacketBatch batch = empty();
    for (byte[] packet : packets) {
      assertThat(batch.append(Packet.of(packet))).as("room for " + packet.length).isTrue();
    }
    return batch;
  }

  /** One packet with its offload word. */
  PacketBatch of(byte[] packet, long word) {
    PacketBatch batch = of(List.of(packet));
    batch.setOffload(0, word);
    return batch;
  }

  static List<byte[]> packets(PacketBatch batch) {
    List<byte[]> packets = new ArrayList<>();
    for (int i = 0; i < batch.count(); i++) {
      packets.add(batch.packet(i).toByteArray());
    }
    return packets;
  }

  /** Fails if a byte was written that belongs to no packet. */
  static void assertNothingElseWritten(PacketBatch batch) {
    MemorySegment segment = batch.segment();
    long clean = 0;
    for (int i = 0; i <= batch.count(); i++) {
      long end = i == batch.count() ? segment.byteSize() : batch.offset(i);
      for (long at = clean; at < end; at++) {
        if (segment.get(ValueLayout.JAVA_BYTE, at) != DIRT) {
          throw new AssertionError("byte " + at + " was written, before packet " + i);
        }
      }
      clean = i == batch.count() ? end : end + batch.length(i);
    }
  }

  /** Ends the use of all batches so far. */
  void returnAll() {
    lent.forEach(PacketBatch::release);
    lent.clear();
  }

  @Override
  public void close() {
    returnAll();
    pool.close();
    assertThat(slabs.lent()).isZero();
    slabs.close();
  }
}
