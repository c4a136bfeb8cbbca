/**
 * The primitives of the protocol behind one interface, {@link io.vnet.tunnel.crypto.Crypto}, which
 * {@link io.vnet.tunnel.crypto.CryptoProviders} hands out. Two providers: {@code LibcryptoCrypto},
 * the system's libcrypto through the foreign-function interface, which is fast, and {@code
 * PortableCrypto}, the JDK with Bouncy Castle, which always works. What both have alike is in
 * {@code CommonCrypto}. {@code SelfTest} has the known answers that each must give before it is
 * used.
 *
 * <p>Libcrypto from the outside in: {@code LibcryptoCrypto} (arrays, packets, who owns what),
 * {@code LibcryptoFunctions} (the seam) and behind it {@code ProviderFunctions} (OpenSSL 3 and
 * newer) or {@code EvpFunctions} (1.1.1), {@code ProviderTables} and {@code Libcrypto} (how they
 * are found), {@code NativeMemory} (what a thread hands over by address).
 *
 * <p><b>Threads:</b> a {@code Crypto} is used from any thread; a {@link
 * io.vnet.tunnel.crypto.TransportCipher} by one thread at a time, which may change if what the one
 * did happens before what the other does.
 *
 * <p><b>Secrets</b> are overwritten by who holds them, never logged, and in no {@code toString}. No
 * other room of the module is used here.
 */
@NullMarked
package io.vnet.tunnel.crypto;

import org.jspecify.annotations.NullMarked;
