package io.vnet.api;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.time.Clock;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZonedDateTime;
import java.util.Date;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** What the module may depend on, and what no class of it does. */
class ArchitectureTest {
  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.vnet.api");

  private static final ArchRule ONLY_THE_JDK =
      classes()
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("io.vnet.api..", "java..", "org.jspecify.annotations..");

  private static final ArchRule NO_CONSOLE =
      noClasses()
          .should()
          .accessField(System.class, "out")
          .orShould()
          .accessField(System.class, "err")
          .orShould()
          .callMethod(Throwable.class, "printStackTrace");

  private static final ArchRule NO_WALL_CLOCK =
      noClasses()
          .should()
          .callMethod(System.class, "currentTimeMillis")
          .orShould()
          .callMethod(Instant.class, "now")
          .orShould()
          .callMethod(LocalDateTime.class, "now")
          .orShould()
          .callMethod(ZonedDateTime.class, "now")
          .orShould()
          .callConstructor(Date.class)
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(Clock.class);

  @Test
  void the_module_depends_on_the_jdk_and_jspecify_alone() {
    ONLY_THE_JDK.check(MAIN);
  }

  @Test
  void packages_depend_on_one_another_without_a_cycle() {
    slices().matching("io.vnet.api.(*)..").should().beFreeOfCycles().check(MAIN);
  }

  @Test
  void nothing_is_printed() {
    NO_CONSOLE.check(MAIN);
  }

  @Test
  void nobody_reads_the_wall_clock() {
    NO_WALL_CLOCK.check(MAIN);
  }

  @Test
  void the_rules_find_an_offender() {
    JavaClasses offender = new ClassFileImporter().importClasses(Offender.class);

    assertThatThrownBy(() -> ONLY_THE_JDK.check(offender)).hasMessageContaining("org.assertj");
    assertThatThrownBy(() -> NO_CONSOLE.check(offender)).hasMessageContaining("System.out");
    assertThatThrownBy(() -> NO_WALL_CLOCK.check(offender))
        .hasMessageContaining("currentTimeMillis");
  }

  @Test
  void each_package_is_null_marked() {
    Set<JavaPackage> packages =
        MAIN.stream().map(JavaClass::getPackage).collect(Collectors.toUnmodifiableSet());

    assertThat(packages)
        .extracting(JavaPackage::getName)
        .containsExactlyInAnyOrder(
            "io.vnet.api.address",
            "io.vnet.api.backend",
            "io.vnet.api.device",
            "io.vnet.api.epoch",
            "io.vnet.api.error",
            "io.vnet.api.header",
            "io.vnet.api.mtu",
            "io.vnet.api.offload",
            "io.vnet.api.packet",
            "io.vnet.api.port",
            "io.vnet.api.wire");
    assertThat(packages)
        .allSatisfy(
            each -> assertThat(each.isAnnotatedWith(NullMarked.class)).as(each.getName()).isTrue());
  }

  @SuppressWarnings("unused") // Imported as a class file, never called.
  private static final class Offender {
    static void offend() {
      assertThat(System.currentTimeMillis()).isPositive();
      System.out.println();
    }
  }
}
