package io.vnet.actors.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.vnet.actors.testkit.Traffic;
import io.vnet.api.backend.BackendListener;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.packet.Slab;
import io.vnet.api.packet.SlabPool;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PortLedger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What an in-memory device does with a packet, depending on who is there. */
class MemoryBackendTest {
  private final Epoch epoch = Epoch.create();
  private final SlabPool rings = new SlabPool(1024 * 1024, 2);
  private final SlabPool slabs = new SlabPool(256 * 1024, 2);
  private final BatchPool pool = new BatchPool(slabs);
  private final PacketBatch batch = pool.acquire();
  private final PortLedger ledger = new PortLedger();

  @AfterEach
  void nothing_is_left() {
    batch.release();
    assertThat(pool.lent()).isZero();
    assertThat(rings.lent()).isZero();
    pool.close();
    slabs.close();
    rings.close();
  }

  private MemoryBackend backend(DeviceSpec spec) {
    DeviceName name = DeviceName.match(spec.name()).orElseThrow().withUnit(0);
    return new MemoryBackend(new DeviceId(name, 1), spec, epoch, rings);
  }

  private void fill(int packets, int bytes) {
    batch.clear();
    for (int i = 0; i < packets; i++) {
      assertThat(batch.append(Traffic.numbered(i, bytes))).isTrue();
    }
  }

  private long dropped(DropReason reason) {
    return ledger.snapshot().dropped(reason);
  }

  private int receive(MemoryBackend backend) {
    batch.clear();
    return backend.receive(batch, ledger);
  }

  @Test
  void a_write_that_finds_no_memory_is_ENOBUFS_an_input_error_and_takes_nothing() {
    MemoryBackend backend = backend(DeviceSpec.of("tap"));
    backend.linkUp();
    MemoryNetworkEnd network = backend.attach();
    List<Slab> all = List.of(rings.take(), rings.take());
    batch.clear();
    assertThat(batch.append(Packet.of(new byte[4]))).isTrue();
    assertThat(batch.append(Traffic.numbered(1, 60))).isTrue();
    assertThat(backend.send(batch, 0, ledger)).as("the short one").isEqualTo(1);
    assertThat(backend.interfaceCounters().inErrors()).isZero();
    for (int i = 1; i <= 2; i++) {
      VnetException refusal =
          catchThrowableOfType(VnetException.class, () -> backend.send(batch, 1, ledger));
      assertThat(refusal)
          .hasMessageStartingWith("send tap0: ENOBUFS, ")
          .hasMessageContaining("give the host more memory");
      assertThat(backend.interfaceCounters().inErrors()).isEqualTo(i);
    }
    assertThat(ledger.snapshot().drops()).isEqualTo(Map.of(DropReason.TOO_SHORT, 1L));
    assertThat(backend.interfaceCounters().inPackets()).isZero();

    all.forEach(Slab::release);
    assertThat(backend.send(batch, 1, ledger)).isEqualTo(1);
    assertThat(backend.interfaceCounters())
        .isEqualTo(new InterfaceCounters(1, 60, 1, 2, 0, 0, 0, 0, 0));
    network.close();
    backend.release(ledger);
  }

  @Test
  void a_network_that_finds_no_memory_is_refused_with_an_output_error() {
    MemoryBackend backend = backend(DeviceSpec.of("tun"));
    backend.linkUp();
    MemoryNetworkEnd network = backend.attach();
    List<Slab> all = List.of(rings.take(), rings.take());
    fill(1, 60);
    assertThat(catchThrowableOfType(VnetException.class, () -> network.send(batch, 0)))
        .hasMessageStartingWith("send tun0/network: ENOBUFS, ");
    assertThat(backend.interfaceCounters())
        .isEqualTo(new InterfaceCounters(0, 0, 0, 0, 0, 0, 0, 1, 0));
    all.forEach(Slab::release);
    assertThat(network.send(batch, 0)).isEqualTo(1);
    network.close();
    backend.release(ledger);
  }

