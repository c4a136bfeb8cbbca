package io.vnet.api.port;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a port has counted, from one thread and from many. */
class PortLedgerTest {
  private static final int GUARD_SECONDS = 60;

  private final PortLedger ledger = new PortLedger();

  @Test
  void a_new_ledger_is_all_zero() {
    PortCounters counters = ledger.snapshot();

    assertThat(counters).isEqualTo(new PortCounters(0, 0, 0, 0, 0, Map.of()));
    assertThat(counters.dropped()).isZero();
    assertThat(DropReason.values())
        .allSatisfy(reason -> assertThat(counters.dropped(reason)).isZero());
  }

  @Test
  void each_direction_adds_up_packets_and_bytes() {
    ledger.received(3, 4_500);
    ledger.received(0, 0);
    ledger.received(1, 60);
    ledger.sent(2, 128);
    ledger.sent(5, 5L << 40);
    ledger.split(2);
    ledger.split(1);

    assertThat(ledger.snapshot())
        .isEqualTo(new PortCounters(4, 4_560, 7, 128 + (5L << 40), 3, Map.of()));
  }

  @Test
  void drops_are_kept_by_reason_and_a_reason_without_a_drop_is_absent() {
    ledger.dropped(DropReason.TOO_LONG, 2);
    ledger.dropped(DropReason.QUEUE_FULL, 1);
    ledger.dropped(DropReason.TOO_LONG, 3);
    ledger.dropped(DropReason.FILTERED, 0);

    PortCounters counters = ledger.snapshot();

    assertThat(counters.drops())
        .isEqualTo(Map.of(DropReason.TOO_LONG, 5L, DropReason.QUEUE_FULL, 1L));
    assertThat(counters.dropped(DropReason.TOO_LONG)).isEqualTo(5);
    assertThat(counters.dropped(DropReason.FILTERED)).isZero();
    assertThat(counters.dropped()).isEqualTo(6);
  }

  @Test
  void every_reason_has_a_place_of_its_own() {
    for (DropReason reason : DropReason.values()) {
      ledger.dropped(reason, 100 + reason.name().length());
    }

    assertThat(DropReason.values())
        .allSatisfy(reason ->
            assertThat(ledger.snapshot().dropped(reason)).isEqualTo(100 + reason.name().length()));
  }

  @Test
  void a_snapshot_stays_as_it_was() {
    ledger.dropped(DropReason.NOT_OPEN, 1);
    PortCounters before = ledger.snapshot();

    ledger.dropped(DropReason.NOT_OPEN, 1);
    ledger.sent(1, 1);

    assertThat(before).isEqualTo(new PortCounters(0, 0, 0, 0, 0, Map.of(DropReason.NOT_OPEN, 1L)));
  }

  @Test
  void counters_keep_their_own_copy_of_the_drops() {
    Map<DropReason, Long> drops = new EnumMap<>(Map.of(DropReason.MALFORMED, 2L));
    PortCounters counters = new PortCounters(0, 0, 0, 0, 0, drops);

    drops.clear();

    assertThat(counters.dropped(DropReason.MALFORMED)).isEqualTo(2);
  }

  @Test
  void drops_of_many_threads_beside_both_directions_are_all_counted() throws Exception {
    int droppers = 4;
    int rounds = 20_000;
    CyclicBarrier start = new CyclicBarrier(droppers + 2);
    List<Future<?>> threads = new ArrayList<>();
    try (ExecutorService executor =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      threads.add(executor.submit(() -> repeat(start, rounds, () -> ledger.received(2, 100))));
      threads.add(executor.submit(() -> repeat(start, rounds, () -> ledger.sent(3, 200))));
      for (int i = 0; i < droppers; i++) {
        threads.add(
            executor.submit(() ->
                repeat(
                    start,
                    rounds,
                    () -> {
                      ledger.dropped(DropReason.QUEUE_FULL, 1);
                      ledger.dropped(DropReason.STREAM_ENDED, 2);
                    })));
      }
      for (Future<?> thread : threads) {
        thread.get(GUARD_SECONDS, TimeUnit.SECONDS);
      }
    }

    long n = rounds;
    assertThat(ledger.snapshot())
        .isEqualTo(
            new PortCounters(
                2 * n,
                100 * n,
                3 * n,
                200 * n,
                0,
                Map.of(
                    DropReason.QUEUE_FULL,
                    droppers * n,
                    DropReason.STREAM_ENDED,
                    2L * droppers * n)));
  }

  private static Void repeat(CyclicBarrier start, int rounds, Runnable step) throws Exception {
    start.await(GUARD_SECONDS, TimeUnit.SECONDS);
    for (int i = 0; i < rounds; i++) {
      step.run();
    }
    return null;
  }
}
