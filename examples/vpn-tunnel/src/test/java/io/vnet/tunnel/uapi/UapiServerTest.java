package io.vnet.tunnel.uapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.libc.NativeLibc;
import io.vnet.io.testkit.Descriptors;
import io.vnet.tunnel.settings.PeerChange;
import io.vnet.tunnel.settings.TunnelChange;
import io.vnet.tunnel.settings.TunnelControl;
import io.vnet.tunnel.settings.TunnelStatus;
import io.vnet.tunnel.testkit.DescriptorLimit;
import io.vnet.tunnel.testkit.FakeZones;
import io.vnet.tunnel.testkit.Keys;
import io.vnet.tunnel.testkit.MemoryTunnel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The socket of 15.1, with clients that are no wg: cases U1, U5, U6 and U8. */
class UapiServerTest {
  private static final FakeZones ZONES = new FakeZones();
  private static final String GET_REPLY_END = "errno=0\n\n";

  @TempDir private Path directory;
  private final MemoryTunnel tunnel = MemoryTunnel.withKey(Keys.PRIVATE);
  private final CountDownLatch deleted = new CountDownLatch(1);
  private final List<UapiServer> servers = new ArrayList<>();

  @BeforeEach
  void warm() {
    // The first server of a process opens descriptors that stay: they are no leak.
    serve("warm").close();
  }

  @AfterEach
  void closeAll() {
    servers.forEach(UapiServer::close);
  }

  private UapiServer serve(String name) {
    return serve(name, tunnel);
  }

  private UapiServer serve(String name, TunnelControl control) {
    UapiServer server = UapiServer.listen(directory, name, control, ZONES, deleted::countDown);
    servers.add(server);
    return server;
  }

