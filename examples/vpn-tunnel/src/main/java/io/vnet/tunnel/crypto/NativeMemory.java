package io.vnet.tunnel.crypto;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What one thread hands to libcrypto by address: nonce, lengths, parameters, and keys for the
 * moment of a call. A kilobyte a thread, made at its first call and freed after it has ended;
 * secrets in it are overwritten by whoever put them there, in the same call.
 *
 * <p><b>Owner:</b> the thread; {@link #ofThread} gives each its own.
 */
final class NativeMemory {
  private static final ThreadLocal<NativeMemory> OF_THREAD =
      ThreadLocal.withInitial(NativeMemory::new);
  private static final ValueLayout.OfLong LITTLE_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Of a nonce: 4 zero bytes and the counter. */
  static final int NONCE_BYTES = 12;

  private static final int COUNTER_AT = 4;
  private static final int KEY_BYTES = Crypto.KEY_BYTES;

  // struct OSSL_PARAM of openssl/core.h: name, type, data, size, returned size.
  private static final int PARAM_BYTES = 40;
  private static final int PARAM_TYPE = 8;
  private static final int PARAM_DATA = 16;
  private static final int PARAM_SIZE = 24;
  private static final int OCTET_STRING = 5;

  private static final MemorySegment TAG_NAME = name("tag");
  private static final MemorySegment PUBLIC_NAME = name("pub");
  private static final MemorySegment PRIVATE_NAME = name("priv");

  /** The point 9: for the public key, and where a public key is asked for and not used. */
  private static final MemorySegment BASE_POINT = basePoint();

  private static final int NONCE = 0;
  private static final int WRITTEN = 16;
  private static final int TAG_PARAMS = WRITTEN + Long.BYTES;
  private static final int OWN_PARAMS = TAG_PARAMS + 2 * PARAM_BYTES;
  private static final int PEER_PARAMS = OWN_PARAMS + 3 * PARAM_BYTES;
  private static final int PRIVATE_KEY = PEER_PARAMS + 2 * PARAM_BYTES;
  private static final int PUBLIC_KEY = PRIVATE_KEY + KEY_BYTES;
  private static final int SHARED = PUBLIC_KEY + KEY_BYTES;
  private static final int KEYS_END = SHARED + KEY_BYTES;
  private static final int TEXT_BYTES = 512;

  private final MemorySegment memory = Arena.ofAuto().allocate(KEYS_END + TEXT_BYTES, Long.BYTES);
  private final long address = memory.address();
  private MemorySegment text = memory.asSlice(KEYS_END, TEXT_BYTES);

  private NativeMemory() {
    param(TAG_PARAMS, TAG_NAME, 0, Crypto.TAG_BYTES);
    param(OWN_PARAMS, PUBLIC_NAME, BASE_POINT.address(), KEY_BYTES);
    param(OWN_PARAMS + PARAM_BYTES, PRIVATE_NAME, address + PRIVATE_KEY, KEY_BYTES);
    param(PEER_PARAMS, PUBLIC_NAME, address + PUBLIC_KEY, KEY_BYTES);
  }

  private static MemorySegment name(String text) {
    return Arena.global().allocateFrom(text, StandardCharsets.US_ASCII);
  }

  private static MemorySegment basePoint() {
    MemorySegment point = Arena.global().allocate(KEY_BYTES);
    point.set(ValueLayout.JAVA_BYTE, 0, (byte) 9);
    return point;
  }

  private void param(int at, MemorySegment name, long data, long size) {
    memory.set(ValueLayout.JAVA_LONG, at, name.address());
    memory.set(ValueLayout.JAVA_INT, at + PARAM_TYPE, OCTET_STRING);
    memory.set(ValueLayout.JAVA_LONG, at + PARAM_DATA, data);
    memory.set(ValueLayout.JAVA_LONG, at + PARAM_SIZE, size);
  }

  /** The calling thread's. */
  static NativeMemory ofThread() {
    return OF_THREAD.get();
  }

  /** The address of the nonce of 12 bytes with this counter in it. */
  long nonce(long counter) {
    memory.set(LITTLE_LONG, NONCE + COUNTER_AT, counter);
    return address + NONCE;
  }

  /** The address where a call may say how much it wrote; nobody reads it. */
  long written() {
    return address + WRITTEN;
  }

  /** The address of the parameters that name a tag of 16 bytes at an address. */
  long tagParams(long tag) {
    memory.set(ValueLayout.JAVA_LONG, TAG_PARAMS + PARAM_DATA, tag);
    return address + TAG_PARAMS;
  }

  /**
   * The address of the parameters that name {@link #privateKey()} as private key, and as its public
   * key the base point: X25519 does not need that, and would compute it if it were not given.
   */
  long ownParams() {
    return address + OWN_PARAMS;
  }

  /** The address of the parameters that name {@link #publicKey()} as public key. */
  long peerParams() {
    return address + PEER_PARAMS;
  }

  long privateKey() {
    return address + PRIVATE_KEY;
  }

  long publicKey() {
    return address + PUBLIC_KEY;
  }

  /** Where a result of 32 bytes goes. */
  long shared() {
    return address + SHARED;
  }

  /** The address of a length of 32 bytes, which a call may overwrite with the true one. */
  long sharedLength() {
    memory.set(ValueLayout.JAVA_LONG, WRITTEN, KEY_BYTES);
    return address + WRITTEN;
  }

  /** Puts keys where {@link #privateKey()} and {@link #publicKey()} are. */
  void putKeys(byte[] privateKey, byte[] publicKey) {
    MemorySegment.copy(privateKey, 0, memory, ValueLayout.JAVA_BYTE, PRIVATE_KEY, KEY_BYTES);
    MemorySegment.copy(publicKey, 0, memory, ValueLayout.JAVA_BYTE, PUBLIC_KEY, KEY_BYTES);
  }

  /** Puts a key where {@link #privateKey()} is. */
  void putKey(byte[] key) {
    MemorySegment.copy(key, 0, memory, ValueLayout.JAVA_BYTE, PRIVATE_KEY, KEY_BYTES);
  }

  /** Takes what is at {@link #shared()}. */
  void takeShared(byte[] to) {
    MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, SHARED, to, 0, KEY_BYTES);
  }

  /** Overwrites keys and result. */
  void eraseKeys() {
    memory.asSlice(PRIVATE_KEY, KEYS_END - PRIVATE_KEY).fill((byte) 0);
  }

  /** The address of a word of a few ASCII characters, which ends with a zero byte. */
  long text(String word) {
    text.setString(0, word, StandardCharsets.US_ASCII);
    return text.address();
  }

  /** Room for a text, whose user overwrites it with zeros. */
  MemorySegment text(int bytes) {
    if (text.byteSize() < bytes) {
      text = Arena.ofAuto().allocate(Long.highestOneBit(bytes) * 2);
    }
    return text;
  }
}