  @Test
  void what_a_handle_sends_to_nobody_is_dropped_as_not_attached() {
    MemoryBackend backend = backend(DeviceSpec.of("tun"));
    backend.linkUp();
    fill(3, 60);
    assertThat(backend.send(batch, 0, ledger)).isEqualTo(3);
    assertThat(dropped(DropReason.NOT_ATTACHED)).isEqualTo(3);
    backend.attach().close();
    assertThat(backend.send(batch, 1, ledger)).isEqualTo(2);
    assertThat(dropped(DropReason.NOT_ATTACHED)).isEqualTo(5);
    assertThat(ledger.snapshot().sentPackets()).isZero();
    backend.release(ledger);
  }

  @Test
  void what_a_network_sends_to_a_closed_device_is_dropped_as_not_open() {
    MemoryBackend backend = backend(DeviceSpec.of("tap"));
    MemoryNetworkEnd network = backend.attach();
    fill(3, 60);
    assertThat(network.send(batch, 0)).isEqualTo(3);
    assertThat(network.counters().dropped(DropReason.NOT_OPEN)).isEqualTo(3);
    backend.linkUp();
    assertThat(receive(backend)).isZero();
    network.close();
    backend.release(ledger);
  }

  @Test
  void a_vmnet_keeps_frames_while_it_is_closed() {
    MemoryBackend backend = backend(DeviceSpec.of("vmnet"));
    MemoryNetworkEnd network = backend.attach();
    fill(3, 60);
    assertThat(network.send(batch, 0)).isEqualTo(3);
    backend.linkUp();
    backend.linkDown(ledger);
    fill(1, 60);
    assertThat(network.send(batch, 0)).isEqualTo(1);
    backend.linkUp();
    assertThat(receive(backend)).isEqualTo(4);
    assertThat(network.counters().dropped()).isZero();
    network.close();
    backend.release(ledger);
  }

  @Test
  void an_interface_that_is_down_passes_nothing_either_way() {
    MemoryBackend backend = backend(DeviceSpec.of("tun").withUp(false));
    MemoryNetworkEnd network = backend.attach();
    backend.linkUp();
    fill(3, 60);
    assertThat(backend.send(batch, 0, ledger)).isEqualTo(3);
    assertThat(network.send(batch, 0)).isEqualTo(3);
    assertThat(dropped(DropReason.INTERFACE_DOWN)).isEqualTo(3);
    assertThat(network.counters().dropped(DropReason.INTERFACE_DOWN)).isEqualTo(3);
    network.close();
    backend.release(ledger);
  }

  @ParameterizedTest
  @CsvSource({"tun, 1500, 1500", "tap, 1500, 1518", "tun, 72, 72", "tap, 65535, 65535"})
  void the_longest_packet_passes_and_a_longer_one_is_dropped(String driver, int mtu, int longest) {
    MemoryBackend backend = backend(DeviceSpec.of(driver).withMtu(mtu));
    MemoryNetworkEnd network = backend.attach();
    backend.linkUp();
    batch.clear();
    batch.append(Traffic.numbered(1, longest));
    batch.append(Traffic.numbered(2, longest + 1));
    batch.append(Traffic.numbered(3, Traffic.SHORTEST));
    assertThat(network.send(batch, 0)).isEqualTo(3);
    assertThat(network.counters().sentPackets()).isEqualTo(2);
    assertThat(network.counters().dropped(DropReason.TOO_LONG)).isEqualTo(1);
    assertThat(receive(backend)).isEqualTo(2);
    batch.clear();
    batch.append(Traffic.numbered(1, 65535));
    batch.append(Traffic.numbered(2, 65536 - Traffic.SHORTEST));
    assertThat(backend.send(batch, 0, ledger)).as("a writer has no MTU").isEqualTo(batch.count());
    batch.clear();
    batch.append(Traffic.numbered(3, 65536));
    assertThat(backend.send(batch, 0, ledger)).isEqualTo(1);
    assertThat(dropped(DropReason.TOO_LONG)).isEqualTo(1);
    network.close();
    backend.release(ledger);
  }

