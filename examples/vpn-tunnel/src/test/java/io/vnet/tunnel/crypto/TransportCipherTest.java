package io.vnet.tunnel.crypto;

import static io.vnet.tunnel.KnownAnswers.hex;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets in native memory, with each provider; the buffers are dirty before each use. */
@ParameterizedClass
@MethodSource("io.vnet.tunnel.crypto.TestedProviders#all")
class TransportCipherTest {
  private static final int TAG_BYTES = 16;
  private static final int BUFFER_BYTES = 4096;
  private static final byte[] NOTHING = {};

  private final Crypto crypto;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment from = arena.allocate(BUFFER_BYTES);
  private final MemorySegment to = arena.allocate(BUFFER_BYTES);
  private final TransportCipher cipher;

  TransportCipherTest(Crypto crypto) {
    this.crypto = crypto;
    cipher = crypto.transportCipher(hex("t_i2r"));
  }

  @AfterEach
  void close() {
    cipher.close();
    arena.close();
  }

  private static void put(byte[] bytes, MemorySegment segment, long at) {
    segment.fill((byte) 0xa5);
    MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, at, bytes.length);
  }

  private static byte[] take(MemorySegment segment, long at, int length) {
    return segment.asSlice(at, length).toArray(JAVA_BYTE);
  }

  private static byte[] sealedPart(String name) {
    byte[] message = hex(name);
    return Arrays.copyOfRange(message, 16, message.length);
  }

  @Test
  void P1_known_transport_messages() {
    byte[] inner = hex("inner_padded");
    put(inner, from, 0);
    cipher.seal(0, from, 0, inner.length, to, 16);
    assertThat(take(to, 16, inner.length + TAG_BYTES)).isEqualTo(sealedPart("data_i2r_0"));
    cipher.seal(1, from, 0, 0, to, 16);
    assertThat(take(to, 16, TAG_BYTES)).isEqualTo(sealedPart("keepalive_i2r_1"));
    cipher.seal(0x0102030405060708L, from, 0, inner.length, to, 16);
    assertThat(take(to, 16, inner.length + TAG_BYTES)).isEqualTo(sealedPart("data_i2r_big"));

    put(hex("data_i2r_0"), from, 0);
    assertThat(cipher.open(0, from, 16, inner.length + TAG_BYTES, from, 16)).isTrue();
    assertThat(take(from, 16, inner.length)).isEqualTo(inner);

    try (TransportCipher back = crypto.transportCipher(hex("t_r2i"))) {
      put(hex("keepalive_r2i_0"), from, 0);
      assertThat(back.open(0, from, 16, TAG_BYTES, from, 16)).isTrue();
      assertThat(cipher.open(0, from, 16, TAG_BYTES, from, 16)).isFalse();
    }
  }

  @Test
  void every_length_in_place_and_elsewhere_is_what_arrays_give() {
    byte[] plain = new byte[2000];
    new Random(1).nextBytes(plain);
    for (int length = 0; length <= plain.length; length++) {
      byte[] text = Arrays.copyOf(plain, length);
      byte[] sealed = crypto.seal(hex("t_i2r"), length, text, NOTHING);
      int at = length % 17;

      put(text, from, at);
      to.fill((byte) 0xa5);
      cipher.seal(length, from, at, length, to, at + 3);
      assertThat(Arrays.equals(take(to, at + 3, sealed.length), sealed)).isTrue();
      assertThat(take(from, at, length)).as("the source stays").isEqualTo(text);
      assertThat(take(to, at + 2, 1)[0]).isEqualTo((byte) 0xa5);
      assertThat(take(to, at + 3 + sealed.length, 1)[0]).isEqualTo((byte) 0xa5);

      put(text, from, at);
      cipher.seal(length, from, at, length, from, at);
      assertThat(Arrays.equals(take(from, at, sealed.length), sealed)).isTrue();

      assertThat(cipher.open(length, to, at + 3, sealed.length, to, at + 3)).isTrue();
      assertThat(Arrays.equals(take(to, at + 3, length), text)).isTrue();

      to.fill((byte) 0xa5);
      assertThat(cipher.open(length, from, at, sealed.length, to, at + 5)).isTrue();
      assertThat(Arrays.equals(take(to, at + 5, length), text)).isTrue();
      assertThat(take(to, at + 5 + length, 1)[0]).isEqualTo((byte) 0xa5);
      assertThat(take(from, at, sealed.length)).as("the source stays").isEqualTo(sealed);
    }
  }

  @Test
  void the_largest_datagram_is_sealed() {
    int length = 65_507 - 16 - TAG_BYTES;
    MemorySegment large = arena.allocate(65_536);
    byte[] plain = new byte[length];
    new Random(2).nextBytes(plain);
    put(plain, large, 16);
    cipher.seal(9, large, 16, length, large, 16);
    assertThat(take(large, 16, length + TAG_BYTES))
        .isEqualTo(crypto.seal(hex("t_i2r"), 9, plain, NOTHING));
    assertThat(cipher.open(9, large, 16, length + TAG_BYTES, large, 16)).isTrue();
    assertThat(take(large, 16, length)).isEqualTo(plain);
  }

  /** Around where a text is cut into pieces, and where a piece is no multiple of a block. */
  @ParameterizedTest
  @ValueSource(ints = {4032, 4095, 4096, 4097, 4111, 4112, 4113, 4160, 8191, 8192, 8193, 12_288})
  void a_long_text_is_sealed_in_pieces_as_in_one(int length) {
    MemorySegment large = arena.allocate(20_000);
    byte[] plain = new byte[length];
    new Random(length).nextBytes(plain);
    byte[] sealed = crypto.seal(hex("t_i2r"), 7, plain, NOTHING);
    put(plain, large, 5);
    cipher.seal(7, large, 5, length, large, 5);
    assertThat(take(large, 5, sealed.length)).isEqualTo(sealed);
    assertThat(take(large, 5 + sealed.length, 1)[0]).isEqualTo((byte) 0xa5);
    for (int at : new int[] {0, length / 2, length - 1, length, sealed.length - 1}) {
      byte[] forged = sealed.clone();
      forged[at] ^= 1;
      put(forged, large, 5);
      assertThat(cipher.open(7, large, 5, sealed.length, large, 5)).as("byte " + at).isFalse();
    }
    put(sealed, large, 5);
    assertThat(cipher.open(7, large, 5, sealed.length, large, 5)).isTrue();
    assertThat(take(large, 5, length)).isEqualTo(plain);
  }

  @Test
  void P3_a_flipped_bit_is_refused_and_the_next_packet_is_opened() {
    byte[] plain = hex("inner_padded");
    put(plain, from, 0);
    cipher.seal(5, from, 0, plain.length, from, 0);
    byte[] sealed = take(from, 0, plain.length + TAG_BYTES);
    for (int bit = 0; bit < sealed.length * 8; bit++) {
      byte[] forged = sealed.clone();
      forged[bit / 8] ^= (byte) (1 << bit % 8);
      put(forged, from, 0);
      assertThat(cipher.open(5, from, 0, sealed.length, from, 0)).isFalse();

      put(sealed, from, 0);
      assertThat(cipher.open(5, from, 0, sealed.length, from, 0)).isTrue();
      assertThat(take(from, 0, plain.length)).isEqualTo(plain);
    }
    for (int bit = 0; bit < 64; bit++) {
      put(sealed, from, 0);
      assertThat(cipher.open(5 ^ 1L << bit, from, 0, sealed.length, to, 0)).isFalse();
    }
  }

  @Test
  void P4_every_cut_is_refused() {
    put(hex("data_i2r_0"), from, 0);
    int sealed = hex("data_i2r_0").length - 16;
    for (int length = 0; length < sealed; length++) {
      assertThat(cipher.open(0, from, 16, length, to, 16)).as("cut to " + length).isFalse();
    }
    assertThat(cipher.open(0, from, 16, sealed, to, 16)).isTrue();
  }

  @Test
  void the_same_counter_can_come_again() {
    byte[] plain = hex("inner_padded");
    byte[] sealed = sealedPart("data_i2r_0");
    for (int i = 0; i < 3; i++) {
      put(plain, from, 0);
      cipher.seal(0, from, 0, plain.length, from, 0);
      assertThat(take(from, 0, sealed.length)).isEqualTo(sealed);
      assertThat(cipher.open(0, from, 0, sealed.length, to, 0)).isTrue();
      assertThat(cipher.open(0, from, 0, sealed.length, to, 0)).isTrue();
    }
  }

  @Test
  void two_keys_do_not_meet() {
    byte[] plain = hex("inner_padded");
    try (TransportCipher other = crypto.transportCipher(hex("t_r2i"))) {
      for (int i = 0; i < 50; i++) {
        put(plain, from, 0);
        cipher.seal(i, from, 0, plain.length, from, 0);
        put(plain, to, 0);
        other.seal(i, to, 0, plain.length, to, 0);
        assertThat(take(from, 0, 64)).isNotEqualTo(take(to, 0, 64));
        assertThat(other.open(i, from, 0, 64, from, 0)).isFalse();
        assertThat(other.open(i, to, 0, 64, to, 0)).isTrue();
      }
    }
  }

  @Test
  void what_lies_outside_of_a_segment_is_refused() {
    assertThatThrownBy(() -> cipher.seal(0, from, BUFFER_BYTES - 10, 11, to, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cipher.seal(0, from, 0, 100, to, BUFFER_BYTES - 115))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cipher.seal(0, from, -1, 100, to, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cipher.seal(0, from, 0, -1, to, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cipher.open(0, from, BUFFER_BYTES - 31, 32, to, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> cipher.open(0, from, 0, 32, to, BUFFER_BYTES - 15))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void a_closed_cipher_is_not_used_again() {
    cipher.close();
    cipher.close();
    assertThatThrownBy(() -> cipher.seal(0, from, 0, 10, to, 0))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> cipher.open(0, from, 0, 32, to, 0))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void what_is_no_living_native_memory_is_not_handed_to_libcrypto() {
    MemorySegment heap = MemorySegment.ofArray(new byte[128]);
    MemorySegment dead;
    try (Arena ended = Arena.ofConfined()) {
      dead = ended.allocate(128);
    }
    for (Crypto libcrypto : TestedProviders.list().subList(0, 2)) {
      try (TransportCipher strict = libcrypto.transportCipher(hex("t_i2r"))) {
        for (MemorySegment bad : List.of(heap, dead)) {
          assertThatThrownBy(() -> strict.seal(0, bad, 0, 16, to, 0))
              .isInstanceOf(IllegalArgumentException.class);
          assertThatThrownBy(() -> strict.open(0, from, 0, 32, bad, 0))
              .isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> strict.seal(0, from, 0, 16, to.asReadOnly(), 0))
            .isInstanceOf(IllegalArgumentException.class);
        strict.seal(0, from.asReadOnly(), 0, 16, to, 0);
        assertThat(strict.open(0, to, 0, 32, to, 0)).isTrue();
      }
    }
  }

  /** Once the calls are compiled: until then the interpreter may allocate for itself. */
  @Test
  void libcrypto_allocates_nothing_for_a_packet() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    for (Crypto libcrypto : TestedProviders.list().subList(0, 2)) {
      try (TransportCipher lean = libcrypto.transportCipher(hex("t_i2r"))) {
        long allocated = 1;
        for (int round = 0; round < 200 && allocated != 0; round++) {
          long before = threads.getCurrentThreadAllocatedBytes();
          for (int i = 0; i < 1_000; i++) {
            lean.seal(i, from, 0, 1420, to, 0);
            lean.open(i, to, 0, 1436, to, 0);
            lean.open(i + 1, to, 0, 1436, to, 0);
          }
          allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(allocated).as(libcrypto.name()).isZero();
      }
    }
  }

  @Test
  void the_key_is_copied() {
    byte[] key = hex("t_i2r");
    try (TransportCipher copied = crypto.transportCipher(key)) {
      Arrays.fill(key, (byte) 0);
      put(hex("data_i2r_0"), from, 0);
      assertThat(copied.open(0, from, 16, 64, to, 0)).isTrue();
    }
  }

  @Test
  void a_cipher_moves_from_thread_to_thread_while_others_work() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      List<Callable<Boolean>> works = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        int seed = i;
        works.add(() -> opensWhatItSeals(seed));
      }
      for (Future<Boolean> result : threads.invokeAll(works)) {
        assertThat(result.get()).isTrue();
      }
    }
    try (ExecutorService one = Executors.newSingleThreadExecutor();
        Arena shared = Arena.ofShared()) {
      MemorySegment packet = shared.allocate(128);
      byte[] plain = hex("inner_padded");
      for (int i = 0; i < 100; i++) {
        long counter = i;
        put(plain, packet, 0);
        cipher.seal(counter, packet, 0, plain.length, packet, 0);
        assertThat(one.submit(() -> cipher.open(counter, packet, 0, 64, packet, 0)).get()).isTrue();
        assertThat(take(packet, 0, plain.length)).isEqualTo(plain);
      }
    }
  }

  private boolean opensWhatItSeals(int seed) {
    Random random = new Random(seed);
    byte[] key = new byte[32];
    random.nextBytes(key);
    try (TransportCipher own = crypto.transportCipher(key);
        Arena memory = Arena.ofConfined()) {
      MemorySegment packet = memory.allocate(2048);
      byte[] plain = new byte[1420];
      for (int i = 0; i < 300; i++) {
        random.nextBytes(plain);
        put(plain, packet, 16);
        own.seal(i, packet, 16, plain.length, packet, 16);
        if (own.open(i + 1, packet, 16, plain.length + TAG_BYTES, packet, 16)) {
          return false;
        }
        put(plain, packet, 16);
        own.seal(i, packet, 16, plain.length, packet, 16);
        if (!own.open(i, packet, 16, plain.length + TAG_BYTES, packet, 16)
            || !Arrays.equals(plain, take(packet, 16, plain.length))) {
          return false;
        }
      }
    }
    return true;
  }
}
