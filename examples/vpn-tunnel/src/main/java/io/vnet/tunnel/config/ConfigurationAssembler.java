package io.vnet.tunnel.config;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.tunnel.config.QuickSettings.Hook;
import io.vnet.tunnel.key.PresharedKey;
import io.vnet.tunnel.key.PrivateKey;
import io.vnet.tunnel.key.PublicKey;
import io.vnet.tunnel.settings.PeerChange.AllowedIpChange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Puts a configuration together from single values, wherever they come from, and remembers
 * everything that is wrong. One thread; good for one configuration.
 */
final class ConfigurationAssembler {
  private static final int PROBLEMS_MAX = 100;
  private static final int MTU_MIN = 576;
  private static final int MTU_MIN_V6 = 1280;
  private static final int MTU_MAX = 65503;

  private final String file;
  private final Function<PrivateKey, PublicKey> publicKeyOf;
  private final List<ConfigurationProblem> errors = new ArrayList<>();
  private final List<ConfigurationProblem> warnings = new ArrayList<>();
  private int moreErrors;

  private boolean privateKeyGiven;
  private @Nullable PrivateKey privateKey;
  private OptionalInt listenPort = OptionalInt.empty();
  private OptionalInt mark = OptionalInt.empty();

  private final List<IpPrefix> addresses = new ArrayList<>();
  private final List<IpAddress> dnsServers = new ArrayList<>();
  private final List<String> dnsSearch = new ArrayList<>();
  private OptionalInt mtu = OptionalInt.empty();
  private Place mtuPlace = new Place(0, "");
  private RouteTable table = new RouteTable.Auto();
  private boolean saveConfig;
  private final List<Hook> preUp = new ArrayList<>();
  private final List<Hook> postUp = new ArrayList<>();
  private final List<Hook> preDown = new ArrayList<>();
  private final List<Hook> postDown = new ArrayList<>();

  private final List<PeerDraft> peers = new ArrayList<>();

  /**
   * Where something stands.
   *
   * @param line from 1; 0 if unknown
   * @param label the key as it is written
   */
  record Place(int line, String label) {}

  /** A peer that may lack something. */
  private static final class PeerDraft {
    final int line;

    /** For messages: {@code line 7}. */
    final String name;

    boolean publicKeyGiven;
    @Nullable PublicKey publicKey;
    Place publicKeyPlace = new Place(0, "");
    Optional<PresharedKey> presharedKey = Optional.empty();
    Optional<EndpointName> endpoint = Optional.empty();
    OptionalInt persistentKeepalive = OptionalInt.empty();
    boolean incremental;
    final List<AllowedIpChange> allowedIps = new ArrayList<>();
    final List<Place> allowedIpPlaces = new ArrayList<>();

    PeerDraft(int line, String name) {
      this.line = line;
      this.name = name;
    }
  }

  /**
   * @param file for messages
   * @param publicKeyOf the public key of a private one that is not zero
   */
  ConfigurationAssembler(String file, Function<PrivateKey, PublicKey> publicKeyOf) {
    this.file = file;
    this.publicKeyOf = publicKeyOf;
  }

  /** Begins a peer, to which the values of peers belong from now on. */
  void beginPeer(int line, String name) {
    peers.add(new PeerDraft(line, name));
  }

  void error(Place place, String reason, Optional<String> value) {
    if (errors.size() == PROBLEMS_MAX) {
      moreErrors++;
    } else {
      errors.add(new ConfigurationProblem(file, place.line, place.label, reason, value));
    }
  }

  void warning(Place place, String reason, Optional<String> value) {
    if (warnings.size() < PROBLEMS_MAX) {
      warnings.add(new ConfigurationProblem(file, place.line, place.label, reason, value));
    }
  }

