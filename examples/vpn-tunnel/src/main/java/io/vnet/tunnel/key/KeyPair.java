package io.vnet.tunnel.key;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.SecureRandom;
import java.security.spec.NamedParameterSpec;
import java.security.spec.XECPrivateKeySpec;
import java.security.spec.XECPublicKeySpec;
import javax.crypto.KeyAgreement;

/**
 * A private key and its public key. Immutable. Computed by the JDK: keys of people are few, and the
 * rooms that need many have {@code Crypto}.
 *
 * @param privateKey not zero
 * @param publicKey the private key's
 */
public record KeyPair(PrivateKey privateKey, PublicKey publicKey) {
  private static final BigInteger BASE_POINT = BigInteger.valueOf(9);
  private static final SecureRandom RANDOM = new SecureRandom();

  /** A new one, of the system's secure random generator. */
  public static KeyPair generate() {
    byte[] bytes = new byte[PrivateKey.BYTES];
    RANDOM.nextBytes(bytes);
    return of(PrivateKey.of(bytes));
  }

  /**
   * That of a private key.
   *
   * @throws IllegalArgumentException if it is zero, which stands for none
   */
  public static KeyPair of(PrivateKey privateKey) {
    if (privateKey.isZero()) {
      throw new IllegalArgumentException("no private key has no public key");
    }
    try {
      KeyFactory keys = KeyFactory.getInstance("X25519");
      KeyAgreement agreement = KeyAgreement.getInstance("X25519");
      agreement.init(
          keys.generatePrivate(
              new XECPrivateKeySpec(NamedParameterSpec.X25519, privateKey.bytes())));
      agreement.doPhase(
          keys.generatePublic(new XECPublicKeySpec(NamedParameterSpec.X25519, BASE_POINT)), true);
      return new KeyPair(privateKey, PublicKey.of(agreement.generateSecret()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK has X25519", e);
    }
  }
}
