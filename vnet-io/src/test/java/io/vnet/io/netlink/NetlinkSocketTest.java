package io.vnet.io.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An exchange with a kernel that answers late, in pieces, interrupted, not at all, or badly. */
class NetlinkSocketTest {
  private static final byte[] BODY = {1, 2, 3, 4};
  private static final int TYPE = NetlinkConstants.RTM_NEWLINK;

  private static NetlinkSocket open(FakeKernel kernel) {
    return NetlinkSocket.open(kernel, 0, 0);
  }

  private static MessageWriter request() {
    return LinkMessages.get(1);
  }

  private static FakeKernel kernel(Function<Message, List<byte[]>> answer) {
    return new FakeKernel(answer);
  }

  private static byte[] data(Message request, int flags) {
    return FakeKernel.message(TYPE, flags, request.sequence(), BODY);
  }

  private static void fails(Runnable exchange, Errno errno, String... words) {
    assertThatThrownBy(exchange::run)
        .isInstanceOfSatisfying(VnetException.class, e -> assertThat(e.errno()).isEqualTo(errno))
        .hasMessageContainingAll(words);
  }

  @Test
  void what_comes_before_the_acknowledgement_is_the_answer() {
    FakeKernel kernel = kernel(request -> List.of(data(request, 0), FakeKernel.answer(request, 0)));
    NetlinkSocket socket = open(kernel);
    assertThat(socket.request(request())).extracting(Message::type).containsExactly(TYPE);
    assertThat(socket.request(request())).hasSize(1);
    assertThat(kernel.requests).extracting(Message::sequence).doesNotHaveDuplicates();
  }

  @Test
  void answers_to_other_requests_are_passed_over() {
    FakeKernel kernel =
        kernel(request ->
            List.of(
                FakeKernel.message(TYPE, 0, request.sequence() - 1, BODY),
                FakeKernel.message(
                    NetlinkConstants.NLMSG_ERROR, 0, request.sequence() + 1, new byte[20]),
                FakeKernel.joined(data(request, 0), FakeKernel.answer(request, 0))));
    assertThat(open(kernel).request(request())).hasSize(1);
    assertThat(open(kernel).dump(LinkMessages.dump())).hasSize(1);
  }

  @Test
  void a_refusal_has_the_kernels_words_and_where_it_looked() {
    byte[] text = "Invalid thing.\0".getBytes(StandardCharsets.US_ASCII);
    for (boolean capped : new boolean[] {true, false}) {
      FakeKernel kernel =
          kernel(request -> {
            int repeated = capped ? 16 : 16 + request.body().limit();
            ByteBuffer body =
                ByteBuffer.allocate(200)
                    .order(ByteOrder.nativeOrder())
                    .putInt(-22)
                    .putInt(repeated);
            body.position(4 + Attributes.align(repeated));
            body.putShort((short) (4 + text.length)).putShort((short) 1).put(text);
            body.position(Attributes.align(body.position()));
            body.putShort((short) 8).putShort((short) 2).putInt(36);
            return List.of(
                FakeKernel.message(
                    NetlinkConstants.NLMSG_ERROR,
                    NetlinkConstants.NLM_F_ACK_TLVS | (capped ? NetlinkConstants.NLM_F_CAPPED : 0),
                    request.sequence(),
                    Arrays.copyOf(body.array(), body.position())));
          });
      assertThatThrownBy(() -> open(kernel).request(request()))
          .isInstanceOfSatisfying(
              NetlinkRefusal.class,
              refusal -> {
                assertThat(refusal.errno()).isEqualTo(Errno.EINVAL);
                assertThat(refusal.text()).isEqualTo("Invalid thing.");
                assertThat(refusal.offset()).isEqualTo(36);
              })
          .hasMessage("EINVAL, Invalid thing. (byte 36 of the request)");
    }
  }

