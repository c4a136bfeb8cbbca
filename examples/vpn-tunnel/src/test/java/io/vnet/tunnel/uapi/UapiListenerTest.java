package io.vnet.tunnel.uapi;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.Epoll;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.ScheduledFuture;
import io.vnet.tunnel.testkit.DescriptorLimit;
import io.vnet.tunnel.testkit.FakeZones;
import java.io.IOException;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Clients that cannot be accepted, with an event loop that runs what it is told by hand. */
class UapiListenerTest {
  private final List<Runnable> scheduled = new ArrayList<>();
  private int registered;

  private static <T> T fake(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private static Object refuse(Object self, Method method, Object @Nullable [] arguments) {
    throw new AssertionError(method + " of " + self.getClass() + ": " + Arrays.toString(arguments));
  }

  /** It serves nobody: clients are accepted, and closed again. */
  private Object loop(Object self, Method method, Object @Nullable [] arguments) {
    return switch (method.getName()) {
      case "schedule" -> {
        scheduled.add((Runnable) Objects.requireNonNull(arguments)[0]);
        yield fake(ScheduledFuture.class, UapiListenerTest::refuse);
      }
      case "register" -> {
        registered++;
        yield ImmediateEventExecutor.INSTANCE.newFailedFuture(new IOException("nobody is served"));
      }
      default -> refuse(self, method, arguments);
    };
  }

  @Test
  void without_descriptors_there_is_one_retry_and_one_message(@TempDir Path directory)
      throws IOException {
    Epoll.ensureAvailability();
    Path path = directory.resolve("wg0.sock");
    SocketFile.Listening listening = SocketFile.listen(path);
    UapiListener listener =
        new UapiListener(
            listening.socket(), fake(IoEventLoop.class, this::loop), new FakeZones(), (_, _) -> {});
    IoRegistration registration = fake(IoRegistration.class, UapiListenerTest::refuse);
    IoEvent event = new IoEvent() {};
    Logger logger = (Logger) LoggerFactory.getLogger(UapiListener.class);
    ListAppender<ILoggingEvent> messages = new ListAppender<>();
    messages.start();
    logger.addAppender(messages);
    try (SocketChannel warm = connect(path);
        SocketChannel client = connect(path)) {
      // A client that is served, so that all classes are there, and one that is not.
      listener.handle(registration, event);
      assertEnded(warm);
      assertEnded(client);
      assertThat(registered).isEqualTo(2);
      messages.list.clear();
      try (SocketChannel first = connect(path);
          SocketChannel second = connect(path)) {
        try (DescriptorLimit limit = DescriptorLimit.reached()) {
          for (int i = 0; i < 5; i++) {
            listener.handle(registration, event);
          }
          Objects.requireNonNull(limit);
          runScheduled();
          listener.handle(registration, event);
        }
        assertThat(registered).isEqualTo(2);
        assertThat(messages.list).hasSize(1);
        assertThat(messages.list.getFirst().getLevel()).isEqualTo(Level.WARN);
        assertThat(messages.list.getFirst().getFormattedMessage())
            .startsWith("no client can be accepted; trying again each second: accept(..) failed");
        assertThat(messages.list.getFirst().getThrowableProxy()).isNull();

        runScheduled();
        assertEnded(first);
        assertEnded(second);
        assertThat(registered).isEqualTo(4);
        assertThat(scheduled).isEmpty();
      }
      // Events count again.
      try (SocketChannel third = connect(path)) {
        listener.handle(registration, event);
        assertEnded(third);
      }
    } finally {
      logger.detachAppender(messages);
      listener.close();
    }
  }

  private void runScheduled() {
    assertThat(scheduled).hasSize(1);
    scheduled.removeFirst().run();
  }

  private static SocketChannel connect(Path path) throws IOException {
    SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
    client.connect(UnixDomainSocketAddress.of(path));
    return client;
  }

  private static void assertEnded(SocketChannel client) throws IOException {
    assertThat(client.read(ByteBuffer.allocate(1))).isNegative();
  }
}
