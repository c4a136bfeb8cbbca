package io.vnet.io.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.error.Errno;
import io.vnet.io.loop.IslandLoop;
import io.vnet.io.testkit.FaultyLibc;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which I/O thread a device gets, by its kind and by what the kernel allows. */
class IslandsIT {
  private final FaultyLibc libc = new FaultyLibc();
  private final IslandSettings two = IslandSettings.defaults().withThreads(2, 1);

  @AfterEach
  void nothing_is_left() {
    assertThat(libc.open()).as("descriptors").isEmpty();
  }

  @Test
  void plain_devices_take_turns_over_io_uring_and_offload_ones_share_the_first() {
    try (Islands islands = Islands.start(two, libc)) {
      assertThat(islands.all()).hasSize(2).allMatch(IslandLoop::isUring);
      List<IslandLoop> plain = List.of(islands.next(false), islands.next(false));
      assertThat(plain).doesNotHaveDuplicates().containsExactlyElementsOf(islands.all());
      assertThat(islands.next(true)).isSameAs(islands.next(true)).isSameAs(plain.getFirst());
      assertThat(islands.next(false)).isSameAs(plain.getFirst());
      assertThat(islands.all()).hasSize(2);
    }
  }

  @Test
  void where_io_uring_is_forbidden_they_share_the_threads() {
    libc.fail("io_uring_setup", 0, Errno.EPERM);
    libc.fail("io_uring_setup", 0, Errno.EPERM);
    try (Islands islands = Islands.start(two, libc)) {
      assertThat(libc.fired()).isEqualTo(2);
      assertThat(islands.all()).hasSize(2).noneMatch(IslandLoop::isUring);
      assertThat(islands.next(true)).isSameAs(islands.next(true)).isIn(islands.all());
      assertThat(islands.all()).hasSize(2);
    }
  }

  @Test
  void one_way_for_all_is_one_way_for_all() {
    for (HostIo io : List.of(HostIo.EPOLL, HostIo.IO_URING)) {
      try (Islands islands = Islands.start(two.withIo(io).withThreads(1, 2), libc)) {
        List<IslandLoop> offload = List.of(islands.next(true), islands.next(true));
        assertThat(offload).doesNotHaveDuplicates().contains(islands.next(false));
        assertThat(islands.all())
            .hasSize(2)
            .allMatch(loop -> loop.isUring() == (io == HostIo.IO_URING));
      }
    }
  }

  @Test
  void after_the_end_there_are_none() {
    Islands islands = Islands.start(two, libc);
    islands.close();
    assertThatThrownBy(() -> islands.next(true)).hasMessageContaining("ESHUTDOWN");
    assertThatThrownBy(() -> islands.next(false)).hasMessageContaining("ESHUTDOWN");
  }
}
