package io.vnet.actors;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.foreign.Linker;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The arrows between packages. */
class ArchitectureTest {
  private static final String CORE = "io.vnet.actors.core..";
  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_JARS)
          .importPackages("io.vnet.actors");

  @Test
  void the_module_depends_on_the_api_akka_and_the_jdk_only() {
    assertThat(MAIN).hasSizeGreaterThan(50);
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "io.vnet.actors..",
            "io.vnet.api..",
            "akka..",
            "scala..",
            "com.typesafe.config..",
            "org.slf4j..",
            "org.jspecify..",
            "java..")
        .check(MAIN);
    noClasses().should().dependOnClassesThat().areAssignableTo(Linker.class).check(MAIN);
  }

  @Test
  void the_rules_know_neither_akka_nor_another_package_of_the_module() {
    classes()
        .that()
        .resideInAPackage(CORE)
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(CORE, "io.vnet.api..", "org.jspecify..", "java..")
        .check(MAIN);
  }

  @Test
  void ports_and_in_memory_devices_know_no_akka() {
    noClasses()
        .that()
        .resideInAnyPackage("io.vnet.actors.port..", "io.vnet.actors.memory..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("akka..", "scala..")
        .check(MAIN);
  }

  @Test
  void the_arrows_between_packages_form_no_cycle() {
    slices().matching("io.vnet.actors.(*)..").should().beFreeOfCycles().check(MAIN);
    noClasses()
        .that()
        .resideInAPackage("io.vnet.actors.*..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.vnet.actors")
        .check(MAIN);
  }

  @Test
  void each_package_is_null_marked() throws ClassNotFoundException {
    Set<String> packages =
        MAIN.stream().map(JavaClass::getPackageName).collect(Collectors.toCollection(TreeSet::new));
    assertThat(packages).hasSize(6).contains("io.vnet.actors", "io.vnet.actors.core");
    for (String name : packages) {
      assertThat(Class.forName(name + ".package-info").isAnnotationPresent(NullMarked.class))
          .as(name)
          .isTrue();
    }
  }
}
