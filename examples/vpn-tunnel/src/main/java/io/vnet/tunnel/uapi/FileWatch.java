package io.vnet.tunnel.uapi;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells when a file is not there any more: deleted, moved away, or another one has come into its
 * place. The kernel's events on its directory (inotify(7)) are waited for by a virtual thread.
 */
final class FileWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);

  private final SocketFile file;
  private final Runnable gone;
  private final WatchService events;

  private FileWatch(SocketFile file, Runnable gone, WatchService events) {
    this.file = file;
    this.gone = gone;
    this.events = events;
  }

  /**
   * Begins to watch.
   *
   * @param gone called once, on the watching thread, and not after {@link #close} if it has not
   *     been then; a file that is gone already counts
   */
  static FileWatch start(SocketFile file, Runnable gone) throws IOException {
    Path directory = file.path().toAbsolutePath().getParent();
    if (directory == null) {
      throw new IOException(file.path() + " is in no directory");
    }
    WatchService events = directory.getFileSystem().newWatchService();
    try {
      directory.register(
          events, StandardWatchEventKinds.ENTRY_DELETE, StandardWatchEventKinds.ENTRY_CREATE);
    } catch (IOException e) {
      events.close();
      throw e;
    }
    FileWatch watch = new FileWatch(file, gone, events);
    Thread.ofVirtual().name("vnet-uapi-watch").start(watch::run);
    return watch;
  }

  private void run() {
    try {
      boolean valid = true;
      while (valid && file.isThere()) {
        WatchKey key = events.take();
        // Which file each is about does not matter: there may have been too many to tell.
        key.pollEvents();
        valid = key.reset();
      }
      events.close();
      gone.run();
    } catch (ClosedWatchServiceException e) {
      // By close: nothing is to be told.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.error("{} cannot be watched any more; its deletion will not be noticed", file.path(), e);
    }
  }

  @Override
  public void close() {
    try {
      events.close();
    } catch (IOException e) {
      LOG.warn("the watch of {} could not be closed", file.path(), e);
    }
  }
}
