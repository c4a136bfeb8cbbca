package io.vnet.tunnel.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.offload.Offload;
import io.vnet.api.packet.Packet;
import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.core.PresetCounter;
import io.vnet.tunnel.fuzz.FuzzWorld.Arrival;
import io.vnet.tunnel.fuzz.FuzzWorld.InsidePacket;
import io.vnet.tunnel.noise.Messages;
import io.vnet.tunnel.testkit.IpFlow;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Case T10 where packets really go: a keypair's last counters are used up in a batch's middle. */
class LastCountersTest {
  private static final int PACKETS = 4;
  private static final int LEFT = 2;
  private static final int PAYLOAD_BYTES = 200;

  private final FuzzWorld world = new FuzzWorld(10, Phase.ESTABLISHED_AS_INITIATOR);
  private final IpFlow flow = world.first().flow(false).reversed();

  @AfterEach
  void close() {
    world.close();
  }

  @Test
  void T10_of_four_packets_two_go_out_and_two_wait_for_a_new_handshake() {
    List<InsidePacket> packets = new ArrayList<>();
    for (int i = 0; i < PACKETS; i++) {
      packets.add(new InsidePacket(flow.udp(i, payload(i)), 0));
    }
    assertTwoGoOutAndTwoWait(packets);
  }

  @Test
  void T10_of_a_super_packet_two_segments_go_out_and_two_wait_for_a_new_handshake() {
    byte[] all = new byte[PACKETS * PAYLOAD_BYTES];
    for (int i = 0; i < PACKETS; i++) {
      System.arraycopy(payload(i), 0, all, i * PAYLOAD_BYTES, PAYLOAD_BYTES);
    }
    Packet whole = flow.udp(0, all);
    long word = Offload.of(Offload.NEEDS_CSUM, Offload.UDP_L4, PAYLOAD_BYTES, 20, 6);
    assertTwoGoOutAndTwoWait(List.of(new InsidePacket(whole, word)));
  }

  private static byte[] payload(int number) {
    return IpFlow.payload(PAYLOAD_BYTES, number);
  }

  private void assertTwoGoOutAndTwoWait(List<InsidePacket> packets) {
    int index = world.sessions().getFirst().keypair().remoteIndex();
    Keypair keypair = Objects.requireNonNull(world.core().keypair(index));
    PresetCounter.left(keypair, LEFT);

    world.route(packets);
    List<byte[]> sent = transports(world.takeSent());
    assertThat(sent).hasSize(LEFT);
    assertCarry(sent, 0);
    assertThat(keypair.peer().stagedPackets()).isEqualTo(PACKETS - LEFT);

    world.waitSeconds(6); // Handshakes keep their distance.
    world.expire();
    byte[] initiation = world.takeSent().getLast();
    assertThat(initiation[0]).isEqualTo((byte) Messages.INITIATION);
    world.first().receive(initiation);
    byte[] response = world.first().take(Messages.RESPONSE);
    world.arrive(List.of(Arrival.of(response, world.first().place())));

    List<byte[]> rest = transports(world.takeSent());
    assertThat(rest).hasSize(PACKETS - LEFT);
    assertCarry(rest, LEFT);
    assertThat(keypair.peer().stagedPackets()).isZero();
    assertThat(world.core().drops().snapshot()).isEmpty();
  }

  private void assertCarry(List<byte[]> messages, int first) {
    for (int i = 0; i < messages.size(); i++) {
      byte[] text = world.first().open(messages.get(i));
      int header = flow.headerBytes() + 8;
      assertThat(Arrays.copyOfRange(text, header, header + PAYLOAD_BYTES))
          .isEqualTo(payload(first + i));
    }
  }

  /** The transport messages among those sent, trains cut. */
  private static List<byte[]> transports(List<byte[]> sent) {
    int messageBytes = (20 + 8 + PAYLOAD_BYTES + 15 & -16) + Messages.TRANSPORT_OVERHEAD_BYTES;
    List<byte[]> transports = new ArrayList<>();
    for (byte[] message : sent) {
      if (message[0] == Messages.TRANSPORT) {
        for (int at = 0; at < message.length; at += messageBytes) {
          transports.add(Arrays.copyOfRange(message, at, at + messageBytes));
        }
      }
    }
    return transports;
  }
}
