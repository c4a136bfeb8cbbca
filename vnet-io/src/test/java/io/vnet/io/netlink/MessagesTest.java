package io.vnet.io.netlink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import io.vnet.api.address.MacAddress;
import io.vnet.io.libc.NetlinkConstants;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Objects become messages and come back from them; bytes that are none become nothing. */
class MessagesTest {
  private static final int FUZZ_ROUNDS = 20_000;

  private static final List<Route> ROUTES =
      List.of(
          Route.to(IpPrefix.parse("10.1.0.0/16")).on(3),
          Route.to(IpPrefix.parse("0.0.0.0/0"))
              .via(IpAddress.parse("10.1.0.1"))
              .withTable(51820)
              .withMetric(4_000_000_000L),
          Route.to(IpPrefix.parse("10.1.0.0/16"))
              .via(IpAddress.parse("fd01::1"))
              .on(3)
              .withOnLink()
              .withPreferredSource(IpAddress.parse("10.2.0.1")),
          Route.to(IpPrefix.parse("fd01::/64"))
              .via(IpAddress.parse("fe80::1"))
              .on(3)
              .withMtu(1400, true),
          Route.to(IpPrefix.parse("::/0")).withType(Route.Type.UNREACHABLE).withMtu(1300, false));

  private static final List<Rule> RULES =
      List.of(
          Rule.lookup(254).withPriority(5),
          Rule.lookup(51820).withMark(-2).not().forV6().withPriority(1),
          Rule.lookup(7).withMark(0x10, 0xF0).withSuppressPrefixLength(0).withPriority(9),
          Rule.lookup(3)
              .from(IpPrefix.parse("fd01::/16"))
              .to(IpPrefix.parse("fd02::/32"))
              .withPriority(4_000_000_000L));

  private static final List<InterfaceAddress> ADDRESSES =
      List.of(
          InterfaceAddress.of(IpPrefix.parse("10.1.0.1/24")).on(3),
          InterfaceAddress.of(IpPrefix.parse("127.0.0.2/8")).on(1),
          InterfaceAddress.of(IpPrefix.parse("10.1.0.1/32"))
              .withPeer(IpAddress.parse("10.2.0.1"))
              .withoutPrefixRoute()
              .on(3),
          InterfaceAddress.of(IpPrefix.parse("fd01::1/64"))
              .withScope(Scope.LINK)
              .withoutDad()
              .on(70_000));

  private static final List<Neighbour> NEIGHBOURS =
      List.of(
          Neighbour.of(IpAddress.parse("10.1.0.2"), MacAddress.parse("02:00:00:00:00:01")).on(3),
          Neighbour.of(IpAddress.parse("fe80::2"), MacAddress.BROADCAST)
              .withState(Neighbour.State.STALE)
              .on(3),
          Neighbour.proxy(IpAddress.parse("10.1.0.9")).on(3));

  private static final List<Function<Message, ? extends Optional<?>>> DECODERS =
      List.of(
          LinkMessages::decode,
          AddressMessages::decode,
          RouteMessages::decode,
          RuleMessages::decode,
          NeighbourMessages::decode);

  private static Message sent(MessageWriter writer) {
    Message.Datagram datagram = Message.split(ByteBuffer.wrap(writer.toByteArray(9)));
    assertThat(datagram.whole()).isTrue();
    assertThat(datagram.messages()).hasSize(1);
    assertThat(datagram.messages().getFirst().sequence()).isEqualTo(9);
    return datagram.messages().getFirst();
  }

  @Test
  void routes_come_back_from_their_messages() {
    for (Route route : ROUTES) {
      MessageWriter message = RouteMessages.request(NetlinkConstants.RTM_NEWROUTE, 0, route);
      assertThat(RouteMessages.decode(sent(message))).contains(route);
    }
  }

  @Test
  void rules_come_back_from_their_messages() {
    for (Rule rule : RULES) {
      MessageWriter message = RuleMessages.request(NetlinkConstants.RTM_NEWRULE, 0, rule);
      assertThat(RuleMessages.decode(sent(message))).contains(rule);
    }
  }

