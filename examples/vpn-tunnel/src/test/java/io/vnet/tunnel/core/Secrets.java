package io.vnet.tunnel.core;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Looks into objects of the handshake for what must not stay in memory. */
public final class Secrets {
  private Secrets() {}

  /** The secret arrays of what a work came to. */
  public static List<byte[]> of(HandshakeResult result) {
    return switch (result) {
      case HandshakeWorks.CookieReply _ -> List.of();
      case HandshakeWorks.InitiationConsumed consumed -> of(consumed.consumed());
      case HandshakeWorks.ResponseMade made -> of(Objects.requireNonNull(made.response()).keys());
      case HandshakeWorks.InitiationMade made ->
          of(Objects.requireNonNull(made.initiation()).secrets());
      case HandshakeWorks.HandshakeFinished finished -> of(finished.keys());
      case HandshakeWorks.CookieWon won -> List.of(won.cookie());
    };
  }

  /** The secret arrays of a handshake's state: chaining key, hash and private or remote keys. */
  static List<byte[]> of(Object handshake) {
    List<byte[]> secrets = new ArrayList<>();
    collect(handshake, secrets);
    return secrets;
  }

  private static void collect(Object object, List<byte[]> secrets) {
    for (Field field : object.getClass().getDeclaredFields()) {
      String name = field.getName();
      if (name.equals("message") || name.equals("timestamp") || name.equals("crypto")) {
        continue;
      }
      Object value = value(object, field);
      if (value instanceof byte[] bytes && !Modifier.isStatic(field.getModifiers())) {
        secrets.add(bytes);
      } else if (value != null && value.getClass().getSimpleName().equals("SymmetricState")) {
        collect(value, secrets);
      }
    }
  }

  private static @Nullable Object value(Object object, Field field) {
    try {
      field.setAccessible(true);
      return field.get(object);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }

  public static boolean isNotZero(byte[] bytes) {
    int bits = 0;
    for (byte part : bytes) {
      bits |= part;
    }
    return bits != 0;
  }
}
