package io.vnet.tunnel.crypto;

import static io.vnet.tunnel.crypto.Libcrypto.INT;
import static io.vnet.tunnel.crypto.Libcrypto.POINTER;
import static io.vnet.tunnel.crypto.Libcrypto.impossible;

import io.vnet.api.error.VnetException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;
import java.util.Arrays;

/**
 * Where the functions of libcrypto's built-in provider are: its tables, read once. Immutable; the
 * provider stays loaded.
 *
 * <p>Source: openssl/core.h, openssl/core_dispatch.h, provider(7).
 */
final class ProviderTables {
  // Functions of openssl/core_dispatch.h.
  static final int CIPHER_NEWCTX = 1;
  static final int CIPHER_ENCRYPT_INIT = 2;
  static final int CIPHER_DECRYPT_INIT = 3;
  static final int CIPHER_UPDATE = 4;
  static final int CIPHER_FINAL = 5;
  static final int CIPHER_FREECTX = 7;
  static final int CIPHER_GET_CTX_PARAMS = 10;
  static final int CIPHER_SET_CTX_PARAMS = 11;
  static final int MAC_NEWCTX = 1;
  static final int MAC_FREECTX = 3;
  static final int MAC_INIT = 4;
  static final int MAC_UPDATE = 5;
  static final int MAC_FINAL = 6;
  static final int KEYMGMT_NEW = 1;
  static final int KEYMGMT_FREE = 10;
  static final int KEYMGMT_IMPORT = 40;
  static final int KEYEXCH_NEWCTX = 1;
  static final int KEYEXCH_INIT = 2;
  static final int KEYEXCH_DERIVE = 3;
  static final int KEYEXCH_SET_PEER = 4;
  static final int KEYEXCH_FREECTX = 5;

  // Operations of the same file.
  private static final int CIPHER = 2;
  private static final int MAC = 3;
  private static final int KEYMGMT = 10;
  private static final int KEYEXCH = 11;

  // struct OSSL_ALGORITHM: names, properties, dispatch, description.
  private static final int ALGORITHM_BYTES = 32;
  private static final int ALGORITHM_DISPATCH = 16;

  // struct OSSL_DISPATCH: number, function.
  private static final int DISPATCH_BYTES = 16;
  private static final int DISPATCH_FUNCTION = 8;
  private static final int FUNCTIONS = 64;

  private final Libcrypto library;
  private final long context;
  private final long[] cipher;
  private final long[] stream;
  private final long[] mac;
  private final long[] keys;
  private final long[] exchange;

  /**
   * Loads the provider.
   *
   * @throws VnetException EOPNOTSUPP: this libcrypto is older than 3, or has not what is needed
   */
  ProviderTables(Libcrypto library) {
    this.library = library;
    long provider = provider(library);
    MethodHandle contextOf =
        library.handle("OSSL_PROVIDER_get0_provider_ctx", FunctionDescriptor.of(POINTER, POINTER));
    try {
      context = (long) contextOf.invokeExact(provider);
    } catch (Throwable e) {
      throw impossible(e);
    }
    cipher =
        functions(
            provider,
            CIPHER,
            "ChaCha20-Poly1305",
            CIPHER_NEWCTX,
            CIPHER_ENCRYPT_INIT,
            CIPHER_DECRYPT_INIT,
            CIPHER_UPDATE,
            CIPHER_FINAL,
            CIPHER_FREECTX,
            CIPHER_GET_CTX_PARAMS,
            CIPHER_SET_CTX_PARAMS);
    stream =
        functions(
            provider,
            CIPHER,
            "ChaCha20",
            CIPHER_NEWCTX,
            CIPHER_ENCRYPT_INIT,
            CIPHER_UPDATE,
            CIPHER_FREECTX);
    mac =
        functions(
            provider, MAC, "Poly1305", MAC_NEWCTX, MAC_FREECTX, MAC_INIT, MAC_UPDATE, MAC_FINAL);
    keys = functions(provider, KEYMGMT, "X25519", KEYMGMT_NEW, KEYMGMT_FREE, KEYMGMT_IMPORT);
    exchange =
        functions(
            provider,
            KEYEXCH,
            "X25519",
            KEYEXCH_NEWCTX,
            KEYEXCH_INIT,
            KEYEXCH_DERIVE,
            KEYEXCH_SET_PEER,
            KEYEXCH_FREECTX);
  }

  /** In a library context of its own. */
  private static long provider(Libcrypto library) {
    MethodHandle newContext = library.handle("OSSL_LIB_CTX_new", FunctionDescriptor.of(POINTER));
    MethodHandle load =
        library.handle("OSSL_PROVIDER_load", FunctionDescriptor.of(POINTER, POINTER, POINTER));
    long provider = 0;
    try {
      long context = (long) newContext.invokeExact();
      if (context != 0) {
        provider = (long) load.invokeExact(context, NativeMemory.ofThread().text("default"));
      }
    } catch (Throwable e) {
      throw impossible(e);
    }
    if (provider == 0) {
      throw Libcrypto.unusable("its default provider does not load");
    }
    return provider;
  }

  private long[] functions(long provider, int operation, String name, int... needed) {
    MethodHandle query =
        library.handle(
            "OSSL_PROVIDER_query_operation", FunctionDescriptor.of(POINTER, POINTER, INT, POINTER));
    long algorithm;
    try {
      algorithm = (long) query.invokeExact(provider, operation, NativeMemory.ofThread().written());
    } catch (Throwable e) {
      throw impossible(e);
    }
    for (; algorithm != 0 && library.readLong(algorithm) != 0; algorithm += ALGORITHM_BYTES) {
      String[] names = library.string(library.readLong(algorithm)).split(":", -1);
      if (Arrays.stream(names).anyMatch(name::equalsIgnoreCase)) {
        long[] functions = functions(library.readLong(algorithm + ALGORITHM_DISPATCH));
        for (int number : needed) {
          if (functions[number] == 0) {
            throw Libcrypto.unusable("function " + number + " of its " + name + " is missing");
          }
        }
        return functions;
      }
    }
    throw Libcrypto.unusable("its default provider has no " + name);
  }

  private long[] functions(long dispatch) {
    long[] functions = new long[FUNCTIONS];
    for (long at = dispatch; library.readInt(at) != 0; at += DISPATCH_BYTES) {
      int number = library.readInt(at);
      if (number > 0 && number < FUNCTIONS) {
        functions[number] = library.readLong(at + DISPATCH_FUNCTION);
      }
    }
    return functions;
  }

  /** What the functions that make something are handed. */
  long context() {
    return context;
  }

  MethodHandle cipher(int number, FunctionDescriptor descriptor) {
    return library.handle(cipher[number], descriptor);
  }

  /** Of ChaCha20 alone; for calls of a microsecond at the most. */
  MethodHandle stream(int number, FunctionDescriptor descriptor) {
    return library.shortHandle(stream[number], descriptor);
  }

  /** Of Poly1305; for calls of a microsecond at the most. */
  MethodHandle mac(int number, FunctionDescriptor descriptor) {
    return library.shortHandle(mac[number], descriptor);
  }

  MethodHandle keys(int number, FunctionDescriptor descriptor) {
    return library.handle(keys[number], descriptor);
  }

  MethodHandle exchange(int number, FunctionDescriptor descriptor) {
    return library.handle(exchange[number], descriptor);
  }
}
