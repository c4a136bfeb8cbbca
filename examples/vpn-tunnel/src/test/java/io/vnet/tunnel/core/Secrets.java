package io.vnet.tunnel.core;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Looks into objects of the handshake for what must not stay in memory. */
final class Secrets {
  private Secrets() {}

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

  static boolean isNotZero(byte[] bytes) {
    int bits = 0;
    for (byte part : bytes) {
      bits |= part;
    }
    return bits != 0;
  }
}
