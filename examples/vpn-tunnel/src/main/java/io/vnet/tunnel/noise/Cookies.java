package io.vnet.tunnel.noise;

import io.vnet.api.address.Endpoint;
import io.vnet.api.address.IpAddress;
import io.vnet.tunnel.crypto.Crypto;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Cookies of the side that is under load, and what the other side makes of a reply.
 *
 * <p>Source: the protocol's section 5.4.7.
 */
public final class Cookies {
  static final String LABEL = "cookie--";

  private static final int NONCE_AT = 8;
  private static final int SEALED_AT = NONCE_AT + Crypto.NONCE_BYTES;
  private static final long MAPPED_V4 = 0xffff;

  private Cookies() {}

  /**
   * The cookie, 16 bytes, that belongs to an address and port under a secret of 32 bytes. An
   * IPv4-mapped IPv6 address counts as the IPv4 address.
   */
  public static byte[] of(Crypto crypto, byte[] secret, Endpoint source) {
    byte[] address = reduced(source.address()).toByteArray();
    byte[] text =
        ByteBuffer.allocate(address.length + Short.BYTES)
            .put(address)
            .putShort((short) source.port())
            .array();
    return crypto.mac(secret, text, 0, text.length);
  }

  /** An IPv4-mapped IPv6 address as the IPv4 address; others as they are. */
  static IpAddress reduced(IpAddress address) {
    return address.v6() && address.high() == 0 && address.low() >>> 32 == MAPPED_V4
        ? IpAddress.v4((int) address.low())
        : address;
  }

  /**
   * Whether mac2 of an initiation or response was made with this cookie; in constant time. A
   * message of another length is not signed.
   */
  public static boolean isSigned(Crypto crypto, byte[] cookie, byte[] message) {
    return Macs.isSignedWithCookie(crypto, cookie, message);
  }

  /**
   * A cookie reply, 64 bytes, to an initiation or response.
   *
   * @param nonce 24 random bytes
   * @throws IllegalArgumentException if the message is no initiation or response by its length
   */
  public static byte[] reply(
      Crypto crypto, Identity own, byte[] cookie, byte[] message, byte[] nonce) {
    byte[] sealed = crypto.sealWithNonce(own.cookieKey(), nonce, cookie, Macs.mac1(message));
    byte[] reply = new byte[Messages.COOKIE_REPLY_BYTES];
    Messages.putInt(reply, 0, Messages.COOKIE_REPLY);
    Messages.putInt(reply, Messages.RECEIVER_AT, Messages.getInt(message, Messages.SENDER_AT));
    System.arraycopy(nonce, 0, reply, NONCE_AT, Crypto.NONCE_BYTES);
    System.arraycopy(sealed, 0, reply, SEALED_AT, sealed.length);
    return reply;
  }

  /**
   * The cookie in a reply.
   *
   * @param mac1 of the message that it answers
   * @return null: it is not authentic, or no cookie reply by type and length
   */
  public static byte @Nullable [] open(
      Crypto crypto, PeerIdentity peer, byte[] mac1, byte[] reply) {
    if (reply.length != Messages.COOKIE_REPLY_BYTES
        || Messages.getInt(reply, 0) != Messages.COOKIE_REPLY) {
      return null;
    }
    return crypto.openWithNonce(
        peer.cookieKey(),
        Arrays.copyOfRange(reply, NONCE_AT, SEALED_AT),
        Arrays.copyOfRange(reply, SEALED_AT, reply.length),
        mac1);
  }
}
