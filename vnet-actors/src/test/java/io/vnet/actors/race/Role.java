package io.vnet.actors.race;

import io.vnet.actors.sim.Scene;
import io.vnet.api.error.VnetException;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One of the two sides of a race: its lane, and its answer, which may still be owed. */
final class Role {
  private final Scene scene;
  private final String lane;
  private @Nullable String answer;
  private boolean waitedForOther;
  private boolean waitedForHolder;
  private Supplier<Optional<String>> later = Optional::empty;

  Role(Scene scene, String lane) {
    this.scene = scene;
    this.lane = lane;
  }

  String lane() {
    return lane;
  }

  /** A later step of this side. */
  void step(Runnable step) {
    scene.submit(lane, step);
  }

  void answer(String text) {
    if (answer != null) {
      throw new AssertionError(lane + " was answered " + answer + ", and then " + text);
    }
    answer = text;
  }

  void answer(VnetException cause) {
    answer(cause.errno().name());
  }

  /** The answer is not told; it can be seen when it is there. */
  void answerWhen(Supplier<Optional<String>> seen) {
    later = seen;
  }

  /** The other side has not begun, or is stopped, and this one can go no further. */
  void waitsNow() {
    waitedForOther = answer().isEmpty();
  }

  /** Nobody is stopped. */
  void restsNow() {
    waitedForHolder = answer().isEmpty();
  }

  /** The answer, and what it had to wait for. */
  String text() {
    String text = answer().orElseThrow(() -> new AssertionError(lane + " was never answered"));
    if (waitedForHolder) {
      return "waits for the holder, then " + text;
    }
    return waitedForOther ? "waits for the other, then " + text : text;
  }

  /** Empty while the answer is owed. */
  Optional<String> answer() {
    return Optional.ofNullable(answer).or(later);
  }
}
