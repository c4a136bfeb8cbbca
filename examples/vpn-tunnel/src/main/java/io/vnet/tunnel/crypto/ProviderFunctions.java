package io.vnet.tunnel.crypto;

import static io.vnet.tunnel.crypto.Libcrypto.INT;
import static io.vnet.tunnel.crypto.Libcrypto.POINTER;
import static io.vnet.tunnel.crypto.Libcrypto.SIZE;
import static io.vnet.tunnel.crypto.Libcrypto.impossible;

import io.vnet.api.error.VnetException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;

/**
 * The functions of libcrypto's built-in provider themselves, without the EVP layer over them. EVP
 * asks for parameters by name in every call, a tenth of a packet's time, and computes for every
 * private key the public one, which nobody wants: more than half of an X25519. OpenSSL 3 and newer.
 *
 * <p>They come from a library context of their own, so that neither openssl.cnf nor what the
 * application does with libcrypto changes them.
 *
 * <p><b>A packet:</b> four calls, no allocation, no copy. <b>An X25519:</b> nine short calls and
 * one long one; libcrypto allocates three small objects, and overwrites and frees them.
 *
 * <p>Source: provider-cipher(7), provider-keymgmt(7), provider-keyexch(7).
 */
final class ProviderFunctions extends LibcryptoFunctions {
  private static final int SELECT_PUBLIC_KEY = 2;
  private static final int SELECT_KEYPAIR = 3;
  private static final long NONCE_BYTES = NativeMemory.NONCE_BYTES;
  private static final long KEY_BYTES = Crypto.KEY_BYTES;
  private static final long TAG_BYTES = Crypto.TAG_BYTES;
  private static final Lookup<ProviderTables> TABLES = Lookup.of(ProviderTables::new);

  private ProviderFunctions(String name) {
    super(name);
  }

  /** Not touched before the tables are found. */
  private static final class Calls {
    private static final ProviderTables FOUND = TABLES.orThrow();
    static final long CONTEXT = FOUND.context();
    private static final FunctionDescriptor NEW = FunctionDescriptor.of(POINTER, POINTER);
    private static final FunctionDescriptor FREE = FunctionDescriptor.ofVoid(POINTER);
    private static final FunctionDescriptor INIT =
        FunctionDescriptor.of(INT, POINTER, POINTER, SIZE, POINTER, SIZE, POINTER);
    private static final FunctionDescriptor PARAMS = FunctionDescriptor.of(INT, POINTER, POINTER);

    static final MethodHandle NEWCTX = FOUND.cipher(ProviderTables.CIPHER_NEWCTX, NEW);
    static final MethodHandle FREECTX = FOUND.cipher(ProviderTables.CIPHER_FREECTX, FREE);
    static final MethodHandle ENCRYPT_INIT = FOUND.cipher(ProviderTables.CIPHER_ENCRYPT_INIT, INIT);
    static final MethodHandle DECRYPT_INIT = FOUND.cipher(ProviderTables.CIPHER_DECRYPT_INIT, INIT);
    static final MethodHandle UPDATE =
        FOUND.cipher(
            ProviderTables.CIPHER_UPDATE,
            FunctionDescriptor.of(INT, POINTER, POINTER, POINTER, SIZE, POINTER, SIZE));
    static final MethodHandle FINAL =
        FOUND.cipher(
            ProviderTables.CIPHER_FINAL,
            FunctionDescriptor.of(INT, POINTER, POINTER, POINTER, SIZE));
    static final MethodHandle GET_PARAMS =
        FOUND.cipher(ProviderTables.CIPHER_GET_CTX_PARAMS, PARAMS);
    static final MethodHandle SET_PARAMS =
        FOUND.cipher(ProviderTables.CIPHER_SET_CTX_PARAMS, PARAMS);

    static final MethodHandle KEY_NEW = FOUND.keys(ProviderTables.KEYMGMT_NEW, NEW);
    static final MethodHandle KEY_FREE = FOUND.keys(ProviderTables.KEYMGMT_FREE, FREE);
    static final MethodHandle KEY_IMPORT =
        FOUND.keys(
            ProviderTables.KEYMGMT_IMPORT, FunctionDescriptor.of(INT, POINTER, INT, POINTER));