  /** Takes a value; one of a peer belongs to the peer that was begun last. */
  void set(Place place, Key key, String value) {
    try {
      if (value.isEmpty()) {
        throw new BadValueException("empty value");
      }
      take(place, key, value);
    } catch (BadValueException e) {
      error(
          place,
          e.reason(),
          key.mayBeSecret() || value.isEmpty() ? Optional.empty() : Optional.of(value));
    }
  }

  private void take(Place place, Key key, String value) throws BadValueException {
    switch (key) {
      case PRIVATE_KEY -> {
        privateKeyGiven = true;
        privateKey = Values.privateKey(value);
      }
      case LISTEN_PORT -> listenPort = OptionalInt.of(Values.listenPort(value));
      case FW_MARK -> mark = OptionalInt.of(Values.mark(value));
      case ADDRESS -> takeAddresses(place, value);
      case DNS -> takeDns(place, value);
      case MTU -> {
        mtu = OptionalInt.of(Values.mtu(value));
        mtuPlace = place;
      }
      case TABLE -> table = Values.table(value);
      case SAVE_CONFIG -> saveConfig = Values.bool(value);
      case PRE_UP -> preUp.add(new Hook(place.line, value));
      case POST_UP -> postUp.add(new Hook(place.line, value));
      case PRE_DOWN -> preDown.add(new Hook(place.line, value));
      case POST_DOWN -> postDown.add(new Hook(place.line, value));
      case PUBLIC_KEY -> {
        PeerDraft peer = peers.getLast();
        peer.publicKeyGiven = true;
        peer.publicKeyPlace = place;
        peer.publicKey = Values.publicKey(value);
      }
      case PRESHARED_KEY -> peers.getLast().presharedKey = Optional.of(Values.presharedKey(value));
      case ALLOWED_IPS -> takeAllowedIps(place, peers.getLast(), value);
      case ENDPOINT -> peers.getLast().endpoint = Optional.of(Values.endpoint(place.line, value));
      case PERSISTENT_KEEPALIVE ->
          peers.getLast().persistentKeepalive = OptionalInt.of(Values.persistentKeepalive(value));
    }
  }

  private void takeAddresses(Place place, String value) throws BadValueException {
    for (String word : Values.words(value)) {
      try {
        IpPrefix address = Values.prefix(word);
        if (addresses.contains(address)) {
          throw new BadValueException("duplicate address");
        }
        addresses.add(address);
      } catch (BadValueException e) {
        error(place, e.reason(), Optional.of(word));
      }
    }
  }

  /** Digits and dots, or a colon: a server; anything else: a domain to search. */
  private void takeDns(Place place, String value) throws BadValueException {
    for (String word : Values.words(value)) {
      try {
        if (word.indexOf(':') >= 0 || word.matches("[0-9.]+")) {
          dnsServers.add(Values.address(word));
        } else if (word.matches("[a-zA-Z0-9._~-]+")) {
          dnsSearch.add(word);
        } else {
          throw new BadValueException("neither an address nor a domain");
        }
      } catch (BadValueException e) {
        error(place, e.reason(), Optional.of(word));
      }
    }
  }

  private void takeAllowedIps(Place place, PeerDraft peer, String value) {
    for (String word : value.split(",", -1)) {
      String text = word.strip();
      try {
        boolean sign = text.startsWith("+") || text.startsWith("-");
        if (text.isEmpty()) {
          throw new BadValueException("empty item in the list");
        }
        IpPrefix given = Values.prefix(sign ? text.substring(1) : text);
        IpPrefix prefix = given.network();
        if (!prefix.equals(given)) {
          warning(place, "host bits set, used as " + prefix, Optional.of(text));
        }
        peer.incremental |= sign;
        peer.allowedIps.add(new AllowedIpChange(prefix, text.startsWith("-")));
        peer.allowedIpPlaces.add(place);
      } catch (BadValueException e) {
        error(place, e.reason(), text.isEmpty() ? Optional.of(value) : Optional.of(text));
      }
    }
  }

