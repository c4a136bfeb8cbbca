package io.vnet.actors.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.HostStatistics;
import io.vnet.actors.VnetHost;
import io.vnet.api.address.MacAddress;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceOption;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.Framing;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.device.InterfaceCounters;
import io.vnet.api.device.NetworkEnd;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropReason;
import io.vnet.api.port.PacketPort;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What passes an in-memory interface and what is counted: if_tuntap specification, section 7. */
class PacketRulesTest {
  private static final byte[] V4 = v4("c0000201");
  private static final byte[] V4_GROUP = v4("e0000001");
  private static final byte[] V6 = v6("20010db8000000000000000000000001");

  private final VnetHost host = VnetHost.start();
  private PacketBatch scratch = host.batches().acquire();

  private static byte[] v4(String destination) {
    byte[] packet = new byte[28];
    packet[0] = 0x45;
    System.arraycopy(HexFormat.of().parseHex(destination), 0, packet, 16, 4);
    return packet;
  }

  private static byte[] v6(String destination) {
    byte[] packet = new byte[48];
    packet[0] = 0x60;
    System.arraycopy(HexFormat.of().parseHex(destination), 0, packet, 24, 16);
    return packet;
  }

  private static byte[] frame(String destination, int length) {
    byte[] frame = new byte[length];
    System.arraycopy(HexFormat.of().parseHex(destination.replace(":", "")), 0, frame, 0, 6);
    return frame;
  }

  @BeforeEach
  void dirty() {
    scratch.segment().fill((byte) 0xa5);
  }

  @AfterEach
  void nothing_is_left() {
    scratch.release();
    HostStatistics left = host.terminate().toCompletableFuture().join();
    assertThat(left.ringsLent()).isZero();
    assertThat(left.batchesLent()).isZero();
    assertThat(left.mappedBytes()).isZero();
  }

  private int send(PacketPort port, byte[]... packets) {
    scratch.clear();
    for (byte[] packet : packets) {
      assertThat(scratch.append(Packet.of(packet))).isTrue();
    }
    return port.send(scratch, 0);
  }

  private byte[] receive(PacketPort port) {
    scratch.clear();
    return port.receive(scratch) == 0 ? new byte[0] : scratch.packet(0).toByteArray();
  }

  @Test
  void a_tun_that_is_closed_or_down_drops_output_without_an_interface_counter() {
    Device tun = host.create(DeviceSpec.of("tun"));
    try (NetworkEnd network = tun.networkEnd()) {
      assertThat(send(network, V4)).isEqualTo(1);
      try (DeviceHandle handle = tun.open()) {
        tun.configure(new InterfaceChange.Up(false));
        assertThat(send(network, V4)).isEqualTo(1);
        assertThat(send(handle, V4)).isEqualTo(1);
        assertThat(handle.counters().drops()).isEqualTo(Map.of(DropReason.INTERFACE_DOWN, 1L));
      }
      assertThat(network.counters().drops())
          .isEqualTo(Map.of(DropReason.NOT_OPEN, 1L, DropReason.INTERFACE_DOWN, 1L));
    }
    assertThat(tun.counters()).isEqualTo(new InterfaceCounters(0, 0, 0, 0, 0, 0, 0, 0, 0));
  }

  @Test
  void packets_that_are_not_finished_are_dropped_both_ways() {
    for (String driver : new String[] {"tun", "tap"}) {
      Device device = host.create(DeviceSpec.of(driver));
      try (NetworkEnd network = device.networkEnd();
          DeviceHandle handle = device.open()) {
        for (PacketPort port : new PacketPort[] {network, handle}) {
          scratch.clear();
          byte[] packet = driver.equals("tun") ? V4 : frame("ff:ff:ff:ff:ff:ff", 60);
          assertThat(scratch.append(Packet.of(packet))).isTrue();
          assertThat(scratch.append(Packet.of(packet))).isTrue();
          scratch.setOffload(0, 1);
          assertThat(port.send(scratch, 0)).isEqualTo(2);
          assertThat(port.counters().sentPackets()).isEqualTo(1);
          assertThat(port.counters().drops()).isEqualTo(Map.of(DropReason.NOT_OFFLOADED, 1L));
        }
      }
    }
  }

