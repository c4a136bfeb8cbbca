package io.vnet.actors.device;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorSystem;
import io.vnet.actors.core.ReplyTo;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceName;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A node's names, of one device and of the next one that its actor serves. */
class DeviceActorTest {
  private static final int GUARD_SECONDS = 60;

  private final NodeTable nodes = new NodeTable();
  private final Node first = node("tun0", 1);
  private final ActorSystem<DeviceActor.Command> actor =
      ActorSystem.create(
          DeviceActor.create(
              first,
              nodes,
              failed -> {
                throw new AssertionError(failed.cause());
              }),
          "device-actor");

  private Node node(String name, long generation) {
    Node node = new Node(new DeviceId(DeviceName.match(name).orElseThrow(), generation));
    assertThat(nodes.bind(name, node)).isTrue();
    return node;
  }

  @AfterEach
  void end() {
    actor.terminate();
    actor
        .getWhenTerminated()
        .toCompletableFuture()
        .orTimeout(GUARD_SECONDS, TimeUnit.SECONDS)
        .join();
  }

  private <T> T ask(Function<ReplyTo<T>, DeviceActor.Command> question) {
    CompletableFuture<T> answer = new CompletableFuture<>();
    actor.tell(question.apply(answer::complete));
    return answer.orTimeout(GUARD_SECONDS, TimeUnit.SECONDS).join();
  }

  private void alias(String name) {
    DeviceActor.AliasSwapped swapped = ask(reply -> new DeviceActor.SwapAlias(name, reply));
    assertThat(swapped).isNotNull();
  }

  private void unbind() {
    DeviceActor.Unbound unbound = ask(DeviceActor.Unbind::new);
    assertThat(unbound).isNotNull();
  }

  @Test
  void an_alias_replaces_the_one_before_and_goes_with_the_names() {
    alias("wan");
    assertThat(nodes.find("wan")).contains(first);
    alias("lan");
    assertThat(nodes.find("wan")).isEmpty();
    assertThat(nodes.find("lan")).contains(first);
    unbind();
    assertThat(nodes.find("lan")).isEmpty();
    assertThat(nodes.find("tun0")).isEmpty();
    alias("late");
    assertThat(nodes.find("late")).isEmpty();
  }

  @Test
  void the_next_device_has_names_of_its_own() {
    alias("wan");
    unbind();
    Node second = node("tun0", 2);
    actor.tell(new DeviceActor.Serve(second));
    alias("wan");
    assertThat(nodes.find("wan")).contains(second);
    unbind();
    assertThat(nodes.find("wan")).isEmpty();
    assertThat(nodes.find("tun0")).isEmpty();
  }

  @Test
  void nothing_of_a_device_stays_that_was_given_up_without_an_unbind() {
    alias("wan");
    actor.tell(new DeviceActor.Serve(node("tun1", 2)));
    unbind();
    assertThat(nodes.find("wan")).isEmpty();
    assertThat(nodes.find("tun1")).isEmpty();
    assertThat(nodes.find("tun0")).as("its driver's to unbind").contains(first);
  }
}