  @Test
  void addresses_come_back_from_their_messages() {
    for (InterfaceAddress address : ADDRESSES) {
      MessageWriter message = AddressMessages.request(NetlinkConstants.RTM_NEWADDR, 0, address);
      // Whether it is permanent only the kernel says.
      assertThat(AddressMessages.decode(sent(message)))
          .hasValueSatisfying(decoded -> {
            assertThat(decoded.isSameEntry(address)).isTrue();
            assertThat(decoded.scope()).isEqualTo(address.scope());
            assertThat(decoded.noPrefixRoute()).isEqualTo(address.noPrefixRoute());
            assertThat(decoded.noDad()).isEqualTo(address.noDad());
          });
    }
  }

  @Test
  void neighbours_come_back_from_their_messages() {
    for (Neighbour neighbour : NEIGHBOURS) {
      MessageWriter message =
          NeighbourMessages.request(NetlinkConstants.RTM_NEWNEIGH, 0, neighbour);
      assertThat(NeighbourMessages.decode(sent(message))).contains(neighbour);
    }
  }

  @Test
  void an_address_is_these_bytes() {
    byte[] message =
        AddressMessages.request(
                NetlinkConstants.RTM_NEWADDR,
                NetlinkConstants.NLM_F_CREATE,
                InterfaceAddress.of(IpPrefix.parse("10.1.0.1/24")).on(3))
            .toByteArray(1);
    // struct nlmsghdr, struct ifaddrmsg, IFA_LOCAL, IFA_ADDRESS; of a little-endian machine.
    String little =
        "28000000 1400 0504 01000000 00000000 02 18 00 00 03000000"
            + " 0800 0200 0a010001 0800 0100 0a010001";
    byte[] expected = HexFormat.of().parseHex(little.replace(" ", ""));
    if (ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN) {
      assertThat(message).isEqualTo(expected);
    } else {
      assertThat(message).hasSameSizeAs(expected);
    }
  }

  @Test
  void a_nested_attribute_knows_its_length_and_long_messages_grow() {
    MessageWriter writer = LinkMessages.createVeth("a".repeat(15), "b".repeat(15));
    Attributes info =
        sent(writer)
            .attributes(NetlinkConstants.IFINFOMSG_BYTES)
            .nested(NetlinkConstants.IFLA_LINKINFO);
    assertThat(info.text(NetlinkConstants.IFLA_INFO_KIND)).isEqualTo("veth");
    assertThat(info.nested(NetlinkConstants.IFLA_INFO_DATA).has(NetlinkConstants.VETH_INFO_PEER))
        .isTrue();
    MessageWriter large = LinkMessages.change(3);
    String alias = "x".repeat(5000);
    large.attributeText(NetlinkConstants.IFLA_IFALIAS, alias);
    large.attribute32(NetlinkConstants.IFLA_MTU, 1234);
    Attributes attributes = sent(large).attributes(NetlinkConstants.IFINFOMSG_BYTES);
    assertThat(attributes.text(NetlinkConstants.IFLA_IFALIAS)).isEqualTo(alias);
    assertThat(attributes.s32(NetlinkConstants.IFLA_MTU, 0)).isEqualTo(1234);
  }

  @Test
  void unknown_attributes_are_skipped_and_short_ones_count_as_missing() {
    MessageWriter writer =
        LinkMessages.change(3)
            .attribute(999, new byte[] {1, 2, 3})
            .attribute(NetlinkConstants.IFLA_MTU, new byte[] {1, 2})
            .attribute(NetlinkConstants.IFLA_ADDRESS, new byte[] {1, 2})
            .attribute(NetlinkConstants.IFLA_CARRIER, new byte[0])
            .attribute(NetlinkConstants.IFLA_STATS64, new byte[12])
            .attributeText(NetlinkConstants.IFLA_IFNAME, "tun3");
    Link link = LinkMessages.decode(sent(writer)).orElseThrow();
    assertThat(link.index()).isEqualTo(3);
    assertThat(link.name()).isEqualTo("tun3");
    assertThat(link.mtu()).isZero();
    assertThat(link.mac()).isEmpty();
    assertThat(link.counters().txPackets()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 8, 11, 15})
  void a_body_shorter_than_its_header_is_no_object(int bytes) {
    for (Function<Message, ? extends Optional<?>> decoder : DECODERS) {
      assertThat(decoder.apply(new Message(0, 0, 0, ByteBuffer.allocate(bytes)))).isEmpty();
    }
  }

