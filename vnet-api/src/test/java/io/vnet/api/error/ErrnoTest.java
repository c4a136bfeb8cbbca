package io.vnet.api.error;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The names against the numbers of Linux's errno-base.h and errno.h. */
class ErrnoTest {
  private static final String LINUX =
      """
      EPERM=1 ENOENT=2 ESRCH=3 EINTR=4 EIO=5 ENXIO=6 E2BIG=7 EBADF=9 EAGAIN=11 ENOMEM=12 EACCES=13
      EFAULT=14 EBUSY=16 EEXIST=17 ENODEV=19 EINVAL=22 ENFILE=23 EMFILE=24 ENOTTY=25 ENOSPC=28
      ERANGE=34 EDEADLK=35 ENAMETOOLONG=36 ENOSYS=38 ELOOP=40 ETIME=62 EBADFD=77 EMSGSIZE=90 EPROTOTYPE=91
      ENOPROTOOPT=92 EOPNOTSUPP=95 EAFNOSUPPORT=97 EADDRINUSE=98 EADDRNOTAVAIL=99 ENETDOWN=100
      ENETUNREACH=101 ENOBUFS=105 ESHUTDOWN=108 ETIMEDOUT=110 ECONNREFUSED=111
      EHOSTDOWN=112 EHOSTUNREACH=113
      ECANCELED=125
      """;

  @Test
  void each_name_has_linuxs_number_and_the_number_leads_back_to_it() {
    Map<String, Integer> expected =
        Arrays.stream(LINUX.strip().split("\\s+"))
            .map(pair -> pair.split("=", -1))
            .collect(Collectors.toMap(pair -> pair[0], pair -> Integer.valueOf(pair[1])));

    Map<String, Integer> actual =
        Arrays.stream(Errno.values())
            .filter(errno -> errno != Errno.EUNKNOWN)
            .collect(Collectors.toMap(Errno::name, Errno::number));

    assertThat(actual).isEqualTo(expected);
    assertThat(Errno.values())
        .allSatisfy(errno -> assertThat(Errno.ofNumber(errno.number())).isSameAs(errno));
  }

  @Test
  void a_number_without_a_name_is_unknown() {
    assertThat(List.of(Integer.MIN_VALUE, -11, -1, 0, 8, 41, 58, 124, 126, Integer.MAX_VALUE))
        .allSatisfy(number -> assertThat(Errno.ofNumber(number)).isEqualTo(Errno.EUNKNOWN));
    assertThat(Errno.EUNKNOWN.number()).isEqualTo(-1);
  }

  @Test
  void a_meaning_is_a_few_words_in_lower_case_without_the_name() {
    assertThat(Errno.values())
        .allSatisfy(errno ->
            assertThat(errno.meaning())
                .isNotBlank()
                .isLowerCase()
                .doesNotContainIgnoringCase(errno.name()));
  }
}
