package io.vnet.api.header;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * Random bytes and damaged packets before each view: it answers a status, and all that the status
 * allows to be asked stays within the bytes. Each packet lies at the end of its segment, so that a
 * read beyond it is an exception.
 *
 * <p>A failure names the seed of its one packet: {@code -Dvnet.fuzz.seed=} begins with it.
 */
class HeaderFuzzTest {
  private static final int ROUNDS = 20_000;
  private static final int LENGTH_MAX = 160;
  private static final long SEED = Long.getLong("vnet.fuzz.seed", 20_260_000_000L);

  /** A view, a valid packet for it, and everything that can be asked or changed. */
  static final class Subject<V extends HeaderView> {
    private final String name;
    private final Supplier<V> create;
    private final byte[] valid;
    private final BiConsumer<V, Random> use;

    Subject(String name, Supplier<V> create, byte[] valid, BiConsumer<V, Random> use) {
      this.name = name;
      this.create = create;
      this.valid = valid;
      this.use = use;
    }

    @Override
    public String toString() {
      return name;
    }

    /** One packet; everything about it follows from the seed. */
    HeaderStatus round(long seed) {
      Random random = new Random(seed);
      byte[] bytes = random.nextInt(4) == 0 ? randomBytes(random) : damaged(random);
      MemorySegment segment = MemorySegment.ofArray(bytes);
      int offset = random.nextInt(Math.min(4, bytes.length + 1));
      if (offset > 0) {
        byte[] shifted = new byte[bytes.length + offset];
        System.arraycopy(bytes, 0, shifted, offset, bytes.length);
        segment = MemorySegment.ofArray(shifted);
      }
      V view = create.get();
      HeaderStatus status = view.wrap(segment, offset, bytes.length);
      if (status == HeaderStatus.OK) {
        long payload = view.payloadOffset();
        int length = view.payloadLength();
        assertThat(payload).isBetween((long) offset, segment.byteSize());
        assertThat(length).isBetween(0, (int) (segment.byteSize() - payload));
        use.accept(view, random);
        assertThat(segment.asSlice(0, offset).toArray(ValueLayout.JAVA_BYTE))
            .isEqualTo(new byte[offset]);
      }
      return status;
    }

    private static byte[] randomBytes(Random random) {
      byte[] bytes = new byte[random.nextInt(LENGTH_MAX)];
      random.nextBytes(bytes);
      return bytes;
    }

    private byte[] damaged(Random random) {
      byte[] bytes = valid.clone();
      for (int flips = random.nextInt(4); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      for (int bits = random.nextInt(4); bits > 0; bits--) {
        bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
      }
      return switch (random.nextInt(3)) {
        case 0 -> bytes;
        case 1 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
        default -> Arrays.copyOf(bytes, bytes.length + random.nextInt(40));
      };
    }
  }

  static final List<Subject<?>> SUBJECTS =
      List.of(
          new Subject<>(
              "Ethernet",
              EthernetView::new,
              HeaderBytes.hex("020000000002 020000000001 88a8 0fff 8100 0001 0806 aabbcc"),
              HeaderFuzzTest::use),
          new Subject<>(
              "ARP",
              ArpView::new,
              HeaderBytes.hex("0001080006040001 020000000001c0000201 000000000000c00002fe"),
              HeaderFuzzTest::use),
          new Subject<>(
              "IPv4",
              Ipv4View::new,
              HeaderBytes.hex("46b8001c12342001ff0100000a0000010a0000ff0101010008000000"),
              HeaderFuzzTest::use),
          new Subject<>(
              "IPv6",
              Ipv6View::new,
              HeaderBytes.hex(
                  """
                  6ab1234500322c40 20010db8000000000000000000000001
                  ff020000000000000000000000000002
                  0000000101020304 3300000000000000 1104000000000000 00000000000000000000000000000000
                  1f900035000a00006869
                  """),
              HeaderFuzzTest::use),
          new Subject<>(
              "TCP",
              TcpView::new,
              HeaderBytes.hex("c0220050010203040000000070 02faf03eb60000020405b401010402"),
              HeaderFuzzTest::use),
          new Subject<>(
              "UDP", UdpView::new, HeaderBytes.hex("1f900035000b96b0616263"), HeaderFuzzTest::use),
          new Subject<>(
              "ICMP",
              IcmpView::new,
              HeaderBytes.hex("0800bc03123400016162636465"),
              HeaderFuzzTest::use));

  @ParameterizedTest
  @FieldSource("SUBJECTS")
  void whatever_the_bytes_are_the_answer_is_a_status(Subject<?> subject) {
    Map<HeaderStatus, Integer> seen = new EnumMap<>(HeaderStatus.class);
    for (long seed = SEED; seed < SEED + ROUNDS; seed++) {
      try {
        seen.merge(subject.round(seed), 1, Integer::sum);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(subject + " failed; replay with -Dvnet.fuzz.seed=" + seed, e);
      }
    }
    assertThat(seen.getOrDefault(HeaderStatus.OK, 0)).as("valid, of " + seen).isGreaterThan(1_000);
    assertThat(seen.getOrDefault(HeaderStatus.TRUNCATED, 0))
        .as("truncated, of " + seen)
        .isGreaterThan(1_000);
  }

