package io.vnet.benchmarks.relay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.vnet.benchmarks.relay.Proc.Stat;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is read out of the words of iperf3, ping and the kernel. */
class ToolsTest {
  @Test
  void of_iperf3_the_last_object_of_a_name_counts() throws IOException {
    String json =
        """
        {"intervals": [{"sum": {"seconds": 1.0, "bytes": 5}}],
         "end": {"streams": [], "sum": {
           "seconds":\t3.5, "bits_per_second": 1.25e+09, "bytes": 7}}}
        """;

    assertThat(Tools.iperf3(json, "sum", "seconds")).isEqualTo(3.5);
    assertThat(Tools.iperf3(json, "sum", "bits_per_second")).isEqualTo(1.25e9);
    assertThatThrownBy(() -> Tools.iperf3(json, "sum_received", "bytes"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("iperf3 wrote no sum_received.bytes: ");
  }

  @Test
  void round_trips_are_in_microseconds() {
    double[] micros =
        Tools.roundTripMicros(
            """
            PING 10.78.0.2 (10.78.0.2) 56(84) bytes of data.
            64 bytes from 10.78.0.2: icmp_seq=1 ttl=64 time=0.125 ms
            64 bytes from 10.78.0.2: icmp_seq=2 ttl=64 time=12.5 ms

            2 packets transmitted, 2 received, 0% packet loss, time 2ms
            """);

    assertThat(micros).containsExactly(new double[] {125, 12_500}, within(0.001));
  }

  @Test
  void datagrams_that_found_a_full_buffer_have_arrived_too() throws IOException {
    assertThat(
            Tools.udpArrived(
                List.of(
                    "Tcp: InSegs InErrs",
                    "Tcp: 1 2",
                    "Udp: NoPorts InDatagrams InErrors RcvbufErrors",
                    "Udp: 7 123456789000 9 12",
                    "UdpLite: InDatagrams RcvbufErrors",
                    "UdpLite: 5 5")))
        .isEqualTo(123_456_789_012L);
    assertThatThrownBy(() -> Tools.udpArrived(List.of("Udp: InDatagrams", "Udp: 1")))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("the kernel does not count RcvbufErrors");
    assertThatThrownBy(() -> Tools.udpArrived(List.of("Udp: InDatagrams")))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("the kernel does not count datagrams");
  }

  @Test
  void a_process_may_be_called_as_it_likes() {
    String line = "42 (a b) c) S 7 42 42 0 -1 4194304 1 0 0 0 30 12 5 3 20 0 1 0 99";

    assertThat(Stat.parse(line)).isEqualTo(new Stat(7, false, 42, 8));
    assertThat(Stat.parse(line.replace("4194304", "2129984"))).isEqualTo(new Stat(7, true, 42, 8));
  }

  @Test
  void others_are_neither_the_kernel_nor_this_process_nor_its_descendants() {
    Map<Long, Stat> processes =
        Map.of(
            1L, new Stat(0, false, 1, 2),
            2L, new Stat(0, true, 1000, 0),
            10L, new Stat(1, false, 4, 8),
            20L, new Stat(10, false, 100, 100),
            21L, new Stat(20, false, 100, 100),
            22L, new Stat(21, false, 100, 100),
            30L, new Stat(29, false, 16, 32));

    assertThat(Proc.otherTicks(processes, 20)).isEqualTo(1 + 2 + 4 + 8 + 16 + 32);
  }

  @Test
  void stolen_time_is_the_eighth_column() {
    assertThat(Proc.stolenTicks(List.of("cpu  1 2 3 4 5 6 7 8 9 10", "cpu0 1 1 1 1 1 1 1 1 1 1")))
        .isEqualTo(8);
  }

  @Test
  void what_threads_have_allocated_is_added_up_in_all_units() throws IOException {
    String threads =
        """
        "main" #1 [7] prio=5 os_prio=0 cpu=95.00ms elapsed=1.00s allocated=430M defined_classes=2
        "vnet-island-0" #9 daemon allocated=11696B defined_classes=0
        "idle" #10 daemon allocated=12K defined_classes=0
        """;
    assertThat(Tools.allocatedBytes(threads)).isEqualTo(430 * 1024.0 * 1024 + 11696 + 12 * 1024);
    assertThatThrownBy(() -> Tools.allocatedBytes("no threads")).hasMessageContaining("no threads");
  }
}
