package io.vnet.actors.race;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.race.Races.Order;
import io.vnet.actors.race.Races.Race;
import io.vnet.actors.sim.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each pair of deeds in both orders, with each of them stopped in its middle, and in seeded orders
 * ({@code -Dvnet.race.seeds=N} for more). Whatever the order: one teardown, in its order; every
 * answer given, once; no packet lost without a reason or given twice; nothing left of the host.
 */
class RaceMatrixTest {
  private static final int SEEDS = Integer.getInteger("vnet.race.seeds", 300);
  private static final Path DOCUMENT = Path.of("..", "docs", "races.md");
  private static final Stage STAGE = new Stage();

  @AfterAll
  static void end() {
    STAGE.close();
  }

  static Stream<Arguments> cases() {
    return Races.all().stream()
        .flatMap(race ->
            race.orders().stream()
                .map(order -> Arguments.of(race.name(), race.orderText(order), race, order)));
  }

  static Stream<Arguments> races() {
    return Races.all().stream().map(race -> Arguments.of(race.name(), race));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("cases")
  void each_order_gives_its_answers(String name, String text, Race race, Order order) {
    String answers = STAGE.play(name + ": " + text, scene -> new Play(scene, race).inOrder(order));
    assertThat(answers).isEqualTo(race.expected(order));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("races")
  void no_other_order_gives_other_answers(String name, Race race) {
    for (long seed = 0; seed < SEEDS; seed++) {
      long own = seed;
      String title = name + ", seed " + seed;
      String answers = STAGE.play(title, scene -> new Play(scene, race).shuffled(own));
      assertThat(race.allowed()).as(title).contains(answers);
    }
  }

  @Test
  void every_pair_of_the_specification_is_there_in_every_order() {
    Set<String> pairs = new LinkedHashSet<>();
    Races.all()
        .forEach(race -> {
          pairs.add(race.pair());
          assertThat(race.expected()).as(race.name()).hasSameSizeAs(race.orders());
        });
    assertThat(List.copyOf(pairs)).isEqualTo(Races.NAMED);
  }

  @Test
  void the_document_says_what_is_expected() throws IOException {
    String expected = RaceDocument.text();
    if (Boolean.getBoolean("vnet.docs.write")) {
      Files.writeString(DOCUMENT, expected);
    }
    assertThat(Files.readString(DOCUMENT))
        .as(
            "docs/races.md is old: mvn test -pl vnet-actors -am -Dvnet.docs.write=true"
                + " -Dtest=RaceMatrixTest -Dsurefire.failIfNoSpecifiedTests=false")
        .isEqualTo(expected);
  }
}
