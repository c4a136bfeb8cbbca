package io.vnet.tunnel.routing;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.api.address.IpAddress;
import io.vnet.api.address.IpPrefix;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Cryptokey routing (cases A1, A4, A5, A6): the references' own table, a linear twin under random
 * changes, and a reader beside the writer.
 */
class AllowedIpsTest {
  private final AllowedIps<String> table = new AllowedIps<>();

  private void put(String owner, String... prefixes) {
    for (String prefix : prefixes) {
      table.put(IpPrefix.parse(prefix), owner);
    }
  }

  private @Nullable String find(String address) {
    return table.find(IpAddress.parse(address));
  }

  private void putReferenceTable() {
    put("a", "192.168.4.0/24");
    put("b", "192.168.4.4/32");
    put("c", "192.168.0.0/16");
    put("d", "192.95.5.64/27");
    put("c", "192.95.5.65/27");
    put("e", "0.0.0.0/0");
    put("g", "64.15.112.0/20");
    put("h", "64.15.123.211/25");
    put("a", "10.0.0.0/25");
    put("b", "10.0.0.128/25");
    put("a", "10.1.0.0/30");
    put("b", "10.1.0.4/30");
    put("c", "10.1.0.8/29");
    put("d", "10.1.0.16/29");
  }

  @ParameterizedTest
  @CsvSource({
    "192.168.4.20, a",
    "192.168.4.0, a",
    "192.168.4.4, b",
    "192.168.200.182, c",
    "192.95.5.68, c",
    "192.95.5.96, e",
    "64.15.116.26, g",
    "64.15.127.3, g",
    "64.15.123.128, h",
    "10.1.0.7, b",
    "10.1.0.15, c",
    "8.8.8.8, e"
  })
  void A1_the_longest_prefix_says_whose_an_address_is(String address, String owner) {
    putReferenceTable();

    assertThat(find(address)).isEqualTo(owner);
    byte[] packet = new byte[7 + 4];
    System.arraycopy(IpAddress.parse(address).toByteArray(), 0, packet, 7, 4);
    assertThat(table.find4(MemorySegment.ofArray(packet), 7)).isEqualTo(owner);
  }

  @Test
  void A1_only_the_owner_of_exactly_this_prefix_loses_it_and_nothing_is_left_in_the_end() {
    putReferenceTable();

    table.remove(IpPrefix.parse("192.168.4.0/24"), "b");
    assertThat(find("192.168.4.20")).isEqualTo("a");
    table.remove(IpPrefix.parse("192.168.4.0/32"), "a");
    assertThat(find("192.168.4.20")).isEqualTo("a");
    table.remove(IpPrefix.parse("192.168.4.0/24"), "a");
    assertThat(find("192.168.4.20")).isEqualTo("c");

    for (String owner : List.of("a", "b", "c", "d", "e", "g", "h")) {
      table.removeAll(owner);
      assertThat(table.of(owner)).isEmpty();
    }
    assertThat(table.nodes()).isZero();
    assertThat(find("8.8.8.8")).isNull();
  }

  @Test
  void A4_a_prefix_moves_to_the_owner_who_got_it_last() {
    put("a", "10.0.0.0/24", "10.0.1.0/24");
    put("b", "10.0.0.77/24");

    assertThat(find("10.0.0.1")).isEqualTo("b");
    assertThat(table.of("a")).containsExactly(IpPrefix.parse("10.0.1.0/24"));
    assertThat(table.of("b")).containsExactly(IpPrefix.parse("10.0.0.0/24"));
    table.removeAll("a");
    assertThat(find("10.0.0.1")).isEqualTo("b");
  }

  @Test
  void A5_the_default_prefixes_catch_the_rest_of_their_own_family() {
    put("four", "0.0.0.0/0");
    put("six", "::/0");
    put("host", "fd00::1/128");

    assertThat(find("255.255.255.255")).isEqualTo("four");
    assertThat(find("fd00::2")).isEqualTo("six");
    assertThat(find("fd00::1")).isEqualTo("host");
    table.removeAll("six");
    assertThat(find("fd00::2")).isNull();
    assertThat(find("0.0.0.0")).isEqualTo("four");
  }

  @Test
  void mapped_addresses_are_ipv6() {
    put("mapped", "::ffff:10.0.0.0/104");

    assertThat(find("::ffff:10.1.2.3")).isEqualTo("mapped");
    assertThat(find("10.1.2.3")).isNull();
  }

  @Test
  void an_owners_prefixes_are_listed_without_host_bits_in_the_order_in_which_he_got_them() {
    put("a", "10.9.9.9/8", "fd00::5/64", "10.0.0.0/16", "10.1.2.3/8", "192.0.2.1/32");
    table.remove(IpPrefix.parse("10.0.255.0/16"), "a");

    assertThat(table.of("a"))
        .containsExactly(
            IpPrefix.parse("10.0.0.0/8"),
            IpPrefix.parse("fd00::/64"),
            IpPrefix.parse("192.0.2.1/32"));
    assertThat(table.of("b")).isEmpty();
  }

  /** A list in which every entry is looked at. */
  private static final class Linear {
    private record Entry(IpPrefix prefix, String owner) {}

