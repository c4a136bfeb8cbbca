package io.vnet.tunnel.config;

import java.util.Locale;
import java.util.Optional;

/** The keys of a configuration, and how their values are read from a line. */
enum Key {
  PRIVATE_KEY("PrivateKey", Section.INTERFACE, Reading.DENSE),
  LISTEN_PORT("ListenPort", Section.INTERFACE, Reading.DENSE),
  FW_MARK("FwMark", Section.INTERFACE, Reading.DENSE),
  ADDRESS("Address", Section.INTERFACE, Reading.TRIMMED),
  DNS("DNS", Section.INTERFACE, Reading.TRIMMED),
  MTU("MTU", Section.INTERFACE, Reading.TRIMMED),
  TABLE("Table", Section.INTERFACE, Reading.TRIMMED),
  PRE_UP("PreUp", Section.INTERFACE, Reading.WHOLE),
  POST_UP("PostUp", Section.INTERFACE, Reading.WHOLE),
  PRE_DOWN("PreDown", Section.INTERFACE, Reading.WHOLE),
  POST_DOWN("PostDown", Section.INTERFACE, Reading.WHOLE),
  SAVE_CONFIG("SaveConfig", Section.INTERFACE, Reading.TRIMMED),
  PUBLIC_KEY("PublicKey", Section.PEER, Reading.DENSE),
  PRESHARED_KEY("PresharedKey", Section.PEER, Reading.DENSE),
  ALLOWED_IPS("AllowedIPs", Section.PEER, Reading.DENSE),
  ENDPOINT("Endpoint", Section.PEER, Reading.DENSE),
  PERSISTENT_KEEPALIVE("PersistentKeepalive", Section.PEER, Reading.DENSE);

  enum Section {
    INTERFACE("[Interface]"),
    PEER("[Peer]");

    private final String text;

    Section(String text) {
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  /** What of a line is the value. */
  enum Reading {
    /** Up to a comment and without any white space: the keys that wg reads. */
    DENSE,
    /** Up to a comment, with its inner white space: the keys that wg-quick takes out. */
    TRIMMED,
    /** To the end of the line: commands, in which a number sign is no comment. */
    WHOLE
  }

  private final String text;
  private final Section section;
  private final Reading reading;

  Key(String text, Section section, Reading reading) {
    this.text = text;
    this.section = section;
    this.reading = reading;
  }

  /** The key of a section by its name in any case. */
  static Optional<Key> find(Section section, String name) {
    for (Key key : values()) {
      if (key.section == section && key.text.equalsIgnoreCase(name)) {
        return Optional.of(key);
      }
    }
    return Optional.empty();
  }

  /** As it stands in files. */
  String text() {
    return text;
  }

  /** As it stands in an application's settings: {@code allowed-ips}. */
  String path() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  Reading reading() {
    return reading;
  }

  boolean isSecret() {
    return this == PRIVATE_KEY || this == PRESHARED_KEY;
  }

  /** Whether a value that is none could be a secret that somebody mistook for something else. */
  boolean mayBeSecret() {
    return isSecret() || this == PUBLIC_KEY;
  }
}
