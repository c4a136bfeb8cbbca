package io.vnet.tunnel.crypto;

import static io.vnet.tunnel.crypto.Libcrypto.INT;
import static io.vnet.tunnel.crypto.Libcrypto.POINTER;
import static io.vnet.tunnel.crypto.Libcrypto.SIZE;
import static io.vnet.tunnel.crypto.Libcrypto.impossible;

import io.vnet.api.error.VnetException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;

/**
 * The same through libcrypto's EVP interface, which OpenSSL 1.1.1 has too. Cipher and key of a
 * context are set once, and only the nonce for each packet: to name the cipher again would cost
 * half a packet's time.
 *
 * <p><b>A packet:</b> four calls, no allocation, no copy.
 *
 * <p>Source: EVP_EncryptInit(3), EVP_PKEY_new(3), EVP_PKEY_derive(3).
 */
final class EvpFunctions extends LibcryptoFunctions {
  private static final int X25519 = 1034; // NID_X25519 of openssl/obj_mac.h.
  private static final int GET_TAG = 0x10; // EVP_CTRL_AEAD_GET_TAG of openssl/evp.h.
  private static final int SET_TAG = 0x11;
  private static final int ENCRYPT = 1;
  private static final int DECRYPT = 0;
  private static final long KEY_BYTES = Crypto.KEY_BYTES;
  private static final Lookup<Handles> HANDLES = Lookup.of(Handles::of);

  private EvpFunctions(String name) {
    super(name);
  }

  private record Handles(
      MethodHandle cipher,
      MethodHandle contextNew,
      MethodHandle contextFree,
      MethodHandle init,
      MethodHandle update,
      MethodHandle end,
      MethodHandle control,
      MethodHandle privateKey,
      MethodHandle publicKey,
      MethodHandle keyFree,
      MethodHandle exchangeNew,
      MethodHandle exchangeFree,
      MethodHandle exchangeInit,
      MethodHandle exchangePeer,
      MethodHandle exchangeDerive,
      MethodHandle clearErrors) {
    private static final FunctionDescriptor NEW = FunctionDescriptor.of(POINTER);
    private static final FunctionDescriptor FREE = FunctionDescriptor.ofVoid(POINTER);
    private static final FunctionDescriptor RAW_KEY =
        FunctionDescriptor.of(POINTER, INT, POINTER, POINTER, SIZE);

    static Handles of(Libcrypto library) {
      return new Handles(
          library.handle("EVP_chacha20_poly1305", NEW),
          library.handle("EVP_CIPHER_CTX_new", NEW),
          library.handle("EVP_CIPHER_CTX_free", FREE),
          library.handle(
              "EVP_CipherInit_ex",
              FunctionDescriptor.of(INT, POINTER, POINTER, POINTER, POINTER, POINTER, INT)),
          library.handle(
              "EVP_CipherUpdate",
              FunctionDescriptor.of(INT, POINTER, POINTER, POINTER, POINTER, INT)),
          library.handle(
              "EVP_CipherFinal_ex", FunctionDescriptor.of(INT, POINTER, POINTER, POINTER)),
          library.handle(
              "EVP_CIPHER_CTX_ctrl", FunctionDescriptor.of(INT, POINTER, INT, INT, POINTER)),
          library.handle("EVP_PKEY_new_raw_private_key", RAW_KEY),
          library.handle("EVP_PKEY_new_raw_public_key", RAW_KEY),
          library.handle("EVP_PKEY_free", FREE),
          library.handle("EVP_PKEY_CTX_new", FunctionDescriptor.of(POINTER, POINTER, POINTER)),
          library.handle("EVP_PKEY_CTX_free", FREE),
          library.handle("EVP_PKEY_derive_init", FunctionDescriptor.of(INT, POINTER)),
          library.handle("EVP_PKEY_derive_set_peer", FunctionDescriptor.of(INT, POINTER, POINTER)),
          library.handle("EVP_PKEY_derive", FunctionDescriptor.of(INT, POINTER, POINTER, POINTER)),
          library.handle("ERR_clear_error", FunctionDescriptor.ofVoid()));
    }
  }

