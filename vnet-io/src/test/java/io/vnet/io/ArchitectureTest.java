package io.vnet.io;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The arrows between this module, its libraries and its packages. */
class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .withImportOption(location -> !location.contains("-tests.jar"))
          .importPackages("io.vnet.io");

  @Test
  void the_module_needs_vnet_api_netty_slf4j_and_the_jdk_only() {
    classes()
        .should()
        .onlyDependOnClassesThat(
            resideInAPackage("io.vnet.io..")
                .or(resideInAPackage("io.vnet.api.."))
                .or(resideInAPackage("io.netty.."))
                .or(resideInAPackage("org.slf4j.."))
                .or(resideInAPackage("org.jspecify.."))
                .or(resideInAPackage("java.."))
                .or(nameMatching("\\[*[BCDFIJSZ]|boolean|byte|char|short|int|long|void")))
        .check(CLASSES);
  }

  @Test
  void only_the_c_library_makes_downcalls() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.vnet.io.libc")
        .should()
        .dependOnClassesThat()
        .haveFullyQualifiedName("java.lang.foreign.Linker")
        .check(CLASSES);
    assertThat(CLASSES.get("io.vnet.io.libc.NativeLibc$Calls").getDirectDependenciesFromSelf())
        .anyMatch(arrow -> arrow.getTargetClass().getName().equals("java.lang.foreign.Linker"));
  }

  @Test
  void only_the_loop_and_the_channel_know_netty() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.vnet.io.loop", "io.vnet.io.netty")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.netty..")
        .check(CLASSES);
  }

  @Test
  void nobody_needs_the_channel() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.vnet.io.netty")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.vnet.io.netty")
        .check(CLASSES);
  }

  @Test
  void the_arrows_between_packages_make_no_circle() {
    slices().matching("io.vnet.io.(*)..").should().beFreeOfCycles().check(CLASSES);
  }

  @Test
  void every_package_is_null_marked() {
    Set<String> packages =
        CLASSES.stream()
            .map(JavaClass::getPackageName)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(packages)
        .contains(
            "io.vnet.io.host",
            "io.vnet.io.libc",
            "io.vnet.io.loop",
            "io.vnet.io.netlink",
            "io.vnet.io.netty",
            "io.vnet.io.tun",
            "io.vnet.io.udp")
        .allSatisfy(name ->
            assertThat(CLASSES.get(name + ".package-info").isAnnotatedWith(NullMarked.class))
                .as(name)
                .isTrue());
  }
}
