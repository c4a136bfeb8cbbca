package io.vnet.tunnel.crypto;

/**
 * The functions of libcrypto that are used here, by address. Two ways lead to them: {@link
 * ProviderFunctions} and {@link EvpFunctions}.
 *
 * <p><b>Threads:</b> any; a context belongs to one thread at a time.
 */
sealed interface LibcryptoFunctions permits EvpFunctions, ProviderFunctions {
  /** For people: {@code libcrypto 3.0.17}. */
  String name();

  /**
   * A ChaCha20-Poly1305 context, which holds a copy of the key at this address and is the caller's
   * to free.
   *
   * @throws io.vnet.api.error.VnetException ENOMEM
   */
  long newContext(long key);

  /** Overwrites and frees a context. */
  void freeContext(long context);

  /** Seals {@code length} bytes and writes 16 more behind. */
  boolean seal(
      long context,
      long counter,
      long additional,
      int additionalLength,
      long from,
      int length,
      long to);

  /** Opens {@code length} bytes, of which the last 16 are the tag; false: not authentic. */
  boolean open(
      long context,
      long counter,
      long additional,
      int additionalLength,
      long from,
      int length,
      long to);

  /** X25519 of the keys in {@code memory}; false: the result would be zero. */
  boolean agree(NativeMemory memory);
}