  /**
   * Checks what needs more than one value.
   *
   * @param section for what concerns the interface as a whole
   * @throws ConfigurationException with all errors
   */
  QuickConfiguration finish(Place section) {
    checkPrivateKey(section);
    checkMtu();
    List<PeerSettings> settings = checkedPeers();
    if (!errors.isEmpty()) {
      errors.sort(Comparator.comparingInt(ConfigurationProblem::line));
      if (moreErrors > 0) {
        errors.add(
            new ConfigurationProblem(
                file, 0, "", "and " + moreErrors + " errors more", Optional.empty()));
      }
      throw new ConfigurationException(errors);
    }
    warnings.sort(Comparator.comparingInt(ConfigurationProblem::line));
    return new QuickConfiguration(
        file,
        Optional.ofNullable(privateKey),
        listenPort,
        mark,
        new QuickSettings(
            addresses,
            dnsServers,
            dnsSearch,
            mtu,
            table,
            saveConfig,
            preUp,
            postUp,
            preDown,
            postDown),
        settings,
        warnings);
  }

  /** A hook may set it, from a safer place. */
  private void checkPrivateKey(Place section) {
    if (!privateKeyGiven) {
      if (preUp.isEmpty() && postUp.isEmpty()) {
        error(section, "no PrivateKey", Optional.empty());
      } else {
        warning(section, "no PrivateKey: a hook has to set it", Optional.empty());
      }
    }
  }

  private void checkMtu() {
    if (mtu.isEmpty()) {
      return;
    }
    int bytes = mtu.getAsInt();
    boolean v6 = addresses.stream().anyMatch(address -> address.address().v6());
    if (bytes < MTU_MIN) {
      error(mtuPlace, "below " + MTU_MIN, Optional.of("" + bytes));
    } else if (bytes < MTU_MIN_V6 && v6) {
      error(mtuPlace, "below " + MTU_MIN_V6 + " with IPv6 addresses", Optional.of("" + bytes));
    } else if (bytes > MTU_MAX) {
      error(mtuPlace, "above " + MTU_MAX, Optional.of("" + bytes));
    }
  }

  private List<PeerSettings> checkedPeers() {
    Optional<PublicKey> own = Optional.ofNullable(privateKey).map(publicKeyOf);
    Map<PublicKey, PeerDraft> byKey = new HashMap<>();
    Map<IpPrefix, PeerDraft> byPrefix = new HashMap<>();
    List<PeerSettings> settings = new ArrayList<>();
    for (PeerDraft peer : peers) {
      checkAllowedIps(peer, byPrefix);
      PublicKey key = peer.publicKey;
      if (!peer.publicKeyGiven) {
        error(
            new Place(peer.line, "PublicKey"),
            "[Peer] at " + peer.name + " has no PublicKey",
            Optional.empty());
      }
      if (key == null) {
        continue;
      }
      PeerDraft first = byKey.putIfAbsent(key, peer);
      if (first != null) {
        error(
            peer.publicKeyPlace,
            "duplicate peer, first at " + first.name,
            Optional.of(key.base64()));
      }
      if (own.isPresent() && own.get().equals(key)) {
        error(peer.publicKeyPlace, "peer is this interface itself", Optional.of(key.base64()));
      }
      settings.add(
          new PeerSettings(
              peer.line,
              key,
              peer.presharedKey,
              peer.endpoint,
              peer.persistentKeepalive,
              peer.incremental,
              peer.allowedIps));
    }
    return settings;
  }

  private void checkAllowedIps(PeerDraft peer, Map<IpPrefix, PeerDraft> byPrefix) {
    for (int i = 0; i < peer.allowedIps.size(); i++) {
      AllowedIpChange change = peer.allowedIps.get(i);
      if (!change.remove()) {
        PeerDraft first = byPrefix.putIfAbsent(change.prefix(), peer);
        if (first != null && first != peer) {
          error(
              peer.allowedIpPlaces.get(i),
              change.prefix() + " already belongs to the peer at " + first.name,
              Optional.empty());
        }
      }
    }
  }
}
