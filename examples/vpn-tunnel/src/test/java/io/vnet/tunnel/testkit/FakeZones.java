package io.vnet.tunnel.testkit;

import io.vnet.tunnel.settings.ZoneNames;
import java.util.Optional;
import java.util.OptionalInt;

/** Two interfaces: {@code veth3}, number 3, and {@code veth7}, number 7. */
public final class FakeZones implements ZoneNames {
  @Override
  public OptionalInt index(String name) {
    return switch (name) {
      case "veth3" -> OptionalInt.of(3);
      case "veth7" -> OptionalInt.of(7);
      default -> OptionalInt.empty();
    };
  }

  @Override
  public Optional<String> name(int index) {
    return index == 3 || index == 7 ? Optional.of("veth" + index) : Optional.empty();
  }
}
