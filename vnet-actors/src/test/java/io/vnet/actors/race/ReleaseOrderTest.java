package io.vnet.actors.race;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.sim.Scene;
import io.vnet.actors.sim.Stage;
import io.vnet.api.device.DestroyPolicy;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** At the end of a device: its name is unbound, then its unit is free, then that is told. */
class ReleaseOrderTest {
  private static final String FIRST = "first";
  private static final String SECOND = "second";

  private final Stage stage = new Stage();

  @AfterEach
  void end() {
    stage.close();
  }

  private static Role does(Scene scene, Cast cast, Deed deed, String lane) {
    Role role = new Role(scene, lane);
    role.step(() -> deed.start().accept(cast, role));
    scene.rest();
    return role;
  }

  @Test
  void the_close_of_a_destroyed_device_is_reported_when_its_unit_is_free() {
    boolean told =
        stage.play(
            "close and destroy, before the unit is free",
            scene -> {
              Cast cast = new Cast(scene).memory().open();
              scene.hold("grace-period");
              Role destroyer = does(scene, cast, Deeds.destroy(DestroyPolicy.FORCE), FIRST);
              Role closer = does(scene, cast, Deeds.close(), SECOND);
              scene.hold("driver-tun");
              scene.rest();
              assertThat(closer.answer()).as("before the unit is free").isEmpty();
              assertThat(destroyer.answer()).as("before the unit is free").isEmpty();
              scene.releaseAll();
              scene.rest();
              assertThat(destroyer.answer()).contains("gone");
              return closer.answer().equals(Optional.of("closed"));
            });
    assertThat(told).isTrue();
  }
}