  private static void use(EthernetView view, Random random) {
    assertThat(view.destination().bits()).isEqualTo(view.destinationBits());
    assertThat(view.source().bits()).isEqualTo(view.sourceBits());
    assertThat(view.tags()).isBetween(0, 2);
    assertThat(view.vlan()).isBetween(view.tags() == 0 ? -1 : 0, view.tags() == 0 ? -1 : 4095);
    assertThat(view.type()).isBetween(0, 65535);
    long bits = random.nextLong() >>> 16;
    view.setDestinationBits(bits);
    view.setSourceBits(~bits & 0xffff_ffff_ffffL);
    assertThat(view.destinationBits()).isEqualTo(bits);
    assertThat(view.sourceBits()).isEqualTo(~bits & 0xffff_ffff_ffffL);
  }

  private static void use(ArpView view, Random random) {
    assertThat(view.operation()).isBetween(0, 65535);
    assertThat(view.targetMacBits()).isBetween(0L, 0xffff_ffff_ffffL);
    long sender = view.senderMacBits();
    int senderIp = view.senderIp();
    int targetIp = view.targetIp();
    long mac = random.nextLong() >>> 16;
    view.makeReply(mac);
    assertThat(view.operation()).isEqualTo(ArpView.REPLY);
    assertThat(view.senderMacBits()).isEqualTo(mac);
    assertThat(view.senderIp()).isEqualTo(targetIp);
    assertThat(view.targetMacBits()).isEqualTo(sender);
    assertThat(view.targetIp()).isEqualTo(senderIp);
  }

  private static void use(Ipv4View view, Random random) {
    assertThat(view.headerBytes()).isBetween(20, 60);
    assertThat(view.totalLength()).isEqualTo(view.headerBytes() + view.payloadLength());
    assertThat(view.trafficClass()).isBetween(0, 255);
    assertThat(view.identification()).isBetween(0, 65535);
    assertThat(view.isFragment()).isEqualTo(view.moreFragments() || view.fragmentOffset() > 0);
    assertThat(view.dontFragment()).isIn(true, false);
    assertThat(view.protocol()).isBetween(0, 255);
    assertThat(view.source().toV4Bits()).isEqualTo(view.sourceBits());
    assertThat(view.destination().toV4Bits()).isEqualTo(view.destinationBits());
    view.updateChecksum();
    assertThat(view.checksumIsRight()).isTrue();
    long sum = view.pseudoHeaderSum();
    int hops = random.nextInt(256);
    view.setTimeToLive(hops);
    view.swapAddresses();
    assertThat(view.timeToLive()).isEqualTo(hops);
    assertThat(view.checksumIsRight()).isTrue();
    assertThat(view.pseudoHeaderSum()).isEqualTo(sum);
  }

  private static void use(Ipv6View view, Random random) {
    assertThat(view.trafficClass()).isBetween(0, 255);
    assertThat(view.flowLabel()).isBetween(0, 0xf_ffff);
    assertThat(view.protocol()).isBetween(0, 255);
    assertThat(view.fragmentOffset()).isBetween(0, 65528);
    if (view.fragmentOffset() > 0) {
      assertThat(view.isFragment()).isTrue();
    }
    long sum = view.pseudoHeaderSum();
    String source = view.source().toString();
    String destination = view.destination().toString();
    int hops = random.nextInt(256);
    view.setHopLimit(hops);
    view.swapAddresses();
    assertThat(view.hopLimit()).isEqualTo(hops);
    assertThat(view.source()).hasToString(destination);
    assertThat(view.destination()).hasToString(source);
    assertThat(view.pseudoHeaderSum()).isEqualTo(sum);
  }

  private static void use(TcpView view, Random random) {
    assertThat(view.sourcePort()).isBetween(0, 65535);
    assertThat(view.destinationPort()).isBetween(0, 65535);
    assertThat(view.sequence()).isBetween(0L, 0xffff_ffffL);
    assertThat(view.acknowledgment()).isBetween(0L, 0xffff_ffffL);
    assertThat(view.headerBytes()).isBetween(20, 60);
    assertThat(view.flags()).isBetween(0, 255);
    assertThat(view.window()).isBetween(0, 65535);
    long sum = random.nextInt(1 << 20);
    view.updateChecksum(sum);
    assertThat(view.checksumIsRight(sum)).isTrue();
  }

  private static void use(UdpView view, Random random) {
    assertThat(view.sourcePort()).isBetween(0, 65535);
    assertThat(view.destinationPort()).isBetween(0, 65535);
    long sum = random.nextInt(1 << 20);
    view.updateChecksum(sum);
    assertThat(view.checksumIsRight(sum)).isTrue();
  }

  private static void use(IcmpView view, Random random) {
    assertThat(view.code()).isBetween(0, 255);
    assertThat(view.identifier()).isBetween(0, 65535);
    assertThat(view.sequence()).isBetween(0, 65535);
    long sum = 1L + random.nextInt(1 << 20);
    view.updateChecksum(sum);
    int type = random.nextInt(256);
    view.setType(type);
    assertThat(view.type()).isEqualTo(type);
    assertThat(view.checksumIsRight(sum)).isTrue();
  }
}
