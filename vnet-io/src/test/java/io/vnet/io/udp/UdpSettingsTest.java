package io.vnet.io.udp;

import static io.vnet.io.testkit.RecordChanges.between;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.vnet.api.address.IpAddress;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Each change of the settings changes what it says, and nothing else. */
class UdpSettingsTest {
  private static final IpAddress ADDRESS = IpAddress.parse("10.0.0.1");
  private static final Path NAMESPACE = Path.of("/run/netns/blue");

  /** No component has the value that a test gives it, and few have the default. */
  private final UdpSettings settings =
      new UdpSettings(
          1,
          Optional.of(IpAddress.parse("10.0.0.2")),
          UdpSettings.Families.IPV6,
          2,
          3,
          4,
          true,
          true,
          true,
          true,
          5,
          8,
          Optional.of(Path.of("/run/netns/red")));

  @Test
  void each_wither_changes_its_own_components_only() {
    assertThat(between(settings, settings.withPort(9))).isEqualTo(Map.of("port", 9));
    assertThat(between(settings, settings.withAddress(ADDRESS)))
        .isEqualTo(Map.of("address", Optional.of(ADDRESS)));
    assertThat(between(settings, settings.withFamilies(UdpSettings.Families.IPV4)))
        .isEqualTo(Map.of("families", UdpSettings.Families.IPV4));
    assertThat(between(settings, settings.withMark(9))).isEqualTo(Map.of("mark", 9));
    assertThat(between(settings, settings.inNetworkNamespace(NAMESPACE)))
        .isEqualTo(Map.of("networkNamespace", Optional.of(NAMESPACE)));
    assertThat(between(settings, settings.withBuffers(9, 10)))
        .isEqualTo(Map.of("receiveBufferBytes", 9, "sendBufferBytes", 10));
    assertThat(between(settings, settings.withTrains(false, true)))
        .isEqualTo(Map.of("segmentation", false));
    assertThat(between(settings, settings.withTrains(true, false)))
        .isEqualTo(Map.of("coalescing", false));
    assertThat(between(settings, settings.withSticky(false))).isEqualTo(Map.of("sticky", false));
    assertThat(between(settings, settings.withEcn(false))).isEqualTo(Map.of("ecn", false));
    assertThat(between(settings, settings.withDatagramBytes(9)))
        .isEqualTo(Map.of("datagramBytes", 9));
    assertThat(between(settings, settings.withEndpoints(16))).isEqualTo(Map.of("endpoints", 16));
  }

  @Test
  void a_change_is_checked_as_the_whole_is() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> settings.withPort(65_536))
        .withMessage("port=65536, which is not between 0 and 65535");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> settings.withEndpoints(12))
        .withMessage("endpoints=12 is no power of two");
  }
}
