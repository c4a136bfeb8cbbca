package io.vnet.actors.device;

import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.LinkEvent;
import io.vnet.api.epoch.StalledReader;
import io.vnet.api.port.PacketPort.Registration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Life-cycle events for whoever listens, in the order in which they happened, on a thread where a
 * listener may block. Without a listener an event costs a look at an empty list.
 */
public final class EventLog {
  private final List<Consumer<DeviceEvent>> listeners = new CopyOnWriteArrayList<>();
  private final List<Consumer<LinkEvent>> linkListeners = new CopyOnWriteArrayList<>();
  private final List<Consumer<StalledReader>> stallListeners = new CopyOnWriteArrayList<>();
  private final BlockingLane lane;
  private final LongSupplier nanoClock;

  /**
   * @param threads run the listeners, one event at a time
   * @param nanoClock stamps the events
   */
  public EventLog(Executor threads, LongSupplier nanoClock) {
    this.lane = new BlockingLane(threads);
    this.nanoClock = nanoClock;
  }

  /** Adds a listener for events from now on. */
  public Registration listen(Consumer<DeviceEvent> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  /** Adds a listener for links. */
  public Registration listenLink(Consumer<LinkEvent> listener) {
    linkListeners.add(listener);
    return () -> linkListeners.remove(listener);
  }

  /** Adds a listener for readers that hold up a grace period. */
  public Registration listenStalls(Consumer<StalledReader> listener) {
    stallListeners.add(listener);
    return () -> stallListeners.remove(listener);
  }

  /** Tells a link's state when its turn comes, if it is another than was told last. */
  void announceLink(Node node) {
    if (!linkListeners.isEmpty()) {
      lane.execute(() ->
          node.linkToTell()
              .ifPresent(link -> {
                LinkEvent event = new LinkEvent(node.id(), link);
                linkListeners.forEach(listener -> listener.accept(event));
              }));
    }
  }

  void publishStall(StalledReader reader) {
    if (!stallListeners.isEmpty()) {
      lane.execute(() -> stallListeners.forEach(listener -> listener.accept(reader)));
    }
  }

  void publish(DeviceId device, DeviceEvent.Kind kind, Supplier<String> detail) {
    if (!listeners.isEmpty()) {
      DeviceEvent event = new DeviceEvent(device, kind, nanoClock.getAsLong(), detail.get());
      lane.execute(() -> listeners.forEach(listener -> listener.accept(event)));
    }
  }
}
