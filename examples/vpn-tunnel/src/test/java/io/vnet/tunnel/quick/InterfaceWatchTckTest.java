package io.vnet.tunnel.quick;

import io.vnet.api.address.IpPrefix;
import io.vnet.io.netlink.InterfaceAddress;
import io.vnet.io.netlink.NetworkEvent;
import io.vnet.io.testkit.ReactiveStreamsTck;
import java.util.Map;
import java.util.concurrent.Flow.Subscriber;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowSubscriberBlackboxVerification;

/** The subscriber that follows an interface keeps the rules of Reactive Streams. */
class InterfaceWatchTckTest {
  private static final int TIMEOUT_MILLIS = 3_000;
  private static final int SILENCE_MILLIS = 50;
  private static final int INDEX = 7;

  /** Nothing that is told concerns it. */
  private static final class Deaf implements InterfaceWatch.Listener {
    @Override
    public void changed(boolean up, int mtu) {
      throw new AssertionError("changed");
    }

    @Override
    public void gone() {}
  }

  @TestFactory
  Stream<DynamicTest> follower() {
    return ReactiveStreamsTck.rules(
        () ->
            new FlowSubscriberBlackboxVerification<NetworkEvent>(
                new TestEnvironment(TIMEOUT_MILLIS, SILENCE_MILLIS)) {
              @Override
              public Subscriber<NetworkEvent> createFlowSubscriber() {
                return InterfaceWatch.follower(INDEX, new Deaf());
              }

              @Override
              public NetworkEvent createElement(int number) {
                return new NetworkEvent.AddressRemoved(
                    InterfaceAddress.of(IpPrefix.parse("192.0.2.1/24")).on(INDEX));
              }
            },
        Map.of());
  }
}
