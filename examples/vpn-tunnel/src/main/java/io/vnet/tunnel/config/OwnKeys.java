package io.vnet.tunnel.config;

import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.spec.NamedParameterSpec;
import java.security.spec.XECPrivateKeySpec;
import java.security.spec.XECPublicKeySpec;
import java.util.Arrays;
import javax.crypto.KeyAgreement;

/** Public keys of private ones, by the JDK: a file may be checked without a tunnel. */
final class OwnKeys {
  private static final BigInteger BASE_POINT = BigInteger.valueOf(9);

  private OwnKeys() {}

  static PublicKey publicKey(PrivateKey key) {
    byte[] scalar = key.bytes();
    try {
      KeyFactory keys = KeyFactory.getInstance("X25519");
      KeyAgreement agreement = KeyAgreement.getInstance("X25519");
      agreement.init(
          keys.generatePrivate(new XECPrivateKeySpec(NamedParameterSpec.X25519, scalar)));
      agreement.doPhase(
          keys.generatePublic(new XECPublicKeySpec(NamedParameterSpec.X25519, BASE_POINT)), true);
      return PublicKey.of(agreement.generateSecret());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JDK since 11 has X25519", e);
    } finally {
      Arrays.fill(scalar, (byte) 0);
    }
  }
}
