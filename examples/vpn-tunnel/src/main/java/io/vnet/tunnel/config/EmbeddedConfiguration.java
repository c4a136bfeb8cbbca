package io.vnet.tunnel.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import io.vnet.tunnel.config.ConfigurationAssembler.Place;
import io.vnet.tunnel.config.Key.Section;
import io.vnet.tunnel.key.KeyPair;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A tunnel in an application's own settings (HOCON, as Akka has them), with the same values and the
 * same checks as a file; messages name the path.
 *
 * <pre>
 * vnet.tunnel {
 *   private-key-file = "/run/secrets/tunnel"   # or private-key
 *   listen-port = 51820
 *   peers = [{
 *     public-key = "ZLEBsdC+WocEvQePmJUAH8A+jp+VIvGI3RKNmEbUhGY="
 *     endpoint = "vpn.example:51820"
 *     allowed-ips = ["10.0.0.0/24", "fd00::/64"]
 *     persistent-keepalive = 25                # or off
 *   }]
 * }
 * </pre>
 *
 * <p>Keys are those of a file in lower case with hyphens; {@code private-key} and {@code
 * preshared-key} may have {@code -file} behind them. What an embedded tunnel has no use for
 * (addresses, routes, hooks) is unknown here.
 */
public final class EmbeddedConfiguration {
  private static final String FILE = "-file";
  private static final String PEERS = "peers";
  private static final List<Key> INTERFACE_KEYS =
      List.of(Key.PRIVATE_KEY, Key.LISTEN_PORT, Key.FW_MARK);
  private static final List<Key> PEER_KEYS =
      List.of(
          Key.PUBLIC_KEY,
          Key.PRESHARED_KEY,
          Key.ALLOWED_IPS,
          Key.ENDPOINT,
          Key.PERSISTENT_KEEPALIVE);

  /** No key's file is longer. */
  private static final int KEY_FILE_BYTES_MAX = 4096;

  private final ConfigurationAssembler assembler;

  private EmbeddedConfiguration(ConfigurationAssembler assembler) {
    this.assembler = assembler;
  }

  /**
   * Reads the settings at a path.
   *
   * @param config the application's
   * @param path for example {@code vnet.tunnel}
   * @throws ConfigurationException with everything that is wrong
   */
  public static QuickConfiguration read(Config config, String path) {
    ConfigurationAssembler assembler =
        new ConfigurationAssembler("configuration", key -> KeyPair.of(key).publicKey());
    ConfigObject root;
    try {
      root = config.getObject(path);
    } catch (ConfigException.Missing | ConfigException.WrongType e) {
      throw new ConfigurationException(
          List.of(
              new ConfigurationProblem(
                  "configuration", 0, path, "there is no such object", Optional.empty())));
    }
    new EmbeddedConfiguration(assembler).readInterface(root, path);
    return assembler.finish(new Place(0, path));
  }

  private void readInterface(ConfigObject root, String path) {
    for (Map.Entry<String, ConfigValue> entry : new TreeMap<>(root).entrySet()) {
      String label = path + "." + entry.getKey();
      if (!entry.getKey().equals(PEERS)) {
        readValue(INTERFACE_KEYS, Section.INTERFACE, label, entry.getKey(), entry.getValue());
      } else if (entry.getValue() instanceof ConfigList peers) {
        for (int i = 0; i < peers.size(); i++) {
          readPeer(peers.get(i), label + "[" + i + "]");
        }
      } else {
        assembler.error(new Place(0, label), "not a list", Optional.empty());
      }
    }
  }

  private void readPeer(ConfigValue value, String path) {
    if (value instanceof ConfigObject peer) {
      assembler.beginPeer(0, path);
      for (Map.Entry<String, ConfigValue> entry : new TreeMap<>(peer).entrySet()) {
        readValue(
            PEER_KEYS, Section.PEER, path + "." + entry.getKey(), entry.getKey(), entry.getValue());
      }
    } else {
      assembler.error(new Place(0, path), "not an object", Optional.empty());
    }
  }

  private void readValue(
      List<Key> keys, Section section, String label, String name, ConfigValue value) {
    Place place = new Place(0, label);
    for (Key key : keys) {
      if (key.path().equals(name)) {
        Optional<String> text = text(key, value);
        if (text.isPresent()) {
          assembler.set(place, key, text.get());
        } else if (!(key == Key.ALLOWED_IPS
            && value instanceof ConfigList list
            && list.isEmpty())) {
          assembler.error(place, "not a value of its kind", Optional.empty());
        }
        return;
      }
      if (key.isSecret() && (key.path() + FILE).equals(name)) {
        readKeyFile(place, key, value);
        return;
      }
    }
    assembler.error(place, "unknown key in " + section.text(), Optional.empty());
  }

  /** A scalar, or for lists of addresses one list. */
  private static Optional<String> text(Key key, ConfigValue value) {
    if (key == Key.ALLOWED_IPS && value instanceof ConfigList list) {
      List<String> items = new ArrayList<>();
      for (ConfigValue item : list) {
        if (item.valueType() != ConfigValueType.STRING) {
          return Optional.empty();
        }
        items.add(String.valueOf(item.unwrapped()));
      }
      return items.isEmpty()
          ? Optional.empty()
          : Optional.of(items.stream().collect(Collectors.joining(",")));
    }
    return switch (value.valueType()) {
      case STRING, NUMBER, BOOLEAN -> Optional.of(String.valueOf(value.unwrapped()));
      case LIST, OBJECT, NULL -> Optional.empty();
    };
  }

  private void readKeyFile(Place place, Key key, ConfigValue value) {
    String file = String.valueOf(value.unwrapped());
    try (var stream = Files.newInputStream(Path.of(file.replace('\0', '?')))) {
      byte[] bytes = stream.readNBytes(KEY_FILE_BYTES_MAX);
      assembler.set(place, key, new String(bytes, StandardCharsets.ISO_8859_1).strip());
    } catch (IOException e) {
      assembler.error(place, "cannot be read: " + e.getClass().getSimpleName(), Optional.of(file));
    }
  }
}
