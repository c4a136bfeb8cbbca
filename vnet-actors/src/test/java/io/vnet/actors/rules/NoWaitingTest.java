package io.vnet.actors.rules;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.reflect.AccessFlag;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * No actor waits, and no lock is held over a call that could: looked for in the byte code of
 * vnet-actors and of the parts of vnet-api that have locks.
 */
class NoWaitingTest {
  /** What parks or blocks a thread, or asks an actor. */
  private static final Pattern WAITS =
      Pattern.compile(
          "java/util/concurrent/(Completable)?Future\\.(join|get)"
              + "|java/util/concurrent/CountDownLatch\\.await"
              + "|java/util/concurrent/(Semaphore|Phaser|CyclicBarrier)\\..*"
              + "|java/util/concurrent/locks/.*"
              + "|java/util/concurrent/(Linked|Array)BlockingQueue\\.(put|take)"
              + "|java/lang/Object\\.wait|java/lang/Thread\\.(join|sleep)"
              + "|scala/concurrent/Await.*"
              + "|akka/actor/typed/javadsl/(AskPattern.*|ActorContext\\.ask.*)");

  /** Places where a user's own thread waits, outside any section, actor and lock. */
  private static final Set<String> USERS_WAIT =
      Set.of(
          "io/vnet/actors/port/Answers.join",
          "io/vnet/actors/HostDevice.destroy",
          "io/vnet/actors/VnetHost.<init>",
          "io/vnet/actors/VnetHost.close",
          "io/vnet/actors/port/PortWaiter.await",
          "io/vnet/actors/port/PortWaiter.signal");

  /** Where the control thread has nothing to do, is woken, and is waited for in the end. */
  private static final Set<String> CONTROL_THREAD =
      Set.of(
          "io/vnet/actors/device/ControlThread.sleep",
          "io/vnet/actors/device/ControlThread.wake",
          "io/vnet/actors/device/ControlThread.shutdown",
          "io/vnet/actors/device/ControlThread.awaitTermination");

  /** What may be called with a monitor held: collections, and a pool's own small steps. */
  private static final Pattern UNDER_A_MONITOR =
      Pattern.compile(
          "java/util/(ArrayDeque|Queue|Arrays|Optional|Objects|List|ArrayList)\\..*"
              + "|java/lang/(Object|invoke/VarHandle|invoke/MethodHandles|String|StringBuilder)\\..*"
              + "|java/util/concurrent/atomic/.*"
              + "|io/vnet/api/epoch/EpochReader\\..*"
              + "|io/vnet/api/packet/(PacketBatch|Slab)\\.(lend|home|release)"
              + "|io/vnet/api/error/VnetException\\.<init>"
              // Nobody needs the network before it is started, once.
              + "|java/util/function/Supplier\\.get|io/vnet/api/backend/HostNetworkProvider\\.start");

  private record Found(String method, String called) {
    @Override
    public String toString() {
      return method + " calls " + called;
    }
  }

  /** The classes under a folder of the class path's element that has a certain class. */
  private static List<ClassModel> classes(Class<?> known, String folder) throws IOException {
    String file = known.getName().replace('.', '/') + ".class";
    String classPath = Objects.requireNonNull(System.getProperty("java.class.path"));
    for (String element : classPath.split(File.pathSeparator, -1)) {
      Path root = Path.of(element);
      if (Files.exists(root.resolve(file))) {
        return parse(root.resolve(folder));
      }
      if (element.endsWith(".jar")) {
        try (FileSystem jar = FileSystems.newFileSystem(root)) {
          if (Files.exists(jar.getPath(file))) {
            return parse(jar.getPath(folder));
          }
        }
      }
    }
    throw new IllegalStateException(file + " is not on the class path");
  }

