package io.vnet.actors;

import static com.tngtech.archunit.core.domain.JavaModifier.SYNCHRONIZED;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.foreign.Linker;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The arrows between packages, and what may not be said in an actor. */
class ArchitectureTest {
  private static final String CORE = "io.vnet.actors.core..";
  private static final String DEVICE = "io.vnet.actors.device..";
  private static final String LANE = "io.vnet.actors.device.BlockingLane";
  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_JARS)
          .importPackages("io.vnet.actors");
  private static final Set<String> WAITING =
      Set.of(
          "java.util.concurrent.CompletableFuture.join",
          "java.util.concurrent.CompletableFuture.get",
          "java.util.concurrent.Future.get",
          "java.util.concurrent.CountDownLatch.await",
          "java.util.concurrent.Semaphore.acquire",
          "java.util.concurrent.BlockingQueue.take",
          "java.util.concurrent.BlockingQueue.put",
          "java.util.concurrent.locks.Lock.lock",
          "java.util.concurrent.locks.ReentrantLock.lock",
          "java.util.concurrent.locks.LockSupport.park",
          "java.util.concurrent.locks.LockSupport.parkNanos",
          "java.lang.Object.wait",
          "java.lang.Thread.join",
          "java.lang.Thread.sleep",
          "akka.actor.typed.javadsl.AskPattern.ask",
          "akka.actor.typed.javadsl.ActorContext.ask",
          "akka.pattern.Patterns.ask");

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
  void no_actor_waits() {
    noClasses()
        .that()
        .resideInAPackage(DEVICE)
        .should()
        .callMethodWhere(
            DescribedPredicate.describe(
                "the call waits",
                (JavaMethodCall call) ->
                    WAITING.contains(call.getTargetOwner().getFullName() + "." + call.getName())))
        .check(MAIN);
  }

  @Test
  void no_actor_holds_a_monitor() throws IOException {
    noMethods()
        .that()
        .areDeclaredInClassesThat()
        .resideInAPackage(DEVICE)
        .should()
        .haveModifier(SYNCHRONIZED)
        .check(MAIN);
    Set<String> holders = new TreeSet<>();
    for (JavaClass type : MAIN) {
      if (type.getPackageName().equals("io.vnet.actors.device") && holdsMonitor(type)) {
        holders.add(type.getFullName());
      }
    }
    assertThat(holders).containsExactly(LANE);
  }

  private static boolean holdsMonitor(JavaClass type) throws IOException {
    try (InputStream bytes = type.getSource().orElseThrow().getUri().toURL().openStream()) {
      ClassModel model = ClassFile.of().parse(bytes.readAllBytes());
      return model.methods().stream()
          .map(MethodModel::code)
          .flatMap(code -> code.stream())
          .flatMap(code -> code.elementStream())
          .anyMatch(MonitorInstruction.class::isInstance);
    }
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
