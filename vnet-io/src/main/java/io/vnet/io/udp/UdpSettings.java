package io.vnet.io.udp;

import io.vnet.api.address.IpAddress;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * How a {@link UdpPort} is opened.
 *
 * @param port 0 to 65535; 0: the kernel's choice, the same for both families
 * @param address to receive at, and of that family only; empty: all of this host's
 * @param families which sockets there are if no address says it
 * @param mark SO_MARK of what is sent, for rules of routing and filters; 0: none
 * @param receiveBufferBytes what waits in the kernel at the most, per socket; beyond the system's
 *     limit as far as the process may
 * @param sendBufferBytes what may be under way out of the kernel, per socket; likewise
 * @param segmentation whether trains go out by UDP_SEGMENT where the kernel and the route let them
 * @param coalescing whether trains are received by UDP_GRO where the kernel has it
 * @param sticky whether an endpoint that was received from says which of this host's addresses and
 *     interfaces it was received at, so that an answer leaves from there
 * @param ecn whether the ECN bits of the IP header come and go with the packet's word
 * @param datagramBytes the longest datagram that is received whole if trains are not: the shorter,
 *     the more a system call brings
 * @param endpoints how many endpoints are remembered, so that the next datagram from there costs no
 *     allocation; a power of two
 * @param networkNamespace a namespace file ({@code /run/netns/blue}, {@code /proc/PID/ns/net}) to
 *     open the sockets in; empty: the process's own
 */
public record UdpSettings(
    int port,
    Optional<IpAddress> address,
    Families families,
    int mark,
    int receiveBufferBytes,
    int sendBufferBytes,
    boolean segmentation,
    boolean coalescing,
    boolean sticky,
    boolean ecn,
    int datagramBytes,
    int endpoints,
    Optional<Path> networkNamespace) {
  /** The longest that a datagram's payload can be, in bytes: IPv6 without extension headers. */
  public static final int DATAGRAM_BYTES_MAX = 65527;

  private static final int PORT_MAX = 65535;
  private static final int BUFFER_BYTES = 7 << 20;
  private static final int ENDPOINTS = 1024;
  private static final int ENDPOINTS_MIN = 4;
  private static final int ENDPOINTS_MAX = 1 << 20;

  /** Address families. */
  public enum Families {
    /** Two sockets on one port; one if the kernel has one family only. */
    BOTH,
    /** One for IPv4. */
    IPV4,
    /** One for IPv6, which does not take IPv4. */
    IPV6
  }

  /** Refuses numbers out of their range. */
  public UdpSettings {
    Objects.requireNonNull(address, "address");
    Objects.requireNonNull(families, "families");
    Objects.requireNonNull(networkNamespace, "networkNamespace");
    check("port", port, 0, PORT_MAX);
    check("receiveBufferBytes", receiveBufferBytes, 1, Integer.MAX_VALUE / 2);
    check("sendBufferBytes", sendBufferBytes, 1, Integer.MAX_VALUE / 2);
    check("datagramBytes", datagramBytes, 1, DATAGRAM_BYTES_MAX);
    check("endpoints", endpoints, ENDPOINTS_MIN, ENDPOINTS_MAX);
    if (Integer.bitCount(endpoints) != 1) {
      throw new IllegalArgumentException("endpoints=" + endpoints + " is no power of two");
    }
  }

  private static void check(String name, int value, int min, int max) {
    if (value < min || value > max) {
      throw new IllegalArgumentException(
          name + "=" + value + ", which is not between " + min + " and " + max);
    }
  }

  /**
   * All that the kernel has: both families, trains, sticky sources, buffers of 7 MiB; no mark, no
   * ECN.
   *
   * @param port 0: the kernel's choice
   */
  public static UdpSettings onPort(int port) {
    return new UdpSettings(
        port,
        Optional.empty(),
        Families.BOTH,
        0,
        BUFFER_BYTES,
        BUFFER_BYTES,
        true,
        true,
        true,
        false,
        DATAGRAM_BYTES_MAX,
        ENDPOINTS,
        Optional.empty());
  }

  /** On another port; 0: the kernel's choice. */
  public UdpSettings withPort(int newPort) {
    return with(draft -> draft.port = newPort);
  }

  /** Receiving at this address only. */
  public UdpSettings withAddress(IpAddress newAddress) {
    return with(draft -> draft.address = Optional.of(newAddress));
  }

  /** With these families. */
  public UdpSettings withFamilies(Families newFamilies) {
    return with(draft -> draft.families = newFamilies);
  }

  /** With this mark. */
  public UdpSettings withMark(int newMark) {
    return with(draft -> draft.mark = newMark);
  }

  /** In the network namespace that this file names. */
  public UdpSettings inNetworkNamespace(Path file) {
    return with(draft -> draft.networkNamespace = Optional.of(file));
  }

  /** With these buffers in the kernel, in bytes. */
  public UdpSettings withBuffers(int receiveBytes, int sendBytes) {
    return with(draft -> {
      draft.receiveBufferBytes = receiveBytes;
      draft.sendBufferBytes = sendBytes;
    });
  }

  /** With or without trains to the kernel, and from it. */
  public UdpSettings withTrains(boolean newSegmentation, boolean newCoalescing) {
    return with(draft -> {
      draft.segmentation = newSegmentation;
      draft.coalescing = newCoalescing;
    });
  }

  /** With or without sources in endpoints. */
  public UdpSettings withSticky(boolean newSticky) {
    return with(draft -> draft.sticky = newSticky);
  }

  /** With or without ECN. */
  public UdpSettings withEcn(boolean newEcn) {
    return with(draft -> draft.ecn = newEcn);
  }

  /** With another longest datagram where trains are not received. */
  public UdpSettings withDatagramBytes(int newDatagramBytes) {
    return with(draft -> draft.datagramBytes = newDatagramBytes);
  }

  /** With another number of endpoints that are remembered. */
  public UdpSettings withEndpoints(int newEndpoints) {
    return with(draft -> draft.endpoints = newEndpoints);
  }

  private UdpSettings with(Consumer<Draft> change) {
    Draft draft = new Draft();
    change.accept(draft);
    return draft.settings();
  }

  /** The components that a copy may have otherwise. */
  private final class Draft {
    private int port = UdpSettings.this.port;
    private Optional<IpAddress> address = UdpSettings.this.address;
    private Families families = UdpSettings.this.families;
    private int mark = UdpSettings.this.mark;
    private int receiveBufferBytes = UdpSettings.this.receiveBufferBytes;
    private int sendBufferBytes = UdpSettings.this.sendBufferBytes;
    private boolean segmentation = UdpSettings.this.segmentation;
    private boolean coalescing = UdpSettings.this.coalescing;
    private boolean sticky = UdpSettings.this.sticky;
    private boolean ecn = UdpSettings.this.ecn;
    private int datagramBytes = UdpSettings.this.datagramBytes;
    private int endpoints = UdpSettings.this.endpoints;
    private Optional<Path> networkNamespace = UdpSettings.this.networkNamespace;

    UdpSettings settings() {
      return new UdpSettings(
          port,
          address,
          families,
          mark,
          receiveBufferBytes,
          sendBufferBytes,
          segmentation,
          coalescing,
          sticky,
          ecn,
          datagramBytes,
          endpoints,
          networkNamespace);
    }
  }
}
