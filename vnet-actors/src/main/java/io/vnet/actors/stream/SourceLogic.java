package io.vnet.actors.stream;

import akka.stream.SourceShape;
import akka.stream.stage.AbstractOutHandler;
import io.vnet.api.error.VnetException;
import java.util.Optional;

/**
 * A source over a port: reads when it is pulled, and again at the port's signal if nothing was
 * there then; ends as the port does.
 */
abstract class SourceLogic<T> extends PortLogic {
  private final SourceShape<T> shape;

  SourceLogic(SourceShape<T> shape, PortShare share) {
    super(shape, share);
    this.shape = shape;
    setHandler(
        shape.out(),
        new AbstractOutHandler() {
          @Override
          public void onPull() {
            read();
          }
        });
  }

  /** Pushes what there is, if there is something: the stage was pulled. */
  abstract void read();

  @Override
  final void onSignal() {
    if (isAvailable(shape.out())) {
      read();
    }
  }

  @Override
  final void onPortClosed(Optional<VnetException> cause) {
    cause.ifPresentOrElse(failure -> failStage(failure.rethrown()), this::completeStage);
  }
}