  @Test
  void a_message_that_is_cut_ends_the_datagram() {
    byte[] whole = RouteMessages.dump(2).toByteArray(1);
    byte[] two = FakeKernel.joined(whole, whole);
    for (int bytes = 0; bytes <= two.length; bytes++) {
      Message.Datagram datagram = Message.split(ByteBuffer.wrap(two, 0, bytes));
      assertThat(datagram.messages()).hasSize(bytes / whole.length);
      assertThat(datagram.whole()).isEqualTo(bytes % whole.length == 0);
    }
    byte[] backwards = whole.clone();
    ByteBuffer.wrap(backwards).order(ByteOrder.nativeOrder()).putInt(0, -1);
    assertThat(Message.split(ByteBuffer.wrap(backwards)).whole()).isFalse();
  }

  /** Flips, cuts and noise over whole messages; replay with {@code -Dvnet.netlink.seed}. */
  @Test
  void no_bytes_make_a_decoder_throw() {
    long seed = Long.getLong("vnet.netlink.seed", System.nanoTime());
    Random random = new Random(seed);
    List<byte[]> whole =
        List.of(
            RouteMessages.request(24, 0, ROUTES.get(2)).toByteArray(1),
            RouteMessages.request(24, 0, ROUTES.get(3)).toByteArray(1),
            RuleMessages.request(32, 0, RULES.get(3)).toByteArray(1),
            AddressMessages.request(20, 0, ADDRESSES.get(2)).toByteArray(1),
            NeighbourMessages.request(28, 0, NEIGHBOURS.get(0)).toByteArray(1),
            LinkMessages.createVeth("a0", "a1").toByteArray(1));
    int decoded = 0;
    for (int round = 0; round < FUZZ_ROUNDS; round++) {
      byte[] bytes = whole.get(random.nextInt(whole.size())).clone();
      for (int flips = random.nextInt(8); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      if (random.nextInt(8) == 0) {
        random.nextBytes(bytes);
      }
      // The length is kept likely, or nothing behind it would ever be looked at.
      int length = random.nextInt(4) == 0 ? random.nextInt(bytes.length + 1) : bytes.length;
      if (length >= 4 && random.nextInt(4) != 0) {
        ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).putInt(0, length);
      }
      try {
        for (Message message :
            Message.split(ByteBuffer.wrap(bytes, 0, length).slice()).messages()) {
          for (Function<Message, ? extends Optional<?>> decoder : DECODERS) {
            decoded += decoder.apply(message).isPresent() ? 1 : 0;
          }
          refusal(message);
        }
      } catch (RuntimeException e) {
        throw new AssertionError(
            "seed " + seed + ", round " + round + ": " + HexFormat.of().formatHex(bytes, 0, length),
            e);
      }
    }
    assertThat(decoded).as("decoded, seed %d", seed).isGreaterThan(FUZZ_ROUNDS);
  }

  /** An answer may be any bytes too: it is a refusal or none. */
  private static void refusal(Message message) {
    try {
      NetlinkSocket.throwIfRefused(
          new Message(
              NetlinkConstants.NLMSG_ERROR, message.flags(), message.sequence(), message.body()));
    } catch (NetlinkRefusal e) {
      assertThat(e.number()).isPositive();
    }
  }

  @Test
  void impossible_objects_are_refused_where_they_are_made() {
    assertThatThrownBy(() -> new Scope(256)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Route.to(IpPrefix.parse("fd01::/16")).via(IpAddress.parse("10.0.0.1")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() ->
            Route.to(IpPrefix.parse("10.0.0.0/8")).withPreferredSource(IpAddress.parse("::1")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ROUTES.getFirst().withMetric(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ROUTES.getFirst().withTable(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Rule.lookup(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> RULES.getLast().to(IpPrefix.parse("10.0.0.0/8")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ADDRESSES.getFirst().withPeer(IpAddress.parse("::1")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(Route.to(IpPrefix.parse("10.1.2.3/8")).destination())
        .isEqualTo(IpPrefix.parse("10.0.0.0/8"));
  }
}
