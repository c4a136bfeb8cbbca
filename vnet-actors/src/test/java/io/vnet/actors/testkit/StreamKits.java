package io.vnet.actors.testkit;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import com.typesafe.config.ConfigFactory;

/** Actor systems for tests of streams. */
public final class StreamKits {
  private StreamKits() {}

  /**
   * A kit whose streams run as usual, or with the materializer's fuzzing mode on: it changes the
   * order of events within a stream, within what the contract of stages allows.
   */
  public static ActorTestKit create(boolean fuzzing) {
    return ActorTestKit.create(
        ConfigFactory.parseString(
                "akka.stream.materializer.debug.fuzzing-mode = " + (fuzzing ? "on" : "off"))
            .withFallback(ConfigFactory.load()));
  }
}
