package io.vnet.actors.stream;

import akka.stream.Shape;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStageLogic;
import io.vnet.api.error.VnetException;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortListener;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A stage that listens to a port: brings the port's signals to the stage's own thread, at most one
 * on the way at a time, and takes part in the port's {@link PortShare}.
 */
abstract class PortLogic extends GraphStageLogic {
  private final PortShare share;
  private final AtomicBoolean signalled = new AtomicBoolean();
  private volatile @Nullable Closed closed;
  private PacketPort.@Nullable Registration registration;

  private record Closed(Optional<VnetException> cause) {}

  PortLogic(Shape shape, PortShare share) {
    super(shape);
    this.share = share;
  }

  final PacketPort port() {
    return share.port();
  }

  /** The port may be worth calling again. On the stage's thread. */
  abstract void onSignal();

  /** The port has ended. On the stage's thread. */
  abstract void onPortClosed(Optional<VnetException> cause);

  /** Give back what the stage holds. */
  abstract void onStop();

  /**
   * A call on the port threw. A port that has ended tells its listener how, which decides whether
   * the stage completes or fails; a failure of an open port ends the stage.
   */
  final void onFailure(VnetException cause) {
    if (port().isOpen()) {
      onPortClosed(Optional.of(cause));
    }
  }

  @Override
  public void preStart() throws Exception {
    share.begin();
    AsyncCallback<Boolean> wake =
        createAsyncCallback((Boolean _) -> {
          signalled.set(false);
          Closed ended = closed;
          if (ended == null) {
            onSignal();
          } else {
            onPortClosed(ended.cause());
          }
        });
    registration =
        port()
            .listen(
                new PortListener() {
                  @Override
                  public void readable() {
                    signal();
                  }

                  @Override
                  public void writable() {
                    signal();
                  }

                  @Override
                  public void closed(@Nullable VnetException cause) {
                    closed = new Closed(Optional.ofNullable(cause));
                    signal();
                  }

                  private void signal() {
                    if (signalled.compareAndSet(false, true)) {
                      wake.invoke(true);
                    }
                  }
                });
  }

  @Override
  public void postStop() throws Exception {
    if (registration != null) {
      registration.close();
    }
    try {
      onStop();
    } finally {
      share.end();
    }
  }
}
