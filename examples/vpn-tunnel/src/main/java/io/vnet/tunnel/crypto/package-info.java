/**
 * The primitives of the protocol behind one interface, {@link io.vnet.tunnel.crypto.Crypto}, and
 * its providers: the JDK with Bouncy Castle, which always works, and libcrypto, which is fast.
 * {@link io.vnet.tunnel.crypto.Crypto} is used from any thread; a {@link
 * io.vnet.tunnel.crypto.TransportCipher} by one thread at a time. Of the module only {@code key} is
 * used here.
 */
@NullMarked
package io.vnet.tunnel.crypto;

import org.jspecify.annotations.NullMarked;
