package io.vnet.actors.device;

import io.vnet.api.device.DeviceEvent;
import io.vnet.api.device.DeviceId;
import io.vnet.api.port.PacketPort.Registration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Life-cycle events for whoever listens, in the order in which they happened, on a thread where a
 * listener may block. Without a listener an event costs a look at an empty list.
 */
public final class EventLog {
  private final List<Consumer<DeviceEvent>> listeners = new CopyOnWriteArrayList<>();
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

  void publish(DeviceId device, DeviceEvent.Kind kind, String detail) {
    if (!listeners.isEmpty()) {
      DeviceEvent event = new DeviceEvent(device, kind, nanoClock.getAsLong(), detail);
      lane.execute(() -> listeners.forEach(listener -> listener.accept(event)));
    }
  }
}
