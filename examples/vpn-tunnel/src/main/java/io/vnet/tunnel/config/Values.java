package io.vnet.tunnel.config;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

/** The text of single values. No reason repeats a secret. */
final class Values {
  private static final int U16_MAX = 65535;
  private static final long U32_MAX = 0xFFFF_FFFFL;
  private static final int HOST_CHARS_MAX = 253;

  private Values() {}

  static PrivateKey privateKey(String text) throws BadValueException {
    PrivateKey key = key(text, PrivateKey::fromBase64);
    if (key.isZero()) {
      throw new BadValueException("all-zero private key");
    }
    return key;
  }

  static PublicKey publicKey(String text) throws BadValueException {
    PublicKey key = key(text, PublicKey::fromBase64);
    if (key.isZero()) {
      throw new BadValueException("all-zero public key");
    }
    return key;
  }

  static PresharedKey presharedKey(String text) throws BadValueException {
    return key(text, PresharedKey::fromBase64);
  }

  private static <T> T key(String text, Function<String, T> parse) throws BadValueException {
    try {
      return parse.apply(text);
    } catch (IllegalArgumentException e) {
      // It says the length of what is no key, and nothing of its text.
      throw new BadValueException(String.valueOf(e.getMessage()));
    }
  }

  static int listenPort(String text) throws BadValueException {
    return (int) decimal(text, 0, U16_MAX, "not a port: 0–65535");
  }

  static int persistentKeepalive(String text) throws BadValueException {
    return text.equalsIgnoreCase("off")
        ? 0
        : (int) decimal(text, 0, U16_MAX, "neither off nor 0–65535");
  }

  static int mark(String text) throws BadValueException {
    return text.equalsIgnoreCase("off")
        ? 0
        : (int)
            decimalOrHexadecimal(
                text, 0, "neither off nor a number of 32 bits, decimal or hexadecimal after 0x");
  }

  /** Any number; what it must be at least depends on other keys. */
  static int mtu(String text) throws BadValueException {
    return (int) decimal(text, 0, Integer.MAX_VALUE, "not a number");
  }

  static RouteTable table(String text) throws BadValueException {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "auto" -> new RouteTable.Auto();
      case "off" -> new RouteTable.Off();
      default -> {
        if (text.matches("[0-9].*")) {
          yield new RouteTable.Numbered(
              (int) decimalOrHexadecimal(text, 1, "neither auto, off, a number nor a name"));
        }
        if (!text.matches("[a-zA-Z_][a-zA-Z0-9_.-]*")) {
          throw new BadValueException("neither auto, off, a number nor a name");
        }
        yield new RouteTable.Named(text);
      }
    };
  }

  static boolean bool(String text) throws BadValueException {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new BadValueException("neither true nor false");
    };
  }

  static IpAddress address(String text) throws BadValueException {
    try {
      return IpAddress.parse(text);
    } catch (IllegalArgumentException e) {
      throw new BadValueException(String.valueOf(e.getMessage()));
    }
  }

  /** With or without a length. */
  static IpPrefix prefix(String text) throws BadValueException {
    int slash = text.indexOf('/');
    IpAddress address = address(slash < 0 ? text : text.substring(0, slash));
    if (slash < 0) {
      return new IpPrefix(address, address.bits());
    }
    String digits = text.substring(slash + 1);
    long length = decimal(digits, 0, U32_MAX, "'" + digits + "' is not a prefix length");
    if (length > address.bits()) {
      throw new BadValueException("prefix length " + length + " is beyond " + address.bits());
    }
    return new IpPrefix(address, (int) length);
  }

  static EndpointName endpoint(int line, String text) throws BadValueException {
    int hostEnd;
    int colon;
    if (text.startsWith("[")) {
      hostEnd = text.indexOf(']');
      if (hostEnd < 0) {
        throw new BadValueException("missing \"]\"");
      }
      colon = hostEnd + 1;
      if (colon < text.length() && text.charAt(colon) != ':') {
        throw new BadValueException("no \":\" behind \"]\"");
      }
    } else {
      hostEnd = text.lastIndexOf(':');
      colon = hostEnd;
    }
    if (colon < 0 || colon + 1 >= text.length()) {
      throw new BadValueException("no port");
    }
    String host = text.substring(text.startsWith("[") ? 1 : 0, hostEnd);
    checkHost(host, text.startsWith("["));
    String port = text.substring(colon + 1);
    return new EndpointName(
        line, host, (int) decimal(port, 0, U16_MAX, "'" + port + "' is not a port: 0–65535"));
  }

  private static void checkHost(String host, boolean bracketed) throws BadValueException {
    if (host.isEmpty()) {
      throw new BadValueException("no host");
    }
    if (host.indexOf(':') >= 0) {
      int zone = host.indexOf('%');
      address(zone < 0 ? host : host.substring(0, zone));
      if (zone == host.length() - 1) {
        throw new BadValueException("no interface behind \"%\"");
      }
    } else if (bracketed) {
      throw new BadValueException("only an IPv6 address stands in brackets");
    } else if (host.matches("[0-9.]+")) {
      // Not left to a resolver: it would read 10.1 as 10.0.0.1.
      address(host);
    } else if (host.length() > HOST_CHARS_MAX || !host.matches("[a-zA-Z0-9._-]+")) {
      throw new BadValueException("not a host name");
    }
  }

  /** What stands between commas or white space. */
  static List<String> words(String text) throws BadValueException {
    List<String> words = new ArrayList<>();
    for (String word : text.split("[,\\s]+", -1)) {
      if (!word.isEmpty()) {
        words.add(word);
      }
    }
    if (words.isEmpty()) {
      throw new BadValueException("empty list");
    }
    return words;
  }

  private static long decimalOrHexadecimal(String text, long min, String reason)
      throws BadValueException {
    if (!text.startsWith("0x") && !text.startsWith("0X")) {
      return decimal(text, min, U32_MAX, reason);
    }
    String digits = text.substring(2);
    if (digits.isEmpty()
        || digits.length() > 8
        || !digits.chars().allMatch(c -> c < 128 && Character.digit(c, 16) >= 0)) {
      throw new BadValueException(reason);
    }
    long value = Long.parseLong(digits, 16);
    if (value < min) {
      throw new BadValueException(reason);
    }
    return value;
  }

  private static long decimal(String digits, long min, long max, String reason)
      throws BadValueException {
    boolean number =
        !digits.isEmpty()
            && digits.length() <= 10
            && digits.chars().allMatch(c -> c >= '0' && c <= '9');
    long value = number ? Long.parseLong(digits) : -1;
    if (value < min || value > max) {
      throw new BadValueException(reason);
    }
    return value;
  }
}
