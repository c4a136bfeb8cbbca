package io.vnet.tunnel.crypto;

import static io.vnet.tunnel.crypto.Libcrypto.impossible;

import io.vnet.api.error.VnetException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The functions of libcrypto that are used here, by address: in which order they are called for a
 * packet, which is the same for the two ways that lead to them, {@link ProviderFunctions} and
 * {@link EvpFunctions}.
 *
 * <p><b>A packet:</b> one call to begin, one each for additional data and text, one to end, one for
 * the tag.
 *
 * <p><b>Threads:</b> any; a context belongs to one thread at a time.
 */
abstract sealed class LibcryptoFunctions permits EvpFunctions, ProviderFunctions {
  private final String name;

  LibcryptoFunctions(String name) {
    this.name = name;
  }

  /**
   * What was looked for in the process's libcrypto, once; what is missing stays so.
   *
   * @param reason why it is missing; empty if it is there
   */
  record Lookup<T>(@Nullable T found, String reason) {
    /**
     * Looks.
     *
     * @param find throws EOPNOTSUPP if this libcrypto has not what is needed
     */
    static <T> Lookup<T> of(Function<Libcrypto, T> find) {
      try {
        return new Lookup<>(find.apply(Libcrypto.load()), "");
      } catch (VnetException e) {
        return new Lookup<>(null, e.reason());
      }
    }

    /**
     * What was found.
     *
     * @throws VnetException EOPNOTSUPP: nothing
     */
    T orThrow() {
      if (found == null) {
        throw Libcrypto.unusable(reason);
      }
      return found;
    }
  }

  /** For people: {@code libcrypto 3.0.17}. */
  final String name() {
    return name;
  }

  /**
   * A ChaCha20-Poly1305 context, which holds a copy of the key at this address and is the caller's
   * to free.
   *
   * @throws VnetException ENOMEM
   */
  final long newContext(long key) {
    try {
      long context = allocate();
      if (context == 0) {
        throw Libcrypto.refused("a ChaCha20-Poly1305 context");
      }
      if (!putKey(context, key, NativeMemory.ofThread().nonce(0))) {
        free(context);
        throw Libcrypto.refused("a ChaCha20-Poly1305 context");
      }
      return context;
    } catch (VnetException e) {
      throw e;
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /**
   * A cipher for packets under the key at this address, which it copies.
   *
   * @throws VnetException ENOMEM
   */
  TransportCipher transportCipher(long key) {
    return new LibcryptoCipher(this, newContext(key));
  }

  /** Overwrites and frees a context. */
  final void freeContext(long context) {
    try {
      free(context);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** Seals {@code length} bytes and writes 16 more behind. */
  final boolean seal(
      long context,
      long counter,
      long additional,
      int additionalLength,
      long from,
      int length,
      long to) {
    NativeMemory memory = NativeMemory.ofThread();
    long written = memory.written();
    long tag = to + length;
    try {
      return beginSeal(context, memory.nonce(counter))
          && (additionalLength == 0 || update(context, 0, written, additional, additionalLength))
          && (length == 0 || update(context, to, written, from, length))
          && end(context, tag, written)
          && writeTag(context, memory, tag);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** Opens {@code length} bytes, of which the last 16 are the tag; false: not authentic. */
  final boolean open(
      long context,
      long counter,
      long additional,
      int additionalLength,
      long from,
      int length,
      long to) {
    NativeMemory memory = NativeMemory.ofThread();
    long written = memory.written();
    int plain = length - Crypto.TAG_BYTES;
    try {
      // The tag is taken before anything is written over it.
      return beginOpen(context, memory.nonce(counter))
          && readTag(context, memory, from + plain)
          && (additionalLength == 0 || update(context, 0, written, additional, additionalLength))
          && (plain == 0 || update(context, to, written, from, plain))
          && end(context, to, written);
    } catch (Throwable e) {
      throw impossible(e);
    }
  }

  /** X25519 of the keys in {@code memory}; false: the result would be zero. */
  abstract boolean agree(NativeMemory memory);

  /** A context without a key; 0: refused. */
  abstract long allocate() throws Throwable;

  /** Overwrites and frees a context. */
  abstract void free(long context) throws Throwable;

  /** Copies the key into a new context; false: refused. */
  abstract boolean putKey(long context, long key, long nonce) throws Throwable;

  /** The next calls seal under this nonce. */
  abstract boolean beginSeal(long context, long nonce) throws Throwable;

  /** The next calls open under this nonce. */
  abstract boolean beginOpen(long context, long nonce) throws Throwable;

  /** Takes the tag that the text is to have. */
  abstract boolean readTag(long context, NativeMemory memory, long tag) throws Throwable;

  /** Puts the tag of what was sealed behind it. */
  abstract boolean writeTag(long context, NativeMemory memory, long tag) throws Throwable;

  /** Additional data if {@code to} is 0, else text; not of no length. */
  abstract boolean update(long context, long to, long written, long from, int length)
      throws Throwable;

  /** No more text follows; when opening: whether it has the tag. */
  abstract boolean end(long context, long to, long written) throws Throwable;
}