  private static List<ClassModel> parse(Path folder) throws IOException {
    List<ClassModel> models = new ArrayList<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".class")).toList()) {
        models.add(ClassFile.of().parse(Files.readAllBytes(file)));
      }
    }
    return models;
  }

  private static String nameOf(ClassModel owner, MethodModel method) {
    String name = method.methodName().stringValue();
    // A lambda belongs to the method it stands in.
    return owner.thisClass().asInternalName()
        + "."
        + (name.startsWith("lambda$")
            ? name.substring("lambda$".length(), name.lastIndexOf('$'))
            : name);
  }

  private static Set<Found> calls(List<ClassModel> classes, Pattern pattern) {
    Set<Found> found = new HashSet<>();
    for (ClassModel owner : classes) {
      for (MethodModel method : owner.methods()) {
        method
            .code()
            .ifPresent(code ->
                code.forEach(element -> {
                  if (element instanceof InvokeInstruction call
                      && pattern.matcher(called(call)).matches()) {
                    found.add(new Found(nameOf(owner, method), called(call)));
                  }
                }));
      }
    }
    return found;
  }

  private static String called(InvokeInstruction call) {
    return call.owner().asInternalName() + "." + call.name().stringValue();
  }

  private static Set<Found> callsUnderMonitors(List<ClassModel> classes) {
    Set<Found> found = new HashSet<>();
    for (ClassModel owner : classes) {
      for (MethodModel method : owner.methods()) {
        boolean whole = method.flags().has(AccessFlag.SYNCHRONIZED);
        if (method.code().isEmpty()) {
          continue;
        }
        int depth = whole ? 1 : 0;
        for (CodeElement element : method.code().get()) {
          if (element instanceof MonitorInstruction monitor) {
            // The exit of the exception path follows that of the normal one.
            depth = Math.max(0, depth + (monitor.opcode() == Opcode.MONITORENTER ? 1 : -1));
          } else if (depth > 0 && element instanceof InvokeInstruction call) {
            found.add(new Found(nameOf(owner, method), called(call)));
          }
        }
      }
    }
    return found;
  }

  @Test
  void nobody_waits_but_users_in_the_facade_and_a_thread_without_work() throws Exception {
    Set<Found> waiting = calls(classes(io.vnet.actors.VnetHost.class, "io/vnet/actors"), WAITS);
    Set<String> methods = new TreeSet<>(waiting.stream().map(Found::method).toList());

    Set<String> allowed = new TreeSet<>(USERS_WAIT);
    allowed.addAll(CONTROL_THREAD);
    assertThat(methods).as("%s", waiting).isEqualTo(allowed);
  }

  @Test
  void a_lock_is_held_over_a_few_instructions_only() throws Exception {
    List<ClassModel> classes = classes(io.vnet.actors.VnetHost.class, "io/vnet/actors");
    classes.addAll(classes(io.vnet.api.epoch.Epoch.class, "io/vnet/api"));
    Set<Found> held = callsUnderMonitors(classes);

    assertThat(held).as("monitors in use").isNotEmpty();
    assertThat(held)
        .allSatisfy(found -> assertThat(found.called()).as("%s", found).matches(UNDER_A_MONITOR));
  }

  @Test
  void the_scan_sees_what_it_looks_for() throws Exception {
    List<ClassModel> own = classes(NoWaitingTest.class, "io/vnet/actors/rules");

    assertThat(calls(own, WAITS))
        .contains(
            new Found(
                "io/vnet/actors/rules/NoWaitingTest$Culprit.waitUnderLock",
                "java/util/concurrent/CompletableFuture.join"));
    assertThat(callsUnderMonitors(own))
        .contains(
            new Found(
                "io/vnet/actors/rules/NoWaitingTest$Culprit.waitUnderLock",
                "java/util/concurrent/CompletableFuture.join"));
  }

  /** Does what the rules forbid. */
  static final class Culprit {
    private final Object lock = new Object();

    String waitUnderLock(java.util.concurrent.CompletableFuture<String> answer) {
      synchronized (lock) {
        return answer.join();
      }
    }
  }
}
