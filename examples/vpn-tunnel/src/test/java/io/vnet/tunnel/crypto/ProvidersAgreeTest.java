package io.vnet.tunnel.crypto;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Providers against each other on random input; a failure names its seed. */
class ProvidersAgreeTest {
  private static final int ROUNDS = 300;

  private final List<Crypto> providers = TestedProviders.list();
  private final Crypto first = providers.getFirst();
  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);

  private byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private String at(Crypto crypto, int round) {
    return crypto + ", round " + round + ", seed " + seed + "L";
  }

  @Test
  void on_agreements() {
    for (int round = 0; round < ROUNDS; round++) {
      byte[] privateKey = clamped(bytes(32));
      byte[] point = bytes(32); // Half of all are on the twist: that is a case too.
      byte[] shared = new byte[32];
      boolean agreed = first.agree(privateKey, point, shared);
      byte[] publicKey = first.publicKey(privateKey);
      for (Crypto crypto : providers) {
        byte[] other = new byte[32];
        assertThat(crypto.agree(privateKey, point, other)).as(at(crypto, round)).isEqualTo(agreed);
        assertThat(other).as(at(crypto, round)).isEqualTo(shared);
        assertThat(crypto.publicKey(privateKey)).as(at(crypto, round)).isEqualTo(publicKey);
      }
    }
  }

  private static byte[] clamped(byte[] key) {
    key[0] &= (byte) 248;
    key[31] = (byte) ((key[31] & 127) | 64);
    return key;
  }

  @Test
  void on_both_sides_of_an_agreement() {
    for (int round = 0; round < ROUNDS; round++) {
      byte[] a = clamped(bytes(32));
      byte[] b = clamped(bytes(32));
      byte[] shared = new byte[32];
      byte[] other = new byte[32];
      Crypto crypto = providers.get(round % providers.size());
      assertThat(first.agree(a, crypto.publicKey(b), shared)).isTrue();
      assertThat(crypto.agree(b, first.publicKey(a), other)).isTrue();
      assertThat(other).as(at(crypto, round)).isEqualTo(shared);
    }
  }

  @Test
  void on_sealed_texts() {
    for (int round = 0; round < ROUNDS; round++) {
      byte[] key = bytes(32);
      byte[] nonce = bytes(24);
      byte[] plain = bytes(random.nextInt(2500));
      byte[] additional = bytes(random.nextInt(200));
      long counter = random.nextLong();
      byte[] sealed = first.seal(key, counter, plain, additional);
      byte[] sealedWithNonce = first.sealWithNonce(key, nonce, plain, additional);
      for (Crypto crypto : providers) {
        assertThat(crypto.seal(key, counter, plain, additional))
            .as(at(crypto, round))
            .isEqualTo(sealed);
        assertThat(crypto.open(key, counter, sealed, additional))
            .as(at(crypto, round))
            .isEqualTo(plain);
        assertThat(crypto.sealWithNonce(key, nonce, plain, additional))
            .as(at(crypto, round))
            .isEqualTo(sealedWithNonce);
        assertThat(crypto.openWithNonce(key, nonce, sealedWithNonce, additional))
            .as(at(crypto, round))
            .isEqualTo(plain);
      }
    }
  }

  @Test
  void on_packets() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment packet = arena.allocate(9100);
      for (int round = 0; round < ROUNDS; round++) {
        byte[] key = bytes(32);
        byte[] plain = bytes(random.nextInt(9001));
        long counter = random.nextLong();
        byte[] sealed = first.seal(key, counter, plain, new byte[0]);
        for (Crypto crypto : providers) {
          try (TransportCipher cipher = crypto.transportCipher(key)) {
            MemorySegment.copy(plain, 0, packet, ValueLayout.JAVA_BYTE, 16, plain.length);
            cipher.seal(counter, packet, 16, plain.length, packet, 16);
            assertThat(packet.asSlice(16, sealed.length).toArray(ValueLayout.JAVA_BYTE))
                .as(at(crypto, round))
                .isEqualTo(sealed);
            assertThat(cipher.open(counter, packet, 16, sealed.length, packet, 16))
                .as(at(crypto, round))
                .isTrue();
            assertThat(packet.asSlice(16, plain.length).toArray(ValueLayout.JAVA_BYTE))
                .as(at(crypto, round))
                .isEqualTo(plain);
          }
        }
      }
    }
  }
}
