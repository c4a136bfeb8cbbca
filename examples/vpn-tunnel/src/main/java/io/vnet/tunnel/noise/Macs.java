package io.vnet.tunnel.noise;

import io.vnet.tunnel.crypto.Crypto;
import java.util.Arrays;

/**
 * mac1 and mac2 at the end of initiations and responses: 16 bytes each.
 *
 * <p>Source: the protocol's section 5.4.4.
 */
public final class Macs {
  static final String LABEL = "mac1----";

  /** Of either, in bytes. */
  static final int BYTES = 16;

  private Macs() {}

  /**
   * Writes mac1 for this receiver.
   *
   * @throws IllegalArgumentException if the message is no initiation or response by its length
   */
  public static void sign(Crypto crypto, PeerIdentity receiver, byte[] message) {
    int at = mac1At(message);
    System.arraycopy(crypto.mac(receiver.mac1Key(), message, 0, at), 0, message, at, BYTES);
  }

  /**
   * Writes mac2 with a cookie of 16 bytes; after mac1.
   *
   * @throws IllegalArgumentException if the message is no initiation or response by its length
   */
  public static void signWithCookie(Crypto crypto, byte[] cookie, byte[] message) {
    int at = mac2At(message);
    System.arraycopy(crypto.mac(cookie, message, 0, at), 0, message, at, BYTES);
  }

  /**
   * A copy of mac1, 16 bytes.
   *
   * @throws IllegalArgumentException if the message is no initiation or response by its length
   */
  public static byte[] mac1(byte[] message) {
    int at = mac1At(message);
    return Arrays.copyOfRange(message, at, at + BYTES);
  }

  /**
   * Whether mac1 was made by somebody who knows this public key; in constant time. A message of
   * another length than an initiation's or a response's is not signed.
   */
  public static boolean isSigned(Crypto crypto, Identity receiver, byte[] message) {
    if (!hasMacs(message)) {
      return false;
    }
    int at = mac1At(message);
    return same(crypto.mac(receiver.mac1Key(), message, 0, at), message, at);
  }

  /** As {@link Cookies#isSigned}, which has the say in it. */
  static boolean isSignedWithCookie(Crypto crypto, byte[] cookie, byte[] message) {
    if (!hasMacs(message)) {
      return false;
    }
    int at = mac2At(message);
    return same(crypto.mac(cookie, message, 0, at), message, at);
  }

  /** In a time that does not depend on the bytes. */
  private static boolean same(byte[] mac, byte[] message, int at) {
    int difference = 0;
    for (int i = 0; i < BYTES; i++) {
      difference |= mac[i] ^ message[at + i];
    }
    return difference == 0;
  }

  private static boolean hasMacs(byte[] message) {
    return message.length == Messages.INITIATION_BYTES || message.length == Messages.RESPONSE_BYTES;
  }

  private static int mac1At(byte[] message) {
    return mac2At(message) - BYTES;
  }

  private static int mac2At(byte[] message) {
    if (!hasMacs(message)) {
      throw new IllegalArgumentException("no message with macs has " + message.length + " bytes");
    }
    return message.length - BYTES;
  }
}