  /** Not touched before the handles are found; a constant, so that calls through it are direct. */
  private static final class Calls {
    static final Handles C = HANDLES.orThrow();

    private Calls() {}
  }

  /**
   * Those of the process's libcrypto.
   *
   * @throws VnetException EOPNOTSUPP: it has not what is needed
   */
  static EvpFunctions load() {
    HANDLES.orThrow();
    return new EvpFunctions("libcrypto " + Libcrypto.load().version() + " by EVP");
  }

  @Override
  long allocate() throws Throwable {
    return (long) Calls.C.contextNew.invokeExact();
  }

  @Override
  void free(long context) throws Throwable {
    Calls.C.contextFree.invokeExact(context);
  }

  @Override
  boolean putKey(long context, long key, long nonce) throws Throwable {
    long cipher = (long) Calls.C.cipher.invokeExact();
    if ((int) Calls.C.init.invokeExact(context, cipher, 0L, key, nonce, ENCRYPT) == 1) {
      return true;
    }
    Calls.C.clearErrors.invokeExact();
    return false;
  }

  @Override
  boolean beginSeal(long context, long nonce) throws Throwable {
    return (int) Calls.C.init.invokeExact(context, 0L, 0L, 0L, nonce, ENCRYPT) == 1;
  }

  @Override
  boolean beginOpen(long context, long nonce) throws Throwable {
    return (int) Calls.C.init.invokeExact(context, 0L, 0L, 0L, nonce, DECRYPT) == 1;
  }

  @Override
  boolean readTag(long context, NativeMemory memory, long tag) throws Throwable {
    return (int) Calls.C.control.invokeExact(context, SET_TAG, Crypto.TAG_BYTES, tag) == 1;
  }

  @Override
  boolean writeTag(long context, NativeMemory memory, long tag) throws Throwable {
    return (int) Calls.C.control.invokeExact(context, GET_TAG, Crypto.TAG_BYTES, tag) == 1;
  }

  @Override
  boolean update(long context, long to, long written, long from, int length) throws Throwable {
    return (int) Calls.C.update.invokeExact(context, to, written, from, length) == 1;
  }

  @Override
  boolean end(long context, long to, long written) throws Throwable {
    return (int) Calls.C.end.invokeExact(context, to, written) == 1;
  }

  @Override
  boolean agree(NativeMemory memory) {
    long own = 0;
    long peer = 0;
    long exchange = 0;
    try {
      own = (long) Calls.C.privateKey.invokeExact(X25519, 0L, memory.privateKey(), KEY_BYTES);
      peer = (long) Calls.C.publicKey.invokeExact(X25519, 0L, memory.publicKey(), KEY_BYTES);
      if (own != 0) {
        exchange = (long) Calls.C.exchangeNew.invokeExact(own, 0L);
      }
      if (peer == 0
          || exchange == 0
          || (int) Calls.C.exchangeInit.invokeExact(exchange) != 1
          || (int) Calls.C.exchangePeer.invokeExact(exchange, peer) != 1) {
        Calls.C.clearErrors.invokeExact();
        throw Libcrypto.refused("an X25519 key");
      }
      boolean agreed =
          (int) Calls.C.exchangeDerive.invokeExact(exchange, memory.shared(), memory.sharedLength())
              == 1;
      if (!agreed) {
        Calls.C.clearErrors.invokeExact();
      }
      return agreed;
    } catch (VnetException e) {
      throw e;
    } catch (Throwable e) {
      throw impossible(e);
    } finally {
      freeAll(exchange, own, peer);
    }
  }

  private static void freeAll(long exchange, long own, long peer) {
    try {
      // All three take 0 as nothing to do.
      Calls.C.exchangeFree.invokeExact(exchange);
      Calls.C.keyFree.invokeExact(own);
      Calls.C.keyFree.invokeExact(peer);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }
}