  @Test
  void output_of_a_tun_counts_packets_bytes_and_multicasts() {
    Device tun = host.create(DeviceSpec.of("tun"));
    try (NetworkEnd network = tun.networkEnd();
        DeviceHandle handle = tun.open()) {
      assertThat(send(network, V4, V4_GROUP, V6, new byte[] {0x15, 0})).isEqualTo(4);
      assertThat(network.counters().drops()).isEqualTo(Map.of(DropReason.WRONG_FAMILY, 1L));
      assertThat(handle.readablePackets()).isEqualTo(3);
      assertThat(handle.nextPacketBytes()).isEqualTo(28);
      assertThat(receive(handle)).isEqualTo(V4);
      assertThat(handle.nextPacketBytes()).isZero();
      assertThat(tun.counters()).isEqualTo(new InterfaceCounters(0, 0, 0, 0, 3, 104, 1, 0, 0));
    }
  }

  @Test
  void framing_by_family_puts_a_big_endian_word_before_packets_both_ways() {
    Device tun = host.create(DeviceSpec.of("tun"));
    try (NetworkEnd network = tun.networkEnd();
        DeviceHandle handle = tun.open()) {
      handle.setOption(DeviceOption.FRAMING, Framing.FAMILY);
      assertThat(send(network, V4)).isEqualTo(1);
      byte[] read = receive(handle);
      assertThat(read).startsWith(0, 0, 0, 2).endsWith(V4).hasSize(32);
      assertThat(send(network, V6)).isEqualTo(1);
      byte[] readV6 = receive(handle);
      assertThat(readV6).startsWith(0, 0, 0, 28).endsWith(V6).hasSize(52);
      assertThat(tun.counters().outBytes()).isEqualTo(84);

      assertThat(send(handle, readV6, new byte[] {0, 0, 0}, new byte[] {0, 0, 0, 10, 0x60}))
          .isEqualTo(3);
      assertThat(receive(network)).isEqualTo(V6);
      assertThat(handle.counters().drops())
          .isEqualTo(Map.of(DropReason.TOO_SHORT, 1L, DropReason.WRONG_FAMILY, 1L));
      assertThat(tun.counters().inPackets()).isEqualTo(1);
      assertThat(tun.counters().inBytes()).isEqualTo(48);
    }
  }

  @Test
  void framing_by_destination_puts_a_socket_address_before_what_is_read() {
    Device tun = host.create(DeviceSpec.of("tun"));
    try (NetworkEnd network = tun.networkEnd();
        DeviceHandle handle = tun.open()) {
      handle.setOption(DeviceOption.FRAMING, Framing.DESTINATION);
      assertThat(send(network, V4)).isEqualTo(1);
      assertThat(HexFormat.of().formatHex(Arrays.copyOf(receive(handle), 16)))
          .isEqualTo("10020000" + "c0000201" + "0000000000000000");
      assertThat(send(network, V6)).isEqualTo(1);
      assertThat(HexFormat.of().formatHex(Arrays.copyOf(receive(handle), 28)))
          .isEqualTo("1c1c0000" + "00000000" + "20010db8000000000000000000000001" + "00000000");
      assertThat(send(network, new byte[] {0x45, 0, 0})).isEqualTo(1);
      assertThat(network.counters().drops()).isEqualTo(Map.of(DropReason.MALFORMED, 1L));
      assertThat(send(handle, V4)).isEqualTo(1);
      assertThat(receive(network)).isEqualTo(V4);
    }
  }

  @Test
  void a_full_queue_drops_at_its_tail_and_is_counted_where_the_device_says_so() {
    Device tun = host.create(DeviceSpec.of("tun").withQueue(2, DeviceSpec.Overflow.TAIL_DROP));
    try (NetworkEnd network = tun.networkEnd();
        DeviceHandle handle = tun.open()) {
      assertThat(send(network, V4, V4, V4, V4)).isEqualTo(4);
      assertThat(network.counters().drops()).isEqualTo(Map.of(DropReason.QUEUE_FULL, 2L));
      assertThat(tun.counters()).isEqualTo(new InterfaceCounters(0, 0, 0, 0, 2, 56, 0, 0, 2));
      assertThat(handle.readablePackets()).isEqualTo(2);
    }
  }

