package io.vnet.tunnel.crypto;

import static io.vnet.tunnel.crypto.Libcrypto.INT;
import static io.vnet.tunnel.crypto.Libcrypto.POINTER;
import static io.vnet.tunnel.crypto.Libcrypto.SIZE;
import static io.vnet.tunnel.crypto.Libcrypto.impossible;

import io.vnet.api.error.VnetException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * ChaCha20-Poly1305 put together from libcrypto's ChaCha20 and Poly1305. libcrypto's own computes
 * the key of the MAC by a call for one block of key stream, and what a text has beyond a multiple
 * of 64 bytes by another; a block alone takes half as long as sixteen together. Here one call
 * computes the key and up to {@value PacketScratch#CHUNK_BYTES} bytes of text, filled up to a
 * multiple of 64: a packet of 1420 bytes takes two thirds of the time.
 *
 * <p><b>A packet</b> of up to that many bytes: five calls of libcrypto, no allocation, and two
 * copies within the first-level cache, to the thread's {@link PacketScratch} and back. A longer one
 * goes piece by piece.
 *
 * <p>Owns two contexts until it is closed; if its owner forgets that, they and the key stay in
 * memory to the end of the process. There is no cleaner behind it: it would free them at some time
 * on some thread, and a forgotten key is to be found by tests and not by the collector.
 *
 * <p>Source: RFC 8439, section 2.8; provider-cipher(7), provider-mac(7).
 */
final class StreamAndMac implements TransportCipher {
  private static final int BLOCK_BYTES = PacketScratch.BLOCK_BYTES;
  private static final long KEY_BYTES = Crypto.KEY_BYTES;
  private static final long NONCE_BYTES = PacketScratch.NONCE_BYTES;
  private static final long TAG_BYTES = Crypto.TAG_BYTES;

  private final String name;
  private long stream;
  private long mac;

  private StreamAndMac(String name, long stream, long mac) {
    this.name = name;
    this.stream = stream;
    this.mac = mac;
  }

  /** Not touched before the tables are found. */
  private static final class Calls {
    private static final ProviderTables FOUND = ProviderFunctions.tables();
    private static final FunctionDescriptor NEW = FunctionDescriptor.of(POINTER, POINTER);
    private static final FunctionDescriptor FREE = FunctionDescriptor.ofVoid(POINTER);

    static final MethodHandle STREAM_NEW = FOUND.stream(ProviderTables.CIPHER_NEWCTX, NEW);
    static final MethodHandle STREAM_FREE = FOUND.stream(ProviderTables.CIPHER_FREECTX, FREE);
    static final MethodHandle STREAM_INIT =
        FOUND.stream(
            ProviderTables.CIPHER_ENCRYPT_INIT,
            FunctionDescriptor.of(INT, POINTER, POINTER, SIZE, POINTER, SIZE, POINTER));
    static final MethodHandle STREAM_UPDATE =
        FOUND.stream(
            ProviderTables.CIPHER_UPDATE,
            FunctionDescriptor.of(INT, POINTER, POINTER, POINTER, SIZE, POINTER, SIZE));

    static final MethodHandle MAC_NEW = FOUND.mac(ProviderTables.MAC_NEWCTX, NEW);
    static final MethodHandle MAC_FREE = FOUND.mac(ProviderTables.MAC_FREECTX, FREE);
    static final MethodHandle MAC_INIT =
        FOUND.mac(
            ProviderTables.MAC_INIT, FunctionDescriptor.of(INT, POINTER, POINTER, SIZE, POINTER));
    static final MethodHandle MAC_UPDATE =
        FOUND.mac(ProviderTables.MAC_UPDATE, FunctionDescriptor.of(INT, POINTER, POINTER, SIZE));
    static final MethodHandle MAC_FINAL =
        FOUND.mac(
            ProviderTables.MAC_FINAL, FunctionDescriptor.of(INT, POINTER, POINTER, POINTER, SIZE));

    private Calls() {}
  }

  /**
   * A cipher under the key at this address, which is copied.
   *
   * @param name of the library, for people
   * @throws VnetException ENOMEM
   */
  static StreamAndMac of(long key, String name) {
    long provider = ProviderFunctions.tables().context();
    try {
      StreamAndMac cipher =
          new StreamAndMac(
              name,
              (long) Calls.STREAM_NEW.invokeExact(provider),
              (long) Calls.MAC_NEW.invokeExact(provider));
      if (cipher.stream == 0
          || cipher.mac == 0
          || !cipher.initStream(key, KEY_BYTES, PacketScratch.ofThread().nonce(0))) {
        cipher.free();
        throw Libcrypto.refused("a ChaCha20 or Poly1305 context");
      }
      return cipher;
    } catch (VnetException e) {
      throw e;
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  private boolean initStream(long key, long keyBytes, long nonce) throws Throwable {
    return (int) Calls.STREAM_INIT.invokeExact(stream, key, keyBytes, nonce, NONCE_BYTES, 0L) == 1;
  }

  @Override
  public void seal(
      long counter,
      MemorySegment from,
      long fromOffset,
      int length,
      MemorySegment to,
      long toOffset) {
    LibcryptoCipher.address(from, fromOffset, length);
    LibcryptoCipher.writableAddress(to, toOffset, length + TAG_BYTES);
    PacketScratch scratch = scratch();
    crypt(scratch, true, counter, from, fromOffset, length, to, toOffset);
    scratch.giveTag(to, toOffset + length);
  }

  @Override
  public boolean open(
      long counter,
      MemorySegment from,
      long fromOffset,
      int length,
      MemorySegment to,
      long toOffset) {
    PacketScratch scratch = scratch();
    if (length < TAG_BYTES) {
      return false;
    }
    int plain = length - Crypto.TAG_BYTES;
    LibcryptoCipher.address(from, fromOffset, length);
    LibcryptoCipher.writableAddress(to, toOffset, plain);
    return crypt(scratch, false, counter, from, fromOffset, plain, to, toOffset);
  }

  private PacketScratch scratch() {
    if (stream == 0) {
      throw new IllegalStateException("the cipher is closed");
    }
    return PacketScratch.ofThread();
  }

  /**
   * Encrypts or decrypts; the tag of the sealed text is in the scratch then.
   *
   * @return false: it was to be opened, and what follows it is not its tag. Its last piece was not
   *     handed out
   */
  private boolean crypt(
      PacketScratch scratch,
      boolean seal,
      long counter,
      MemorySegment from,
      long fromOffset,
      int length,
      MemorySegment to,
      long toOffset) {
    try {
      check(initStream(0, 0, scratch.nonce(counter)));
      int key = BLOCK_BYTES;
      int done = 0;
      while (true) {
        int bytes = Math.min(length - done, PacketScratch.CHUNK_BYTES);
        boolean last = done + bytes == length;
        scratch.take(from, fromOffset + done, bytes);
        update(scratch, key, last ? -Math.floorDiv(-bytes, BLOCK_BYTES) * BLOCK_BYTES : bytes);
        if (key != 0) {
          check((int) Calls.MAC_INIT.invokeExact(mac, scratch.macKey(), KEY_BYTES, 0L) == 1);
          scratch.eraseMacKey();
          key = 0;
        }
        long sealed = last ? scratch.end(seal, bytes, length) : bytes;
        check((int) Calls.MAC_UPDATE.invokeExact(mac, scratch.sealed(seal), sealed) == 1);
        if (last) {
          check(
              (int) Calls.MAC_FINAL.invokeExact(mac, scratch.tag(), scratch.written(), TAG_BYTES)
                  == 1);
          if (!seal && !scratch.hasTag(from, fromOffset + length)) {
            return false;
          }
        }
        scratch.give(to, toOffset + done, bytes);
        if (last) {
          return true;
        }
        done += bytes;
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** Key stream over what the scratch took, and over the block before it if that is the key. */
  private void update(PacketScratch scratch, int key, int bytes) throws Throwable {
    long all = (long) key + bytes;
    check(
        all == 0
            || (int)
                    Calls.STREAM_UPDATE.invokeExact(
                        stream,
                        scratch.after() - key,
                        scratch.written(),
                        all,
                        scratch.before() - key,
                        all)
                == 1);
  }

  private void check(boolean done) {
    if (!done) {
      throw new IllegalStateException(name + " does not compute");
    }
  }

  /** Not even two threads that close at once free the contexts twice. */
  @Override
  public synchronized void close() {
    if (stream != 0) {
      try {
        // Unlike the stream's, it is not overwritten when it is freed.
        check(
            (int) Calls.MAC_INIT.invokeExact(mac, PacketScratch.ofThread().zeros(), KEY_BYTES, 0L)
                == 1);
        free();
      } catch (RuntimeException | Error e) {
        throw e;
      } catch (Throwable e) {
        throw impossible(e);
      }
    }
  }

  private void free() throws Throwable {
    if (stream != 0) {
      Calls.STREAM_FREE.invokeExact(stream);
      stream = 0;
    }
    if (mac != 0) {
      Calls.MAC_FREE.invokeExact(mac);
      mac = 0;
    }
  }

  @Override
  public String toString() {
    return "ChaCha20-Poly1305 of " + name;
  }
}
