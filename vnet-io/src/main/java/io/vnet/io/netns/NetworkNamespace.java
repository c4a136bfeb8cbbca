package io.vnet.io.netns;

import java.nio.file.Path;
import java.util.concurrent.Callable;

@SuppressWarnings("DoNotCallSuggester")
public final class NetworkNamespace implements AutoCloseable {
  public static NetworkNamespace create() { throw new UnsupportedOperationException(); }
  public Path path() { throw new UnsupportedOperationException(); }
  public <T> T call(Callable<T> task) { throw new UnsupportedOperationException(); }
  @Override public void close() {}
}