  @Test
  void a_refusal_without_words_has_the_numbers_meaning() {
    FakeKernel kernel = kernel(request -> List.of(FakeKernel.answer(request, 133)));
    assertThatThrownBy(() -> open(kernel).request(request()))
        .isInstanceOfSatisfying(
            NetlinkRefusal.class,
            refusal -> {
              assertThat(refusal.errno()).isEqualTo(Errno.EUNKNOWN);
              assertThat(refusal.number()).isEqualTo(133);
              assertThat(refusal.reason()).isEqualTo("unknown error 133");
            });
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 4, 5, 7, 8, 19, 20, 21, 23})
  void a_refusal_of_any_length_is_one_of_its_kind(int bytes) {
    byte[] body = new byte[bytes];
    Arrays.fill(body, (byte) 0xFF);
    FakeKernel kernel =
        kernel(request ->
            List.of(
                FakeKernel.message(
                    NetlinkConstants.NLMSG_ERROR,
                    NetlinkConstants.NLM_F_ACK_TLVS,
                    request.sequence(),
                    body)));
    if (bytes < 4) {
      assertThat(open(kernel).request(request())).isEmpty();
    } else {
      assertThatThrownBy(() -> open(kernel).request(request()))
          .isInstanceOfSatisfying(
              NetlinkRefusal.class, refusal -> assertThat(refusal.number()).isEqualTo(1));
    }
  }

  @Test
  void a_dump_that_was_interrupted_is_asked_for_again() {
    AtomicInteger dumps = new AtomicInteger();
    FakeKernel kernel =
        kernel(request -> {
          int flags = dumps.incrementAndGet() < 3 ? NetlinkConstants.NLM_F_DUMP_INTR : 0;
          return List.of(
              data(request, dumps.get() == 1 ? flags : 0),
              data(request, 0),
              FakeKernel.done(request, dumps.get() == 2 ? flags : 0));
        });
    assertThat(open(kernel).dump(LinkMessages.dump())).hasSize(2);
    assertThat(dumps).hasValue(3);
  }

  @Test
  void a_dump_that_is_always_interrupted_ends_with_EAGAIN() {
    FakeKernel kernel =
        kernel(request ->
            List.of(data(request, NetlinkConstants.NLM_F_DUMP_INTR), FakeKernel.done(request, 0)));
    fails(() -> open(kernel).dump(LinkMessages.dump()), Errno.EAGAIN, "changed", "try again");
    assertThat(kernel.requests).hasSize(16);
  }

  @Test
  void a_refused_dump_says_why_at_its_beginning_and_at_its_end() {
    FakeKernel first = kernel(request -> List.of(FakeKernel.answer(request, 1)));
    assertThatThrownBy(() -> open(first).dump(LinkMessages.dump()))
        .isInstanceOfSatisfying(
            NetlinkRefusal.class, refusal -> assertThat(refusal.errno()).isEqualTo(Errno.EPERM));
    FakeKernel last =
        kernel(request -> {
          byte[] body = new byte[4];
          ByteBuffer.wrap(body).order(ByteOrder.nativeOrder()).putInt(-12);
          return List.of(
              data(request, 0),
              FakeKernel.message(NetlinkConstants.NLMSG_DONE, 0, request.sequence(), body));
        });
    assertThatThrownBy(() -> open(last).dump(LinkMessages.dump()))
        .isInstanceOfSatisfying(
            NetlinkRefusal.class, refusal -> assertThat(refusal.errno()).isEqualTo(Errno.ENOMEM));
  }

  @Test
  void a_datagram_longer_than_the_buffer_is_whole() {
    byte[] large = new byte[100_000];
    large[large.length - 1] = 7;
    FakeKernel kernel =
        kernel(request ->
            List.of(
                FakeKernel.message(TYPE, 0, request.sequence(), large),
                FakeKernel.answer(request, 0)));
    ByteBuffer body = open(kernel).request(request()).getFirst().body();
    assertThat(body.limit()).isEqualTo(large.length);
    assertThat(body.get(large.length - 1)).isEqualTo((byte) 7);
  }

  @Test
  void interrupted_calls_are_made_again() {
    FakeKernel kernel =
        kernel(request -> List.of(FakeKernel.answer(request, 0)))
            .failing("write", Errno.EINTR, Errno.EINTR)
            .failing("poll", Errno.EINTR)
            .failing("peek", Errno.EINTR)
            .failing("recv", Errno.EINTR);
    assertThat(open(kernel).request(request())).isEmpty();
    assertThat(kernel.requests).hasSize(1);
  }

  @Test
  void a_wake_up_without_a_datagram_is_waited_out() {
    FakeKernel kernel =
        kernel(request -> List.of(FakeKernel.answer(request, 0))).failing("peek", Errno.EAGAIN);
    assertThat(open(kernel).request(request())).isEmpty();
  }

  @Test
  void a_kernel_that_does_not_answer_is_given_up_after_a_while() {
    fails(
        () -> open(kernel(_ -> List.of())).request(request()),
        Errno.ETIMEDOUT,
        "did not answer in 5000 ms");
  }

  @ParameterizedTest
  @ValueSource(strings = {"write", "poll", "peek", "recv"})
  void a_call_that_fails_is_named_and_the_next_exchange_is_a_whole_one(String call) {
    FakeKernel kernel = kernel(request -> List.of(data(request, 0), FakeKernel.answer(request, 0)));
    NetlinkSocket socket = open(kernel.failing(call, Errno.EIO));
    fails(
        () -> socket.request(request()),
        Errno.EIO,
        call.equals("peek") ? "recv netlink socket" : call + " netlink socket");
    assertThat(socket.request(request())).hasSize(1);
    assertThat(kernel.waiting).isEmpty();
  }

  @Test
  void a_datagram_that_is_cut_is_EIO() {
    FakeKernel kernel =
        kernel(request -> List.of(Arrays.copyOf(FakeKernel.answer(request, 0), 30)));
    fails(() -> open(kernel).request(request()), Errno.EIO, "cut");
    FakeKernel endless = kernel(_ -> List.of(new byte[17 * 1024 * 1024]));
    fails(() -> open(endless).request(request()), Errno.EMSGSIZE, "announced");
  }

  @ParameterizedTest
  @EnumSource(
      value = Errno.class,
      names = {"EMFILE", "EPERM"})
  void a_socket_that_cannot_be_had_leaves_nothing_open(Errno errno) {
    for (String call : List.of("socket", "setsockopt", "bind")) {
      FakeKernel kernel = kernel(_ -> List.of()).failing(call, errno);
      fails(() -> open(kernel), errno, call);
      assertThat(kernel.closed).hasSize(call.equals("socket") ? 0 : 1);
    }
  }

  @Test
  void an_old_kernel_without_the_options_is_good_enough() {
    FakeKernel kernel =
        kernel(request -> List.of(FakeKernel.answer(request, 0)))
            .failing("setsockopt", Errno.ENOPROTOOPT, Errno.ENOPROTOOPT, Errno.ENOPROTOOPT);
    assertThat(open(kernel).request(request())).isEmpty();
  }

  @Test
  void a_closed_socket_makes_no_call() {
    FakeKernel kernel = kernel(request -> List.of(FakeKernel.answer(request, 0)));
    NetlinkSocket socket = open(kernel);
    socket.close();
    socket.close();
    assertThat(kernel.closed).containsExactly(FakeKernel.FD);
    fails(() -> socket.request(request()), Errno.EBADF, "closed");
    fails(() -> socket.dump(LinkMessages.dump()), Errno.EBADF, "closed");
    assertThat(kernel.requests).isEmpty();
  }
}
