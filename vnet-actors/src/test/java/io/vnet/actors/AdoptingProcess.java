package io.vnet.actors;

import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InheritedDescriptors;
import io.vnet.api.device.InheritedDescriptors.Inherited;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.header.InternetChecksum;
import io.vnet.api.packet.Packet;
import java.io.IOException;
import java.util.List;

/**
 * A process of its own for {@link InheritedDescriptorIT}: takes over the tun interface that it was
 * given under a name, and answers pings to whatever address until its standard input ends.
 */
final class AdoptingProcess {
  private static final int PROTOCOL = 9;
  private static final int SOURCE = 12;
  private static final int DESTINATION = 16;
  private static final int ICMP = 20;
  private static final int CHECKSUM = 22;
  private static final int ECHO_REQUEST = 8;

  private AdoptingProcess() {}

  /** The name, and the MTU of the interface. */
  public static void main(String... arguments) throws IOException, InterruptedException {
    List<Inherited> inherited = InheritedDescriptors.ofThisProcess();
    Inherited given =
        inherited.stream()
            .filter(each -> each.name().equals(arguments[0]))
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("given are " + inherited));
    try (VnetHost host = VnetHost.start()) {
      refuseToMakeOne(host);
      Device device =
          host.create(
              DeviceSpec.of("tun")
                  .withMtu(Integer.parseInt(arguments[1]))
                  .withHost(HostBacking.adopt(given.number())));
      DeviceHandle handle = device.open();
      Thread answers = Thread.ofPlatform().start(() -> answer(handle));
      System.out.println("adopted " + device.interfaceName());
      System.in.readAllBytes();
      device.destroy();
      answers.join();
      System.out.println("answered " + handle.counters().sentPackets());
    }
  }

  /** It has no right to. */
  private static void refuseToMakeOne(VnetHost host) {
    try {
      host.create(DeviceSpec.of("tun").withHost(HostBacking.create())).destroy();
      throw new IllegalStateException("this process may make interfaces itself");
    } catch (VnetException e) {
      if (e.errno() != Errno.EPERM) {
        throw e;
      }
    }
  }

  private static void answer(DeviceHandle handle) {
    try {
      while (true) {
        byte[] packet = handle.read().toByteArray();
        if (packet.length > CHECKSUM + 1
            && packet[0] == 0x45
            && packet[PROTOCOL] == 1
            && packet[ICMP] == ECHO_REQUEST) {
          handle.write(Packet.of(answered(packet)));
        }
      }
    } catch (VnetException e) {
      if (e.errno() != Errno.ENXIO) {
        throw e;
      }
    }
  }

  private static byte[] answered(byte[] request) {
    byte[] answer = request.clone();
    System.arraycopy(request, SOURCE, answer, DESTINATION, 4);
    System.arraycopy(request, DESTINATION, answer, SOURCE, 4);
    answer[ICMP] = 0;
    int now =
        InternetChecksum.update(word(request, CHECKSUM), word(request, ICMP), word(answer, ICMP));
    answer[CHECKSUM] = (byte) (now >> 8);
    answer[CHECKSUM + 1] = (byte) now;
    return answer;
  }

  private static int word(byte[] packet, int at) {
    return ((packet[at] & 0xFF) << 8) | (packet[at + 1] & 0xFF);
  }
}