  @Test
  void a_full_queue_drops_at_its_tail_or_pushes_back_as_the_device_was_told() {
    for (DeviceSpec.Overflow overflow : DeviceSpec.Overflow.values()) {
      MemoryBackend backend = backend(DeviceSpec.of("tun").withQueue(5, overflow));
      MemoryNetworkEnd network = backend.attach();
      List<String> signals = new ArrayList<>();
      backend.start(new Signals(signals));
      backend.linkUp();
      fill(8, 60);
      boolean drops = overflow == DeviceSpec.Overflow.TAIL_DROP;
      assertThat(network.send(batch, 0)).isEqualTo(drops ? 8 : 5);
      assertThat(network.counters().dropped(DropReason.QUEUE_FULL)).isEqualTo(drops ? 3 : 0);
      assertThat(network.counters().sentPackets()).isEqualTo(5);
      assertThat(receive(backend)).isEqualTo(5);
      for (int i = 0; i < 5; i++) {
        assertThat(Traffic.number(batch, i)).isEqualTo(i);
      }
      assertThat(backend.send(batch, 0, ledger)).isEqualTo(5);
      fill(1, 60);
      assertThat(backend.send(batch, 0, ledger)).as("the handle's side pushes back").isZero();
      batch.clear();
      assertThat(network.receive(batch)).isEqualTo(5);
      assertThat(signals).containsExactly("writable");
      network.close();
      backend.release(ledger);
    }
  }

  @Test
  void a_network_end_has_one_user_at_a_time_and_none_after_the_device_has_gone() {
    MemoryBackend backend = backend(DeviceSpec.of("tun"));
    MemoryNetworkEnd network = backend.attach();
    assertThat(errno(backend)).isEqualTo(Errno.EBUSY);
    network.close();
    MemoryNetworkEnd second = backend.attach();
    backend.revokeNetworkEnd(Errno.ENXIO, "the device was destroyed");
    assertThat(second.isOpen()).isFalse();
    assertThat(errno(backend)).isIn(Errno.EBUSY, Errno.ENXIO);
    backend.release(ledger);
    assertThat(epoch.readers()).isZero();
  }

  private static Errno errno(MemoryBackend backend) {
    VnetException refused = catchThrowableOfType(VnetException.class, backend::attach);
    assertThat(refused).isNotNull();
    return refused.errno();
  }

  @Test
  void frames_that_a_vmnet_kept_for_nobody_are_counted_at_its_network_end() {
    MemoryBackend backend = backend(DeviceSpec.of("vmnet"));
    MemoryNetworkEnd network = backend.attach();
    fill(3, 60);
    assertThat(network.send(batch, 0)).isEqualTo(3);
    backend.revokeNetworkEnd(Errno.ENXIO, "the device was destroyed");
    backend.release(new PortLedger());
    assertThat(network.counters().dropped(DropReason.DEVICE_DESTROYED)).isEqualTo(3);
  }

  @Test
  void what_came_after_a_flush_is_not_the_next_readers_even_if_its_sender_has_left() {
    MemoryBackend backend = backend(DeviceSpec.of("tun"));
    MemoryNetworkEnd network = backend.attach();
    backend.linkUp();
    fill(3, 60);
    // As if the send had seen the link up and queued only after linkDown had emptied the queue.
    assertThat(network.send(batch, 0)).isEqualTo(3);
    network.close();
    backend.linkUp();
    assertThat(receive(backend)).isZero();
    assertThat(network.counters().dropped(DropReason.FLUSHED_AT_CLOSE)).isEqualTo(3);
    backend.release(ledger);
  }

  private record Signals(List<String> seen) implements BackendListener {
    @Override
    public void readable() {
      seen.add("readable");
    }

    @Override
    public void writable() {
      seen.add("writable");
    }

    @Override
    public void lost(VnetException cause) {
      seen.add("lost");
    }
  }
}
