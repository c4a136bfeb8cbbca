package io.vnet.tunnel.testkit;

import io.vnet.api.error.VnetException;
import io.vnet.api.port.PacketPort;
import io.vnet.tunnel.path.DataPath;
import org.jspecify.annotations.Nullable;

/** Owner of a data path whose ports do not end and in which nothing fails. */
public final class NoEnd implements DataPath.Owner {
  @Override
  public void insideEnded(@Nullable VnetException cause) {
    throw new AssertionError(cause);
  }

  @Override
  public void outsideLost(PacketPort port, @Nullable VnetException cause) {
    throw new AssertionError(cause);
  }

  @Override
  public void failed(Throwable cause) {
    throw new AssertionError(cause);
  }
}
