package io.vnet.io.netlink;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.NetworkNamespaces;
import io.vnet.io.testkit.ReactiveStreamsTck;
import java.util.Deque;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Flow.Publisher;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;

/**
 * The publisher of what changes in a namespace keeps the rules of Reactive Streams, while an
 * interface in it changes all the time.
 */
@ExtendWith(NetworkNamespaces.class)
class NetworkMonitorTckIT {
  private static final int TIMEOUT_MILLIS = 3_000;
  private static final int SILENCE_MILLIS = 50;
  private static final int PAUSE_NANOS = 1_000_000;
  private static final String MULTICAST =
      "optional_spec111_multicast_mustProduceTheSameElementsInTheSameSequence"
          + "ToAllOfItsSubscribersWhenRequesting";

  private static final String ENDLESS = "it completes only when it is closed";
  private static final String STATE = "each subscriber begins with the state when it came";
  private static final String NEVER_FAILED = "it fails only with the kernel's socket";

  private static final Map<String, String> INAPPLICABLE =
      Map.ofEntries(
          Map.entry("required_createPublisher1MustProduceAStreamOfExactly1Element", ENDLESS),
          Map.entry("required_createPublisher3MustProduceAStreamOfExactly3Elements", ENDLESS),
          Map.entry("required_spec102_maySignalLessThanRequestedAndTerminateSubscription", ENDLESS),
          Map.entry("required_spec105_mustSignalOnCompleteWhenFiniteStreamTerminates", ENDLESS),
          Map.entry(
              "required_spec107_mustNotEmitFurtherSignalsOnceOnCompleteHasBeenSignalled", ENDLESS),
          Map.entry(
              "required_spec317_mustSupportACumulativePendingElementCountUpToLongMaxValue",
              ENDLESS),
          Map.entry("required_spec317_mustSupportAPendingElementCountUpToLongMaxValue", ENDLESS),
          Map.entry("stochastic_spec103_mustSignalOnMethodsSequentially", ENDLESS),
          Map.entry("optional_spec105_emptyStreamMustTerminateBySignallingOnComplete", ENDLESS),
          Map.entry("optional_spec104_mustSignalOnErrorWhenFails", NEVER_FAILED),
          Map.entry(
              "required_spec109_mayRejectCallsToSubscribeIfPublisherIsUnableOrUnwillingToServeThem"
                  + "RejectionMustTriggerOnErrorAfterOnSubscribe",
              NEVER_FAILED),
          Map.entry(MULTICAST + "ManyUpfront", STATE),
          Map.entry(MULTICAST + "ManyUpfrontAndCompleteAsExpected", STATE),
          Map.entry(MULTICAST + "OneByOne", STATE));

  /** Changes an interface's MTU until it is interrupted. */
  private static void change(NetworkNamespace namespace) {
    try (Netlink netlink = Netlink.open(namespace)) {
      netlink.createVeth("busy", "idle");
      int index = netlink.link("busy").orElseThrow().index();
      for (int i = 0; !Thread.currentThread().isInterrupted(); i++) {
        netlink.change(index, new LinkChange.Mtu(1400 + i % 2));
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> network_monitor(NetworkNamespace namespace) {
    Thread changes = Thread.ofPlatform().name("changes").start(() -> change(namespace));
    Deque<NetworkMonitor> monitors = new ConcurrentLinkedDeque<>();
    return ReactiveStreamsTck.rules(
            () ->
                new FlowPublisherVerification<NetworkEvent>(
                    new TestEnvironment(TIMEOUT_MILLIS, SILENCE_MILLIS), TIMEOUT_MILLIS) {
                  @Override
                  public Publisher<NetworkEvent> createFlowPublisher(long elements) {
                    NetworkMonitor monitor =
                        NetworkMonitor.open(namespace, NetworkMonitor.DEFAULT_BUFFER_EVENTS);
                    monitors.add(monitor);
                    return monitor;
                  }

                  @Override
                  public @Nullable Publisher<NetworkEvent> createFailedFlowPublisher() {
                    return null;
                  }

                  @Override
                  public long maxElementsFromPublisher() {
                    return publisherUnableToSignalOnComplete();
                  }
                },
            INAPPLICABLE)
        .onClose(() -> {
          changes.interrupt();
          monitors.forEach(NetworkMonitor::close);
        });
  }
}
