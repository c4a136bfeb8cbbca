package io.vnet.io.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.reactivestreams.tck.SubscriberBlackboxVerification;
import org.testng.SkipException;
import org.testng.annotations.Test;

/**
 * The rules of the Reactive Streams TCK as tests of JUnit's: one a rule that is verified, and one
 * about the others, which are those that the TCK has no check for and those that are named, with a
 * reason.
 *
 * <p>The TCK is written for TestNG and says by a skip that it could not verify a rule. A skip that
 * nobody named is a failure here, and so is a check where the TCK had none, or a name of no rule;
 * no rule counts as passed that was not verified.
 */
public final class ReactiveStreamsTck {
  /** How the TCK calls what it has no check for. */
  private static final String UNTESTED = "untested_";

  private ReactiveStreamsTck() {}

  /**
   * The rules of a verification as tests.
   *
   * @param verification makes a fresh verification of the TCK's for each rule
   * @param inapplicable names of rules that cannot be verified for it, with the reason; not run
   */
  public static Stream<DynamicTest> rules(
      Supplier<?> verification, Map<String, String> inapplicable) {
    List<Method> rules =
        Arrays.stream(verification.get().getClass().getMethods())
            .filter(method -> method.isAnnotationPresent(Test.class))
            .sorted(Comparator.comparing(Method::getName))
            .toList();
    List<Method> unchecked = new ArrayList<>();
    Set<String> left = new TreeSet<>(inapplicable.keySet());
    List<DynamicTest> tests = new ArrayList<>();
    for (Method rule : rules) {
      String name = rule.getName();
      if (name.startsWith(UNTESTED)) {
        unchecked.add(rule);
      } else if (!left.remove(name)) {
        tests.add(
            DynamicTest.dynamicTest(
                name, () -> assertThat(skip(verification.get(), rule)).isEmpty()));
      }
    }
    tests.add(
        DynamicTest.dynamicTest(
            "not verified: " + unchecked.size() + " without a check, " + inapplicable.keySet(),
            () -> {
              assertThat(left).as("names of no rule").isEmpty();
              for (Method rule : unchecked) {
                assertThat(skip(verification.get(), rule)).as(rule.getName()).isPresent();
              }
            }));
    return tests.stream();
  }

  /** Runs a rule; why the TCK did not verify it, if so. */
  private static Optional<String> skip(Object verification, Method rule) throws Exception {
    if (verification instanceof SubscriberBlackboxVerification<?> subscriber) {
      subscriber.startPublisherExecutorService();
    }
    try {
      verification.getClass().getMethod("setUp").invoke(verification);
      rule.invoke(verification);
      return Optional.empty();
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof SkipException skipped) {
        return Optional.of(String.valueOf(skipped.getMessage()));
      }
      throw new AssertionError(rule.getName(), e.getCause());
    } finally {
      if (verification instanceof SubscriberBlackboxVerification<?> subscriber) {
        subscriber.shutdownPublisherExecutorService();
      }
    }
  }
}
