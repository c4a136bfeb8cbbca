package io.vnet.actors.core.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.actors.core.SoftcEffect;
import io.vnet.actors.core.SoftcEvent;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** {@code docs/lifecycle.md} says what the code does. */
class LifecycleDocumentTest {
  private static final String BEGIN = "<!-- generated from SoftcCore.step: begin -->\n";
  private static final String END = "<!-- generated from SoftcCore.step: end -->\n";

  private final LifecycleDocument document = new LifecycleDocument();

  @Test
  void the_generated_part_is_what_the_code_does() throws IOException {
    Path file = Path.of("..", "docs", "lifecycle.md");
    String text = Files.readString(file);
    int begin = text.indexOf(BEGIN) + BEGIN.length();
    int end = text.indexOf(END);
    assertThat(begin).as("the mark of the beginning").isGreaterThanOrEqualTo(BEGIN.length());
    assertThat(end).as("the mark of the end").isGreaterThanOrEqualTo(begin);
    String expected = "\n" + document.generated() + "\n";
    if (Boolean.getBoolean("vnet.docs.write")) {
      Files.writeString(file, text.substring(0, begin) + expected + text.substring(end));
      text = Files.readString(file);
      end = text.indexOf(END);
    }
    assertThat(text.substring(begin, end))
        .as(
            "docs/lifecycle.md is old: mvn test -pl vnet-actors -am -Dvnet.docs.write=true"
                + " -Dtest=LifecycleDocumentTest -Dsurefire.failIfNoSpecifiedTests=false")
        .isEqualTo(expected);
  }

  @Test
  void every_place_event_and_effect_is_in_it() {
    String table = document.table();
    assertThat(LifecycleDocument.Place.values())
        .allSatisfy(place -> assertThat(table).contains("| " + place + " | "));
    assertThat(names(SoftcEvent.class))
        .allSatisfy(event -> assertThat(table).contains("| " + event));
    assertThat(names(SoftcEffect.class)).allSatisfy(effect -> assertThat(table).contains(effect));
  }

  private static List<String> names(Class<?> sealedType) {
    return Arrays.stream(Objects.requireNonNull(sealedType.getPermittedSubclasses()))
        .map(Class::getSimpleName)
        .toList();
  }
}