  @Test
  void going_down_drops_what_waits_and_leaves_the_reader() {
    Device tun = host.create(DeviceSpec.of("tun"));
    try (NetworkEnd network = tun.networkEnd();
        DeviceHandle handle = tun.open()) {
      assertThat(send(network, V4, V4)).isEqualTo(2);
      tun.configure(new InterfaceChange.Up(false));
      assertThat(handle.readablePackets()).isZero();
      assertThat(handle.counters().drops()).isEqualTo(Map.of(DropReason.INTERFACE_DOWN, 2L));
      tun.configure(new InterfaceChange.Up(true));
      assertThat(send(network, V4)).isEqualTo(1);
      assertThat(receive(handle)).isEqualTo(V4);
    }
  }

  @Test
  void a_closed_tap_counts_an_error_a_frame_and_a_closed_vmnet_keeps_them() {
    Device tap = host.create(DeviceSpec.of("tap"));
    Device vmnet = host.create(DeviceSpec.of("vmnet"));
    byte[] frame = frame("ff:ff:ff:ff:ff:ff", 60);
    try (NetworkEnd toTap = tap.networkEnd();
        NetworkEnd toVmnet = vmnet.networkEnd()) {
      assertThat(send(toTap, frame, frame)).isEqualTo(2);
      assertThat(tap.counters()).isEqualTo(new InterfaceCounters(0, 0, 0, 0, 0, 120, 2, 2, 0));
      assertThat(toTap.counters().drops()).isEqualTo(Map.of(DropReason.NOT_OPEN, 2L));
      assertThat(send(toVmnet, frame, new byte[13])).isEqualTo(2);
      assertThat(vmnet.counters()).isEqualTo(new InterfaceCounters(0, 0, 0, 0, 1, 60, 1, 0, 0));
      assertThat(toVmnet.counters().drops()).isEqualTo(Map.of(DropReason.TOO_SHORT, 1L));
      try (DeviceHandle handle = vmnet.open()) {
        assertThat(receive(handle)).isEqualTo(frame);
      }
    }
  }

  @Test
  void a_tap_that_is_not_promiscuous_takes_frames_for_itself_and_groups_only() {
    Device tap = host.create(DeviceSpec.of("tap"));
    MacAddress own = tap.info().network().mac().orElseThrow();
    byte[] stranger = frame("02:00:00:00:00:99", 60);
    byte[] ours = frame(own.toString(), 60);
    byte[] group = frame("01:00:5e:00:00:01", 60);
    try (NetworkEnd network = tap.networkEnd();
        DeviceHandle handle = tap.open()) {
      assertThat(send(handle, stranger)).isEqualTo(1);
      assertThat(receive(network)).isEqualTo(stranger);
      tap.configure(new InterfaceChange.Promiscuous(false));
      assertThat(send(handle, stranger, ours, group, new byte[13])).isEqualTo(4);
      assertThat(handle.counters().drops())
          .isEqualTo(Map.of(DropReason.FILTERED, 1L, DropReason.TOO_SHORT, 1L));
      assertThat(network.counters().receivedPackets()).isEqualTo(1);
      assertThat(receive(network)).isEqualTo(ours);
      assertThat(tap.counters()).isEqualTo(new InterfaceCounters(3, 180, 1, 0, 0, 0, 0, 0, 0));
    }
  }

  @Test
  void a_tap_that_monitors_counts_input_and_passes_nothing() {
    Device tap = host.create(DeviceSpec.of("tap"));
    byte[] group = frame("01:00:5e:00:00:01", 60);
    try (NetworkEnd network = tap.networkEnd();
        DeviceHandle handle = tap.open()) {
      tap.configure(new InterfaceChange.Monitor(true));
      assertThat(send(handle, group)).isEqualTo(1);
      assertThat(send(network, group)).isEqualTo(1);
      assertThat(receive(network)).isEmpty();
      assertThat(receive(handle)).isEmpty();
      assertThat(tap.counters()).isEqualTo(new InterfaceCounters(1, 60, 1, 0, 0, 0, 0, 0, 0));
      assertThat(handle.counters().drops()).isEqualTo(Map.of(DropReason.MONITORED, 1L));
      assertThat(network.counters().drops()).isEqualTo(Map.of(DropReason.MONITORED, 1L));
    }
  }
}