    private final List<Entry> entries = new ArrayList<>();

    void put(IpPrefix prefix, String owner) {
      if (entries.contains(new Entry(prefix.network(), owner))) {
        return;
      }
      entries.removeIf(entry -> entry.prefix.equals(prefix.network()));
      entries.add(new Entry(prefix.network(), owner));
    }

    void remove(IpPrefix prefix, String owner) {
      entries.remove(new Entry(prefix.network(), owner));
    }

    void removeAll(String owner) {
      entries.removeIf(entry -> entry.owner.equals(owner));
    }

    List<IpPrefix> of(String owner) {
      return entries.stream().filter(e -> e.owner.equals(owner)).map(Entry::prefix).toList();
    }

    @Nullable String find(IpAddress address) {
      Entry best = null;
      for (Entry entry : entries) {
        if (entry.prefix.contains(address)
            && (best == null || entry.prefix.length() > best.prefix.length())) {
          best = entry;
        }
      }
      return best == null ? null : best.owner;
    }
  }

  @Test
  void A6_random_changes_and_lookups_agree_with_a_linear_search() {
    long seed = Long.getLong("vnet.seed", 20_261_128L);
    SplittableRandom random = new SplittableRandom(seed);
    Linear linear = new Linear();
    String[] owners = {"a", "b", "c", "d", "e", "f", "g", "h"};
    for (int i = 0; i < 150_000; i++) {
      String owner = owners[random.nextInt(owners.length)];
      int what = random.nextInt(100);
      if (what < 25) {
        IpPrefix prefix = randomPrefix(random);
        table.put(prefix, owner);
        linear.put(prefix, owner);
      } else if (what < 45) {
        List<IpPrefix> owned = linear.of(owner);
        IpPrefix prefix =
            owned.isEmpty() || random.nextInt(4) == 0
                ? randomPrefix(random)
                : owned.get(random.nextInt(owned.size()));
        table.remove(prefix, owner);
        linear.remove(prefix, owner);
      } else if (what == 45) {
        table.removeAll(owner);
        linear.removeAll(owner);
        assertThat(table.of(owner)).isEmpty();
      } else if (what == 46) {
        assertThat(table.of(owner)).as("seed %d", seed).isEqualTo(linear.of(owner));
      } else {
        IpAddress address = randomAddress(random);
        assertThat(table.find(address))
            .as("seed %d, step %d, %s", seed, i, address)
            .isEqualTo(linear.find(address));
        MemorySegment memory = MemorySegment.ofArray(address.toByteArray());
        assertThat(address.v6() ? table.find6(memory, 0) : table.find4(memory, 0))
            .isEqualTo(linear.find(address));
      }
      // A fork for every two leaves at the most.
      assertThat(table.nodes()).isLessThanOrEqualTo(Math.max(0, 2 * linear.entries.size() - 1));
    }
    for (String owner : owners) {
      table.removeAll(owner);
    }
    assertThat(table.nodes()).as("seed %d", seed).isZero();
  }

  /** Dense, so that prefixes hold each other and addresses hit them. */
  private static IpAddress randomAddress(SplittableRandom random) {
    int bits = random.nextInt(1 << 6);
    int place = random.nextInt(5);
    return random.nextBoolean()
        ? IpAddress.v4(bits << (place * 6))
        : IpAddress.v6((long) bits << (place * 14), (long) random.nextInt(16) << (60 - place * 13));
  }

  private static IpPrefix randomPrefix(SplittableRandom random) {
    IpAddress address = randomAddress(random);
    return new IpPrefix(address, random.nextInt(address.bits() + 1));
  }

  /**
   * The writer gives and takes a narrow and a wide prefix in an order in which the address always
   * has an owner; a reader must never see it without one, nor with one who never had it.
   */
  @Test
  void a_reader_beside_the_writer_sees_only_states_that_there_were() throws InterruptedException {
    put("always", "10.0.0.0/8");
    put("other", "10.128.0.0/16", "11.0.0.0/8");
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<@Nullable String> wrong = new AtomicReference<>();
    MemorySegment address =
        MemorySegment.ofArray(IpAddress.parse("10.1.2.3").toByteArray()).asReadOnly();
    long[] seen = new long[1];
    Thread reader =
        Thread.ofPlatform()
            .start(() -> {
              while (!done.get()) {
                String owner = table.find4(address, 0);
                if (owner == null || owner.equals("other")) {
                  wrong.set("" + owner);
                }
                seen[0]++;
              }
            });
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 100_000; i++) {
      // Between two of these steps the address is the wide or the narrow prefix's.
      put("narrow", "10.1.2.0/24");
      put("wide", "10.1.0.0/16");
      table.remove(IpPrefix.parse("10.1.2.0/24"), "narrow");
      put("other", "10." + (128 + random.nextInt(100)) + ".0.0/" + (9 + random.nextInt(8)));
      if (random.nextInt(4) == 0) {
        table.removeAll("other");
      }
      put("narrow", "10.1.2.3/32");
      table.removeAll("wide");
      table.removeAll("narrow");
    }
    done.set(true);
    reader.join();

    assertThat(wrong.get()).isNull();
    assertThat(seen[0]).isPositive();
  }
}
