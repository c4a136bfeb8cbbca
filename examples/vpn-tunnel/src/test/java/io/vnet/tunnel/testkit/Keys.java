package io.vnet.tunnel.testkit;

import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import java.util.Random;

/** Keys for tests: those of the specification's chapter 17, and any number of others. */
public final class Keys {
  /** The initiator's private key. */
  public static final PrivateKey PRIVATE =
      PrivateKey.fromBase64("AAIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH2A=");

  /** Its public key. */
  public static final PublicKey OWN =
      PublicKey.fromBase64("B6N8vBQgk8i3VdwbEOhstCY3StFqqFPtC9/AsrhtHHw=");

  /** The responder's public key. */
  public static final PublicKey PEER =
      PublicKey.fromBase64("ZLEBsdC+WocEvQePmJUAH8A+jp+VIvGI3RKNmEbUhGY=");

  private Keys() {}

  /** Some public key, the same for the same number. */
  public static PublicKey peer(int number) {
    byte[] bytes = new byte[PublicKey.BYTES];
    new Random(number).nextBytes(bytes);
    return PublicKey.of(bytes);
  }

  /** Some preshared key, the same for the same number. */
  public static PresharedKey preshared(int number) {
    byte[] bytes = new byte[PresharedKey.BYTES];
    new Random(~number).nextBytes(bytes);
    return PresharedKey.of(bytes);
  }
}
