package io.vnet.tunnel.crypto;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Known answers that a provider has to give before it is used; takes some milliseconds. The keys
 * are published ones.
 *
 * <p>Source: RFC 7748, section 5.2; RFC 7693, appendix B; draft-irtf-cfrg-xchacha-03, appendix A.3;
 * the rest was computed with other implementations.
 */
final class SelfTest {
  private static final long COUNTER = 0x0102030405060708L;
  private static final int PACKET_BYTES = 1420;
  private static final int TAG_BYTES = Crypto.TAG_BYTES;
  private static final byte[] NOTHING = {};
  private static final byte[] ABC = {'a', 'b', 'c'};
  private static final byte[] LOW_KEY = counting(0, 32);
  private static final byte[] HIGH_KEY = counting(0x80, 32);

  private final Crypto crypto;

  private SelfTest(Crypto crypto) {
    this.crypto = crypto;
  }

  /**
   * Asks a provider.
   *
   * @throws IllegalStateException naming the primitive that gave a wrong answer
   */
  static void check(Crypto crypto) {
    SelfTest test = new SelfTest(crypto);
    test.agreement();
    test.hashes();
    test.texts();
    test.packets();
  }

  private void agreement() {
    byte[] shared = new byte[Crypto.KEY_BYTES];
    require(
        "X25519",
        crypto.agree(
            hex("a046e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449a44"),
            hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            shared));
    requireSame(
        "X25519", shared, "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    require(
        "X25519 of a point with its top bit set",
        crypto.agree(
            hex("4866e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba4d"),
            hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493"),
            shared));
    requireSame(
        "X25519 of a point with its top bit set",
        shared,
        "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
    requireSame(
        "X25519 of the base point",
        crypto.publicKey(hex("a8" + "ab".repeat(30) + "6b")),
        "e3712d851a0e5d79b831c5e34ab22b41a198171de209b8b8faca23a11c624859");
    for (String point :
        new String[] {
          "00".repeat(32), "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"
        }) {
      Arrays.fill(shared, (byte) 1);
      byte[] key = hex("a8" + "ab".repeat(30) + "6b");
      require(
          "X25519 of a point of small order",
          !crypto.agree(key, hex(point), shared) && Arrays.equals(shared, new byte[32]));
    }
  }

  private void hashes() {
    requireSame(
        "BLAKE2s",
        crypto.hash(ABC),
        "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
    requireSame(
        "BLAKE2s in parts",
        crypto.hash(Arrays.copyOf(ABC, 1), NOTHING, Arrays.copyOfRange(ABC, 1, 3)),
        "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
    requireSame(
        "keyed BLAKE2s",
        crypto.mac(LOW_KEY, new byte[] {9, 0, 1, 2, 9}, 1, 3),
        "1e2a79436a7796a3e9826bfedf07659f");
    requireSame(
        "HMAC over BLAKE2s",
        crypto.hmac(LOW_KEY, hex("73616d706c65206d657373616765")),
        "04eb96f553b746fd24e11d0fe0eb9da3f604b6ef889844a0eafa14f4144448c8");
  }

  private void texts() {
    requireSame(
        "ChaCha20-Poly1305",
        crypto.seal(HIGH_KEY, COUNTER, NOTHING, NOTHING),
        "078b351197976378c834e53b78461168");
    require(
        "ChaCha20-Poly1305",
        isText(crypto.open(HIGH_KEY, COUNTER, hex("078b351197976378c834e53b78461168"), NOTHING)));
    String sealed =
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4e"
            + "da7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f"
            + "76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49";
    byte[] plain =
        hex(
            "4c616469657320616e642047656e746c656d656e206f662074686520636c617373206f66202739393a2049"
                + "66204920636f756c64206f6666657220796f75206f6e6c79206f6e652074697020666f72207468652066"
                + "75747572652c2073756e73637265656e20776f756c642062652069742e");
    byte[] nonce = counting(0x40, Crypto.NONCE_BYTES);
    byte[] additional = hex("50515253c0c1c2c3c4c5c6c7");
    requireSame(
        "XChaCha20-Poly1305", crypto.sealWithNonce(HIGH_KEY, nonce, plain, additional), sealed);
    require(
        "XChaCha20-Poly1305",
        Arrays.equals(plain, crypto.openWithNonce(HIGH_KEY, nonce, hex(sealed), additional)));
    byte[] forged = hex(sealed);
    forged[0] ^= 1;
    require(
        "XChaCha20-Poly1305 of a changed text",
        crypto.openWithNonce(HIGH_KEY, nonce, forged, additional) == null);
    additional[0] ^= 1;
    require(
        "XChaCha20-Poly1305 of other additional data",
        crypto.openWithNonce(HIGH_KEY, nonce, hex(sealed), additional) == null);
  }

  private static boolean isText(byte @Nullable [] text) {
    return text != null && text.length == 0;
  }

  /** Sealed elsewhere and opened in place, then the other way round; a forged one in between. */
  private void packets() {
    byte[] plain = new byte[PACKET_BYTES];
    for (int i = 0; i < plain.length; i++) {
      plain[i] = (byte) (i * 7);
    }
    int sealedBytes = PACKET_BYTES + TAG_BYTES;
    try (Arena arena = Arena.ofConfined();
        TransportCipher cipher = crypto.transportCipher(LOW_KEY)) {
      MemorySegment from = arena.allocate(sealedBytes + 3L);
      MemorySegment to = arena.allocate(sealedBytes + 5L);
      MemorySegment.copy(plain, 0, from, ValueLayout.JAVA_BYTE, 3, PACKET_BYTES);

      cipher.seal(COUNTER, from, 3, PACKET_BYTES, to, 5);
      requirePacket("ChaCha20-Poly1305 of a packet", to, 5);
      flip(to, 5 + 700);
      require(
          "ChaCha20-Poly1305 of a changed packet",
          !cipher.open(COUNTER, to, 5, sealedBytes, from, 3)
              && !cipher.open(COUNTER, to, 5, TAG_BYTES - 1, from, 3));
      flip(to, 5 + 700);

      cipher.seal(COUNTER + 1, from, 3, 0, from, 3);
      require(
          "ChaCha20-Poly1305 of an empty packet",
          cipher.open(COUNTER + 1, from, 3, TAG_BYTES, from, 3));

      // A failed call has written something into the target: begin with the right text again.
      cipher.seal(COUNTER + 2, from, 3, 1, from, 3);
      MemorySegment.copy(plain, 0, from, ValueLayout.JAVA_BYTE, 3, PACKET_BYTES);
      cipher.seal(COUNTER, from, 3, PACKET_BYTES, from, 3);
      requirePacket("ChaCha20-Poly1305 of a packet in place", from, 3);
      require("ChaCha20-Poly1305 of a packet", cipher.open(COUNTER, from, 3, sealedBytes, from, 3));
      require(
          "ChaCha20-Poly1305 of a packet",
          Arrays.equals(plain, from.asSlice(3, PACKET_BYTES).toArray(ValueLayout.JAVA_BYTE)));
    }
  }

  private static void flip(MemorySegment packet, long at) {
    packet.set(ValueLayout.JAVA_BYTE, at, (byte) (packet.get(ValueLayout.JAVA_BYTE, at) ^ 0x10));
  }

  private void requirePacket(String what, MemorySegment packet, long at) {
    byte[] sealed = packet.asSlice(at, PACKET_BYTES + TAG_BYTES).toArray(ValueLayout.JAVA_BYTE);
    requireSame(
        what,
        crypto.hash(sealed),
        "df3817a1793e484e1928d827f1e80546427d5440975964b84980777d50aa0f82");
  }

  private void requireSame(String what, byte[] answer, String known) {
    require(what, Arrays.equals(answer, hex(known)));
  }

  private void require(String what, boolean right) {
    if (!right) {
      throw new IllegalStateException(crypto.name() + " gives a wrong answer: " + what);
    }
  }

  private static byte[] counting(int first, int length) {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (first + i);
    }
    return bytes;
  }

  private static byte[] hex(String text) {
    return HexFormat.of().parseHex(text);
  }
}