  private static SocketChannel connect(UapiServer server) throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(server.path()));
  }

  private static void send(SocketChannel client, String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      client.write(bytes);
    }
  }

  /** All that comes until the server ends the connection. */
  private static String receiveAll(SocketChannel client) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(16 << 20);
    while (client.read(bytes) >= 0) {
      assertThat(bytes.hasRemaining()).isTrue();
    }
    return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
  }

  private static String exchange(UapiServer server, String text) throws IOException {
    try (SocketChannel client = connect(server)) {
      send(client, text);
      client.shutdownOutput();
      return receiveAll(client);
    }
  }

  /** As much as so many replies are. */
  private static String receive(SocketChannel client, int replies) throws IOException {
    StringBuilder text = new StringBuilder();
    ByteBuffer bytes = ByteBuffer.allocate(4096);
    while (text.toString().split("\n\n", -1).length <= replies) {
      assertThat(client.read(bytes.clear())).as("after %s", text).isPositive();
      text.append(new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8));
    }
    return text.toString();
  }

  @Test
  void U1_replies_of_a_server() throws IOException {
    UapiServer server = serve("wg0");
    TunnelStatus before = tunnel.now();

    assertThat(exchange(server, "get=1\n\n")).isEqualTo(UapiText.status(before, ZONES));
    assertThat(exchange(server, "set=1\n\n")).isEqualTo("errno=0\n\n");
    assertThat(exchange(server, "set=1\nnothing\n\n")).isEqualTo("errno=-71\n\n");
    assertThat(exchange(server, "set=1\nlisten_port=9\nfoo=1\n\n")).isEqualTo("errno=-22\n\n");
    assertThat(exchange(server, "set=1\nlisten_port=1\n\n")).isEqualTo("errno=-98\n\n");
    assertThat(exchange(server, "set=1\nfwmark=" + MemoryTunnel.FORBIDDEN_MARK + "\n\n"))
        .isEqualTo("errno=-98\n\n");
    assertThat(exchange(server, "set=1\n" + "x".repeat(1 << 17) + "\n\n"))
        .isEqualTo("errno=-5\n\n");
    assertThat(exchange(server, "get=1\nx")).isEqualTo("errno=-22\n\n");
    assertThat(exchange(server, "what\n")).isEmpty();
    assertThat(tunnel.now()).isEqualTo(before);
    assertThat(exchange(server, "set=1\nlisten_port=9\n\n")).isEqualTo("errno=0\n\n");
    assertThat(tunnel.now().listenPort()).isEqualTo(9);
  }

  @Test
  void U1_what_fails_unforeseen_is_minus_55() throws IOException {
    UapiServer server = serve("wg0");
    tunnel.failWith(new IllegalStateException("a test wants it so"));
    assertThat(exchange(server, "set=1\n\nget=1\n\n")).isEqualTo("errno=-55\n\nerrno=-55\n\n");
    tunnel.failWith(new VnetException("show", "wg0", Errno.ESHUTDOWN, "it has ended", ""));
    assertThat(exchange(server, "get=1\n\n")).isEqualTo("errno=-55\n\n");
    tunnel.failWith(new VnetException("set", "wg0", Errno.EINVAL, "a test wants it so", ""));
    assertThat(exchange(server, "set=1\n\n")).isEqualTo("errno=-22\n\n");
    // A port below 1024, without the right to it.
    tunnel.failWith(new VnetException("bind", "port 53", Errno.EACCES, "a test wants it so", ""));
    assertThat(exchange(server, "set=1\n\n")).isEqualTo("errno=-98\n\n");
    tunnel.failWith(new VnetException("set", "wg0", Errno.EIO, "a test wants it so", ""));
    assertThat(exchange(server, "set=1\n\n")).isEqualTo("errno=-5\n\n");
  }

  @Test
  void a_control_that_throws_is_answered_too() throws IOException {
    TunnelControl broken =
        new TunnelControl() {
          @Override
          public CompletionStage<Void> change(TunnelChange change) {
            throw new IllegalStateException("a test wants it so");
          }

          @Override
          public CompletionStage<TunnelStatus> status() {
            throw new IllegalStateException("a test wants it so");
          }
        };

    assertThat(exchange(serve("wg0", broken), "set=1\n\nget=1\n\n"))
        .isEqualTo("errno=-55\n\nerrno=-55\n\n");
  }

  @Test
  void only_its_owner_can_connect() throws IOException {
    UapiServer server = serve("wg0");

    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(server.path())))
        .isEqualTo("rw-------");
  }

  @Test
  void the_directory_is_made_for_all_to_look_into() throws IOException {
    Path made = directory.resolve("run/wireguard");
    UapiServer server = UapiServer.listen(made, "wg0", tunnel, ZONES, deleted::countDown);
    servers.add(server);

    assertThat(server.path()).isEqualTo(made.resolve("wg0.sock"));
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
        .isEqualTo("rwxr-xr-x");
  }

  @Test
  void U5_operations_that_are_pipelined_are_answered_in_order() throws IOException {
    UapiServer server = serve("wg0");
    StringBuilder requests = new StringBuilder();
    StringBuilder replies = new StringBuilder();
    for (int i = 0; i < 2_000; i++) {
      if (i % 3 == 0) {
        requests.append("set=1\nbad=1\n\n");
        replies.append("errno=-22\n\n");
      } else {
        requests.append("set=1\nlisten_port=").append(1000 + i).append("\n\n");
        replies.append("errno=0\n\n");
      }
    }
    requests.append("get=1\n\n");

    assertThat(exchange(server, requests.toString()))
        .isEqualTo(
            replies + "private_key=" + Keys.PRIVATE.hex() + "\nlisten_port=2999\n" + GET_REPLY_END);
  }

  @Test
  void a_long_reply_reaches_a_client_that_has_closed_its_side_and_reads_late() throws IOException {
    List<PeerChange> peers = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      peers.add(PeerChange.of(Keys.peer(i)));
    }
    tunnel.change(TunnelChange.NONE.withPeers(peers)).toCompletableFuture().join();
    UapiServer server = serve("wg0");
    try (SocketChannel client = connect(server)) {
      send(client, "get=1\n\nget=1\n\n");
      client.shutdownOutput();
      // Others are served in the meantime.
      assertThat(exchange(server, "set=1\nlisten_port=3\n\n")).isEqualTo("errno=0\n\n");
      String reply = receiveAll(client);

      assertThat(reply.split("public_key=", -1)).hasSize(20_001);
      assertThat(reply).endsWith(GET_REPLY_END);
    }
  }

  @Test
  void a_client_that_leaves_at_once_has_its_request_carried_out() throws IOException {
    UapiServer server = serve("wg0");
    try (SocketChannel client = connect(server)) {
      send(client, "set=1\nlisten_port=77\n\n");
    }

    await().atMost(30, TimeUnit.SECONDS).until(() -> tunnel.now().listenPort() == 77);
  }

  @Test
  void many_operations_one_after_the_other_on_one_connection() throws IOException {
    UapiServer server = serve("wg0");
    try (SocketChannel client = connect(server)) {
      for (int i = 0; i < 100; i++) {
        send(client, "set=1\nlisten_port=" + (100 + i) + "\n\n");
        assertThat(receive(client, 1)).isEqualTo("errno=0\n\n");
      }
    }
    assertThat(tunnel.now().listenPort()).isEqualTo(199);
  }

  @Test
  void U5_half_a_request_is_not_applied() throws IOException {
    UapiServer server = serve("wg0");

    assertThat(exchange(server, "set=1\nlisten_port=9\n")).isEmpty();
    try (SocketChannel client = connect(server)) {
      send(client, "set=1\nlisten_port=9\npublic_key=");
    }
    // Whatever the two have done has been done before this is answered.
    assertThat(exchange(server, "get=1\n\n")).contains("listen_port=51820\n");
    assertThat(tunnel.changes()).isEmpty();
  }

  @Test
  void U5_a_thousand_connects_leave_nothing_behind() throws IOException {
    UapiServer server = serve("wg0");
    exchange(server, "get=1\n\n");
    Descriptors before = Descriptors.now();
    for (int i = 0; i < 1_000; i++) {
      try (SocketChannel client = connect(server)) {
        if (i % 2 == 0) {
          send(client, "set=1\nlisten");
        }
      }
    }

    await()
        .atMost(30, TimeUnit.SECONDS)
        .untilAsserted(() -> assertThat(Descriptors.now().since(before)).isEmpty());
    assertThat(exchange(server, "get=1\n\n")).endsWith(GET_REPLY_END);
  }

  @Test
  void many_clients_at_once() throws Exception {
    UapiServer server = serve("wg0");
    List<SocketChannel> clients = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      clients.add(connect(server));
    }
    for (int i = 0; i < 100; i++) {
      send(clients.get(i), "set=1\npublic_key=" + Keys.peer(i).hex() + "\n\n");
    }
    for (SocketChannel client : clients) {
      assertThat(receive(client, 1)).isEqualTo("errno=0\n\n");
      client.close();
    }

    assertThat(tunnel.now().peers()).hasSize(100);
  }

  /** One that answers only when the test says so. */
  private static final class SlowTunnel implements TunnelControl {
    final Queue<CompletableFuture<Boolean>> changes = new ConcurrentLinkedQueue<>();
    final Queue<CompletableFuture<TunnelStatus>> questions = new ConcurrentLinkedQueue<>();

    @Override
    @SuppressWarnings("NullAway") // There is no other Void than null.
    public CompletionStage<Void> change(TunnelChange change) {
      CompletableFuture<Boolean> future = new CompletableFuture<>();
      changes.add(future);
      return future.thenAccept(_ -> {});
    }

    @Override
    public CompletionStage<TunnelStatus> status() {
      CompletableFuture<TunnelStatus> future = new CompletableFuture<>();
      questions.add(future);
      return future;
    }
  }

  @Test
  void one_operation_at_a_time() throws IOException {
    SlowTunnel slow = new SlowTunnel();
    UapiServer server = serve("wg0", slow);
    try (SocketChannel first = connect(server);
        SocketChannel second = connect(server)) {
      send(first, "set=1\n\n");
      await().atMost(30, TimeUnit.SECONDS).until(() -> slow.changes.size() == 1);
      send(second, "get=1\n\nset=1\n\n");
      send(first, "set=1\n\n");
      for (int i = 0; i < 4; i++) {
        assertThat(slow.changes.size() + slow.questions.size()).isEqualTo(1);
        if (slow.questions.isEmpty()) {
          slow.changes.remove().complete(true);
        } else {
          slow.questions.remove().complete(tunnel.now());
        }
        if (i < 3) {
          await()
              .atMost(30, TimeUnit.SECONDS)
              .until(() -> slow.changes.size() + slow.questions.size() == 1);
        }
      }

      assertThat(receive(first, 2)).isEqualTo("errno=0\n\nerrno=0\n\n");
      assertThat(receive(second, 2)).endsWith("errno=0\n\nerrno=0\n\n");
    }
  }

  @Test
  void a_client_that_leaves_during_its_operation_does_not_stop_others() throws IOException {
    SlowTunnel slow = new SlowTunnel();
    UapiServer server = serve("wg0", slow);
    try (SocketChannel client = connect(server)) {
      send(client, "set=1\n\n");
      await().atMost(30, TimeUnit.SECONDS).until(() -> slow.changes.size() == 1);
    }
    try (SocketChannel client = connect(server)) {
      send(client, "set=1\n\n");
      slow.changes.remove().complete(true);
      await().atMost(30, TimeUnit.SECONDS).until(() -> slow.changes.size() == 1);
      slow.changes.remove().complete(true);

      assertThat(receive(client, 1)).isEqualTo("errno=0\n\n");
    }
  }

  @Test
  void a_server_is_closed_while_an_operation_runs() throws IOException {
    SlowTunnel slow = new SlowTunnel();
    UapiServer server = serve("wg0", slow);
    try (SocketChannel client = connect(server)) {
      send(client, "set=1\n\n");
      await().atMost(30, TimeUnit.SECONDS).until(() -> slow.changes.size() == 1);
      server.close();
      slow.changes.remove().complete(true);

      assertThat(receiveAll(client)).isEmpty();
    }
  }

  @Test
  void U6_a_stale_file_is_taken_over() throws IOException {
    Path path = directory.resolve("wg0.sock");
    try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(path));
    }
    assertThat(path).exists();
    UapiServer server = serve("wg0");

    assertThat(exchange(server, "get=1\n\n")).endsWith(GET_REPLY_END);
  }

  @Test
  void U6_a_file_in_use_is_left_alone() throws IOException {
    UapiServer server = serve("wg0");

    assertThatThrownBy(() -> serve("wg0"))
        .isInstanceOfSatisfying(
            VnetException.class,
            refused -> {
              assertThat(refused.errno()).isEqualTo(Errno.EADDRINUSE);
              assertThat(refused.remedy()).isNotEmpty();
            });
    assertThat(exchange(server, "get=1\n\n")).endsWith(GET_REPLY_END);
    assertThat(deleted.getCount()).isOne();
  }

  @Test
  void U6_a_file_whose_owner_is_busy_is_in_use() throws IOException {
    Path path = directory.resolve("wg0.sock");
    List<SocketChannel> waiting = new ArrayList<>();
    try (ServerSocketChannel busy = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      busy.bind(UnixDomainSocketAddress.of(path), 1);
      boolean full = false;
      while (!full && waiting.size() < 100) {
        SocketChannel client = SocketChannel.open(StandardProtocolFamily.UNIX);
        client.configureBlocking(false);
        waiting.add(client);
        full = !tryToConnect(client, path);
      }

      assertThat(full).isTrue();
      assertThatThrownBy(() -> serve("wg0"))
          .isInstanceOfSatisfying(
              VnetException.class,
              refused -> assertThat(refused.errno()).isEqualTo(Errno.EADDRINUSE));
      assertThat(path).exists();
    } finally {
      for (SocketChannel client : waiting) {
        client.close();
      }
    }
  }

  /** False if the other side's queue is full. */
  private static boolean tryToConnect(SocketChannel client, Path path) throws IOException {
    try {
      return client.connect(UnixDomainSocketAddress.of(path));
    } catch (SocketException e) {
      // EAGAIN, as unix(7) has it.
      return false;
    }
  }

  @Test
  void what_is_no_socket_is_left_alone() throws IOException {
    Path path = Files.writeString(directory.resolve("wg0.sock"), "text");

    assertThatThrownBy(() -> serve("wg0"))
        .isInstanceOfSatisfying(
            VnetException.class,
            refused -> assertThat(refused.errno()).isEqualTo(Errno.EADDRINUSE));
    assertThat(path).hasContent("text");
  }

  @Test
  void U6_a_file_that_is_deleted_is_told() throws Exception {
    UapiServer server = serve("wg0");
    Files.createFile(directory.resolve("other"));
    Files.delete(directory.resolve("other"));
    assertThat(deleted.getCount()).isOne();
    Files.delete(server.path());

    assertThat(deleted.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void U6_a_file_that_is_moved_away_is_told() throws Exception {
    UapiServer server = serve("wg0");
    Files.move(server.path(), directory.resolve("elsewhere"));

    assertThat(deleted.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void U6_a_file_that_another_one_replaces_is_told_and_the_other_one_stays() throws Exception {
    UapiServer server = serve("wg0");
    Path other = Files.writeString(directory.resolve("other"), "text");
    Files.move(other, server.path(), StandardCopyOption.ATOMIC_MOVE);

    assertThat(deleted.await(30, TimeUnit.SECONDS)).isTrue();
    server.close();
    assertThat(server.path()).hasContent("text");
  }

  @Test
  void a_server_may_be_closed_by_what_is_called_at_the_deletion() throws Exception {
    CompletableFuture<UapiServer> made = new CompletableFuture<>();
    CountDownLatch ended = new CountDownLatch(1);
    UapiServer server =
        UapiServer.listen(
            directory,
            "wg0",
            tunnel,
            ZONES,
            () -> {
              made.join().close();
              ended.countDown();
            });
    made.complete(server);
    Files.delete(server.path());

    assertThat(ended.await(30, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void close_deletes_the_file_and_is_no_deletion_from_outside() throws Exception {
    UapiServer server = serve("wg0");
    SocketChannel client = connect(server);
    server.close();
    server.close();

    assertThat(server.path()).doesNotExist();
    assertThat(receiveAll(client)).isEmpty();
    client.close();
    assertThat(deleted.getCount()).isOne();
    assertThat(exchange(serve("wg0"), "get=1\n\n")).endsWith(GET_REPLY_END);
  }

  @Test
  void a_hundred_servers_leave_nothing_behind() {
    Descriptors before = Descriptors.now();
    for (int i = 0; i < 100; i++) {
      serve("wg" + i % 3).close();
    }

    await()
        .atMost(30, TimeUnit.SECONDS)
        .untilAsserted(() -> assertThat(Descriptors.now().since(before)).isEmpty());
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void names_and_paths_are_checked_before_anything_is_made() {
    Path deep = directory.resolve("d".repeat(100));
    for (String bad : List.of("", "a/b", "..", "sixteen-letters-", "a b")) {
      assertThatThrownBy(() -> serve(bad)).isInstanceOf(VnetException.class);
    }
    assertThatThrownBy(() -> UapiServer.listen(deep, "wg0", tunnel, ZONES, deleted::countDown))
        .isInstanceOfSatisfying(
            VnetException.class,
            refused -> assertThat(refused.errno()).isEqualTo(Errno.ENAMETOOLONG));
    assertThat(deep).doesNotExist();
  }

  @Test
  void the_inherited_descriptor_is_in_the_environment() {
    assertThat(UapiServer.inherited(Map.of())).isEmpty();
    assertThat(UapiServer.inherited(Map.of("WG_UAPI_FD", "3"))).isEqualTo(OptionalInt.of(3));
    for (String bad : List.of("-1", "x", "3 ", "9999999999")) {
      assertThatThrownBy(() -> UapiServer.inherited(Map.of("WG_UAPI_FD", bad)))
          .isInstanceOfSatisfying(
              VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL));
    }
  }

  @Test
  void an_inherited_socket_is_served_and_its_file_watched() throws Exception {
    Path path = directory.resolve("wg0.sock");
    SocketFile.Listening parent = SocketFile.listen(path);
    Descriptors before = Descriptors.now();
    UapiServer server =
        UapiServer.adopt(
            parent.socket().intValue(), directory, "wg0", tunnel, ZONES, deleted::countDown);
    servers.add(server);

    assertThat(exchange(server, "get=1\n\n")).endsWith(GET_REPLY_END);
    Files.delete(path);
    assertThat(deleted.await(30, TimeUnit.SECONDS)).isTrue();
    server.close();
    assertThat(before.count("socket") - Descriptors.now().count("socket")).isOne();
  }

  @Test
  void what_is_no_socket_that_listens_is_not_adopted() throws IOException {
    assertThatThrownBy(
            () -> UapiServer.adopt(999_999, directory, "wg0", tunnel, ZONES, deleted::countDown))
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EBADF));
    SocketFile.Listening elsewhere = SocketFile.listen(directory.resolve("elsewhere"));
    Descriptors before = Descriptors.now();
    assertThatThrownBy(() ->
            UapiServer.adopt(
                elsewhere.socket().intValue(), directory, "wg0", tunnel, ZONES, deleted::countDown))
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOENT));
    assertThat(Descriptors.now().since(before)).isEqualTo(Map.of("socket", -1));
  }

  private void assertNotAdopted(int descriptor) {
    assertThatThrownBy(
            () -> UapiServer.adopt(descriptor, directory, "wg0", tunnel, ZONES, deleted::countDown))
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EINVAL));
  }

  @Test
  void a_socket_at_which_others_could_connect_is_not_adopted() throws IOException {
    UapiServer server = serve("wg0");
    Descriptors before = Descriptors.now();
    Libc libc = NativeLibc.load();
    // TCP, and Unix sockets that are bound to nothing, of this kind and another one.
    assertNotAdopted((int) libc.socket(LinuxConstants.AF_INET, SocketFile.SOCK_STREAM, 0));
    assertNotAdopted((int) libc.socket(LinuxConstants.AF_UNIX, SocketFile.SOCK_STREAM, 0));
    assertNotAdopted((int) libc.socket(LinuxConstants.AF_UNIX, LinuxConstants.SOCK_DGRAM, 0));
    assertNotAdopted((int) libc.open("/dev/null", 0));
    assertNotAdopted(SocketFile.listen(directory.resolve("other")).socket().intValue());
    SocketFile.Listening gone = SocketFile.listen(directory.resolve("gone"));
    gone.file().delete();
    assertNotAdopted(gone.socket().intValue());

    assertThat(Descriptors.now().since(before)).isEmpty();
    assertThat(exchange(server, "get=1\n\n")).endsWith(GET_REPLY_END);
  }

  @Test
  void a_socket_whose_directory_has_another_name_too_is_adopted() throws IOException {
    Path alias = Files.createSymbolicLink(directory.resolve("alias"), directory);
    SocketFile.Listening parent = SocketFile.listen(directory.resolve("wg0.sock"));
    UapiServer server =
        UapiServer.adopt(
            parent.socket().intValue(), alias, "wg0", tunnel, ZONES, deleted::countDown);
    servers.add(server);

    assertThat(exchange(server, "get=1\n\n")).endsWith(GET_REPLY_END);
  }

  @Test
  void a_server_that_finds_no_descriptors_closes_its_socket() {
    SocketFile.Listening parent = SocketFile.listen(directory.resolve("wg0.sock"));
    Descriptors before = Descriptors.now();
    assertThatThrownBy(
            () -> {
              try (DescriptorLimit limit = DescriptorLimit.reached()) {
                assertThat(limit).isNotNull();
                UapiServer.adopt(
                    parent.socket().intValue(),
                    directory,
                    "wg0",
                    tunnel,
                    ZONES,
                    deleted::countDown);
              }
            })
        .hasStackTraceContaining("Too many open files");

    assertThat(Descriptors.now().since(before)).isEqualTo(Map.of("socket", -1));
  }

  @Test
  void a_client_asks_and_changes() {
    UapiServer server = serve("wg0");
    UapiClient client = new UapiClient(server.path(), ZONES);
    client.change(
        TunnelChange.NONE.withPeers(
            List.of(
                PeerChange.of(Keys.PEER).withAllowedIps(List.of(IpPrefix.parse("10.0.0.0/8"))))));

    assertThat(client.status()).isEqualTo(tunnel.now());
    assertThat(tunnel.now().peers()).hasSize(1);
    assertThatThrownBy(() -> client.change(TunnelChange.NONE.withListenPort(1)))
        .isInstanceOfSatisfying(
            VnetException.class,
            refused -> assertThat(refused.errno()).isEqualTo(Errno.EADDRINUSE));
  }

  @Test
  void a_client_says_why_nobody_answers() throws IOException {
    Path path = directory.resolve("wg0.sock");
    UapiClient client = new UapiClient(path, ZONES);
    assertThatThrownBy(client::status)
        .isInstanceOfSatisfying(
            VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.ENOENT));
    try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      dead.bind(UnixDomainSocketAddress.of(path));
    }
    assertThatThrownBy(client::status)
        .isInstanceOfSatisfying(
            VnetException.class,
            refused -> assertThat(refused.errno()).isEqualTo(Errno.ECONNREFUSED));
    Files.delete(path);
    try (ServerSocketChannel mute = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      mute.bind(UnixDomainSocketAddress.of(path));
      Thread server =
          Thread.startVirtualThread(() -> {
            try (SocketChannel accepted = mute.accept()) {
              accepted.read(ByteBuffer.allocate(100));
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      assertThatThrownBy(client::status)
          .isInstanceOfSatisfying(
              VnetException.class, refused -> assertThat(refused.errno()).isEqualTo(Errno.EIO));
      assertThat(server).isNotNull();
    }
  }
}
