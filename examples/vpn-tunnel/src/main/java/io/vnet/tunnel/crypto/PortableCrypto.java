package io.vnet.tunnel.crypto;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Objects;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.IvParameterSpec;
import org.bouncycastle.math.ec.rfc7748.X25519;
import org.jspecify.annotations.Nullable;

/**
 * The provider that always works: ChaCha20-Poly1305 of the JDK, X25519 and BLAKE2s of Bouncy
 * Castle, whose X25519 takes half the time of the JDK's {@code KeyAgreement} and works on the
 * caller's arrays.
 *
 * <p><b>A packet:</b> two copies, as the JDK works on arrays, and 2.3 KB of small objects that an
 * {@code init} of {@link Cipher} makes, however short the packet is; a forged one costs an
 * exception besides. It is the one place of the data path that allocates: libcrypto does not, and
 * needs two thirds of the time. <b>An X25519</b> takes two and a half times as long as with
 * libcrypto.
 *
 * <p><b>Secrets:</b> what this class holds of a key is overwritten; the copy that a {@link Cipher}
 * made is overwritten at the next {@code init} of the same object, which {@code close} causes.
 * Copies on the stack and those that a moving collector leaves behind cannot be reached.
 */
final class PortableCrypto extends CommonCrypto {
  private static final String CIPHER = "ChaCha20-Poly1305";
  private static final int IV_BYTES = 12;
  private static final int IV_COUNTER = 4;
  private static final VarHandle LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final ThreadLocal<byte[]> PACKET = ThreadLocal.withInitial(() -> new byte[2048]);

  @Override
  public String name() {
    return "JDK " + Runtime.version().feature() + " and Bouncy Castle";
  }

  @Override
  boolean x25519(byte[] privateKey, byte[] publicKey, byte[] shared) {
    return X25519.calculateAgreement(privateKey, 0, publicKey, 0, shared, 0);
  }

  @Override
  void x25519Base(byte[] privateKey, byte[] publicKey) {
    X25519.generatePublicKey(privateKey, 0, publicKey, 0);
  }

  @Override
  byte[] sealText(byte[] key, long counter, byte[] plain, byte[] additional) {
    try (Key wrapped = new Key(key)) {
      // A new one each time: an object refuses the key and nonce that it had last.
      Cipher cipher = newCipher();
      cipher.init(Cipher.ENCRYPT_MODE, wrapped, iv(counter));
      cipher.updateAAD(additional);
      return cipher.doFinal(plain);
    } catch (GeneralSecurityException e) {
      throw impossible(e);
    }
  }

  @Override
  byte @Nullable [] openText(byte[] key, long counter, byte[] sealed, byte[] additional) {
    try (Key wrapped = new Key(key)) {
      Cipher cipher = newCipher();
      cipher.init(Cipher.DECRYPT_MODE, wrapped, iv(counter));
      cipher.updateAAD(additional);
      return cipher.doFinal(sealed);
    } catch (AEADBadTagException _) {
      return null;
    } catch (GeneralSecurityException e) {
      throw impossible(e);
    }
  }

  @Override
  TransportCipher packetCipher(byte[] key) {
    return new PacketCipher(key);
  }

  private static Cipher newCipher() {
    try {
      return Cipher.getInstance(CIPHER);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java has no " + CIPHER, e);
    }
  }

  private static IvParameterSpec iv(long counter) {
    byte[] iv = new byte[IV_BYTES];
    LONG.set(iv, IV_COUNTER, counter);
    return new IvParameterSpec(iv);
  }

  private static AssertionError impossible(GeneralSecurityException e) {
    return new AssertionError("key, nonce and lengths are as the JDK wants them", e);
  }

  /** A key that can be overwritten, which {@code SecretKeySpec} cannot. */
  private static final class Key implements SecretKey, AutoCloseable {
    private static final long serialVersionUID = 1;

    private final byte[] bytes;

    Key(byte[] bytes) {
      this.bytes = bytes.clone();
    }

    @Override
    public String getAlgorithm() {
      return "ChaCha20";
    }

    @Override
    public String getFormat() {
      return "RAW";
    }

    @Override
    public byte[] getEncoded() {
      return bytes.clone();
    }

    @Override
    public void close() {
      Arrays.fill(bytes, (byte) 0);
    }

    @Override
    public String toString() {
      return "(hidden)";
    }
  }

  private static final class PacketCipher implements TransportCipher {
    private final Key key;
    private Cipher cipher = newCipher();
    private long lastSealed;
    private boolean hasSealed;
    private boolean closed;

    PacketCipher(byte[] key) {
      this.key = new Key(key);
    }

    @Override
    public void seal(
        long counter,
        MemorySegment from,
        long fromOffset,
        int length,
        MemorySegment to,
        long toOffset) {
      checkOpen();
      Objects.checkFromIndexSize(toOffset, (long) length + TAG_BYTES, to.byteSize());
      byte[] packet = packet(Math.addExact(length, TAG_BYTES));
      MemorySegment.copy(from, ValueLayout.JAVA_BYTE, fromOffset, packet, 0, length);
      if (hasSealed && counter == lastSealed) {
        // The JDK refuses what it had last. Whose counter it is has to know whether he may.
        cipher = newCipher();
      }
      hasSealed = true;
      lastSealed = counter;
      try {
        cipher.init(Cipher.ENCRYPT_MODE, key, iv(counter));
        cipher.doFinal(packet, 0, length, packet, 0);
      } catch (GeneralSecurityException e) {
        throw impossible(e);
      }
      MemorySegment.copy(packet, 0, to, ValueLayout.JAVA_BYTE, toOffset, length + TAG_BYTES);
    }

    @Override
    public boolean open(
        long counter,
        MemorySegment from,
        long fromOffset,
        int length,
        MemorySegment to,
        long toOffset) {
      checkOpen();
      if (length < TAG_BYTES) {
        return false;
      }
      Objects.checkFromIndexSize(toOffset, (long) length - TAG_BYTES, to.byteSize());
      byte[] packet = packet(length);
      MemorySegment.copy(from, ValueLayout.JAVA_BYTE, fromOffset, packet, 0, length);
      try {
        cipher.init(Cipher.DECRYPT_MODE, key, iv(counter));
        cipher.doFinal(packet, 0, length, packet, 0);
      } catch (AEADBadTagException _) {
        return false;
      } catch (GeneralSecurityException e) {
        throw impossible(e);
      }
      MemorySegment.copy(packet, 0, to, ValueLayout.JAVA_BYTE, toOffset, length - TAG_BYTES);
      return true;
    }

    private void checkOpen() {
      if (closed) {
        throw new IllegalStateException("the cipher is closed");
      }
    }

    private static byte[] packet(int bytes) {
      byte[] packet = PACKET.get();
      if (packet.length < bytes) {
        packet = new byte[Integer.highestOneBit(bytes) * 2];
        PACKET.set(packet);
      }
      return packet;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        key.close();
        try {
          // With a zero key now: overwrites the cipher's own copy of the true one.
          cipher.init(Cipher.DECRYPT_MODE, key, iv(0));
        } catch (GeneralSecurityException e) {
          throw impossible(e);
        }
      }
    }

    @Override
    public String toString() {
      return "ChaCha20-Poly1305 of the JDK";
    }
  }
}
