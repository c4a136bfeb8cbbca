package io.vnet.actors.stream;

import akka.stream.Attributes;
import akka.stream.BidiShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import io.vnet.api.mtu.TooBig;
import io.vnet.api.mtu.TooBigRules;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.DropCounter;
import io.vnet.api.port.DropReason;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps packets that are too big from going one way, and sends messages about them the other way,
 * before what goes there.
 *
 * <p>The way that is watched never waits for the messages: they are collected in one batch, and
 * when that is full, packets are dropped without. Each way ends for itself; messages that the way
 * back takes no more are not written.
 *
 * <p><b>Memory:</b> on the way there the batch that came while fragments are made of it; on the way
 * back one batch of messages, only while there are some, and one that came while they went out.
 */
final class TooBigStage
    extends GraphStage<BidiShape<PacketBatch, PacketBatch, PacketBatch, PacketBatch>> {
  private final Inlet<PacketBatch> thereIn = Inlet.create("TooBig.thereIn");
  private final Outlet<PacketBatch> thereOut = Outlet.create("TooBig.thereOut");
  private final Inlet<PacketBatch> backIn = Inlet.create("TooBig.backIn");
  private final Outlet<PacketBatch> backOut = Outlet.create("TooBig.backOut");
  private final TooBigRules rules;
  private final BatchPool pool;
  private final LongSupplier nanoClock;
  private final DropCounter drops;

  TooBigStage(TooBigRules rules, BatchPool pool, LongSupplier nanoClock, DropCounter drops) {
    this.rules = rules;
    this.pool = pool;
    this.nanoClock = nanoClock;
    this.drops = drops;
  }

  @Override
  public BidiShape<PacketBatch, PacketBatch, PacketBatch, PacketBatch> shape() {
    return BidiShape.of(thereIn, thereOut, backIn, backOut);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    private final TooBig tooBig = new TooBig(rules, nanoClock, drops);
    private @Nullable PacketBatch source;
    private @Nullable PacketBatch messages;
    private @Nullable PacketBatch waiting;

    Logic() {
      super(TooBigStage.this.shape());
      setHandler(
          thereIn,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              take(grab(thereIn));
            }

            @Override
            public void onUpstreamFinish() {
              if (source == null) {
                complete(thereOut);
              }
            }
          });
      setHandler(
          thereOut,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              if (source == null) {
                pull(thereIn);
              } else {
                make(source);
              }
            }

            @Override
            public void onDownstreamFinish(Throwable cause) {
              cancel(thereIn, cause);
              dropSource();
            }
          });
      setHandler(
          backIn,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              PacketBatch batch = grab(backIn);
              if (isAvailable(backOut)) {
                push(backOut, batch);
              } else {
                waiting = batch;
              }
            }

            @Override
            public void onUpstreamFinish() {
              if (waiting == null && messages == null) {
                complete(backOut);
              }
            }
          });
      setHandler(
          backOut,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              goBack();
            }

            @Override
            public void onDownstreamFinish(Throwable cause) {
              cancel(backIn, cause);
              dropBack();
            }
          });
    }

    private void take(PacketBatch batch) {
      source = batch;
      boolean asItIs = tooBig.fits(batch);
      if (!asItIs) {
        PacketBatch told = messages == null ? pool.acquire() : messages;
        messages = told;
        asItIs = tooBig.begin(batch, told);
        if (told.isEmpty() || isClosed(backOut)) {
          messages = null;
          told.release();
        } else if (isAvailable(backOut)) {
          messages = null;
          push(backOut, told);
        }
      }
      if (asItIs) {
        source = null;
        passOn(batch);
      } else {
        make(batch);
      }
    }

    /** Pushes what is not empty; else asks for more, if more can come. */
    private void passOn(PacketBatch batch) {
      if (!batch.isEmpty()) {
        push(thereOut, batch);
        return;
      }
      batch.release();
      if (isClosed(thereIn)) {
        complete(thereOut);
      } else {
        pull(thereIn);
      }
    }

    private void make(PacketBatch batch) {
      PacketBatch made = pool.acquire();
      while (!tooBig.isDone() && tooBig.write(made) == 0) {
        drops.countDrop(DropReason.TOO_LONG, tooBig.skip());
      }
      boolean done = tooBig.isDone();
      if (done) {
        source = null;
        batch.release();
      }
      passOn(made);
      if (done && isClosed(thereIn) && !isClosed(thereOut)) {
        complete(thereOut);
      }
    }

    private void goBack() {
      PacketBatch told = messages;
      PacketBatch batch = waiting;
      if (told != null) {
        messages = null;
        push(backOut, told);
      } else if (batch != null) {
        waiting = null;
        push(backOut, batch);
      } else if (!isClosed(backIn) && !hasBeenPulled(backIn)) {
        pull(backIn);
      }
      if (isClosed(backIn) && messages == null && waiting == null) {
        complete(backOut);
      }
    }

    private void dropSource() {
      PacketBatch batch = source;
      if (batch != null) {
        source = null;
        // Without anything begun, no memory was there for the messages.
        int left = tooBig.isDone() ? batch.count() : 0;
        while (!tooBig.isDone()) {
          left += tooBig.skip();
        }
        drops.countDrop(DropReason.STREAM_ENDED, left);
        batch.release();
      }
    }

    private void dropBack() {
      PacketBatch told = messages;
      PacketBatch batch = waiting;
      messages = null;
      waiting = null;
      if (told != null) {
        told.release();
      }
      if (batch != null) {
        drops.countDrop(DropReason.STREAM_ENDED, batch.count());
        batch.release();
      }
    }

    @Override
    public void postStop() {
      dropSource();
      dropBack();
    }
  }
}