    static final MethodHandle EXCHANGE_NEW = FOUND.exchange(ProviderTables.KEYEXCH_NEWCTX, NEW);
    static final MethodHandle EXCHANGE_FREE = FOUND.exchange(ProviderTables.KEYEXCH_FREECTX, FREE);
    static final MethodHandle EXCHANGE_INIT =
        FOUND.exchange(
            ProviderTables.KEYEXCH_INIT, FunctionDescriptor.of(INT, POINTER, POINTER, POINTER));
    static final MethodHandle EXCHANGE_PEER =
        FOUND.exchange(
            ProviderTables.KEYEXCH_SET_PEER, FunctionDescriptor.of(INT, POINTER, POINTER));
    static final MethodHandle EXCHANGE_DERIVE =
        FOUND.exchange(
            ProviderTables.KEYEXCH_DERIVE,
            FunctionDescriptor.of(INT, POINTER, POINTER, POINTER, SIZE));

    private Calls() {}
  }

  /**
   * Those of the process's libcrypto.
   *
   * @throws VnetException EOPNOTSUPP: it is older, or has not what is needed
   */
  static ProviderFunctions load() {
    TABLES.orThrow();
    return new ProviderFunctions("libcrypto " + Libcrypto.load().version());
  }

  /** Found before; see {@link #load()}. */
  static ProviderTables tables() {
    return TABLES.orThrow();
  }

  @Override
  TransportCipher transportCipher(long key) {
    return StreamAndMac.of(key, name());
  }

  @Override
  long allocate() throws Throwable {
    return (long) Calls.NEWCTX.invokeExact(Calls.CONTEXT);
  }

  @Override
  void free(long context) throws Throwable {
    Calls.FREECTX.invokeExact(context);
  }

  @Override
  boolean putKey(long context, long key, long nonce) throws Throwable {
    return (int) Calls.ENCRYPT_INIT.invokeExact(context, key, KEY_BYTES, nonce, NONCE_BYTES, 0L)
        == 1;
  }

  @Override
  boolean beginSeal(long context, long nonce) throws Throwable {
    return (int) Calls.ENCRYPT_INIT.invokeExact(context, 0L, 0L, nonce, NONCE_BYTES, 0L) == 1;
  }

  @Override
  boolean beginOpen(long context, long nonce) throws Throwable {
    return (int) Calls.DECRYPT_INIT.invokeExact(context, 0L, 0L, nonce, NONCE_BYTES, 0L) == 1;
  }

  @Override
  boolean readTag(long context, NativeMemory memory, long tag) throws Throwable {
    return (int) Calls.SET_PARAMS.invokeExact(context, memory.tagParams(tag)) == 1;
  }

  @Override
  boolean writeTag(long context, NativeMemory memory, long tag) throws Throwable {
    return (int) Calls.GET_PARAMS.invokeExact(context, memory.tagParams(tag)) == 1;
  }

  @Override
  boolean update(long context, long to, long written, long from, int length) throws Throwable {
    return (int) Calls.UPDATE.invokeExact(context, to, written, (long) length, from, (long) length)
        == 1;
  }

  @Override
  boolean end(long context, long to, long written) throws Throwable {
    return (int) Calls.FINAL.invokeExact(context, to, written, TAG_BYTES) == 1;
  }

  @Override
  boolean agree(NativeMemory memory) {
    long own = 0;
    long peer = 0;
    long exchange = 0;
    try {
      own = (long) Calls.KEY_NEW.invokeExact(Calls.CONTEXT);
      peer = (long) Calls.KEY_NEW.invokeExact(Calls.CONTEXT);
      exchange = (long) Calls.EXCHANGE_NEW.invokeExact(Calls.CONTEXT);
      if (own == 0
          || peer == 0
          || exchange == 0
          || (int) Calls.KEY_IMPORT.invokeExact(own, SELECT_KEYPAIR, memory.ownParams()) != 1
          || (int) Calls.KEY_IMPORT.invokeExact(peer, SELECT_PUBLIC_KEY, memory.peerParams()) != 1
          || (int) Calls.EXCHANGE_INIT.invokeExact(exchange, own, 0L) != 1
          || (int) Calls.EXCHANGE_PEER.invokeExact(exchange, peer) != 1) {
        throw Libcrypto.refused("an X25519 key");
      }
      return (int)
              Calls.EXCHANGE_DERIVE.invokeExact(
                  exchange, memory.shared(), memory.written(), KEY_BYTES)
          == 1;
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
      if (exchange != 0) {
        Calls.EXCHANGE_FREE.invokeExact(exchange);
      }
      if (own != 0) {
        Calls.KEY_FREE.invokeExact(own);
      }
      if (peer != 0) {
        Calls.KEY_FREE.invokeExact(peer);
      }
    } catch (Throwable e) {
      throw impossible(e);
    }
  }
}
