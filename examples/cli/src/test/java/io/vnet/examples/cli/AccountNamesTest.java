package io.vnet.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Numbers are shown with the names that a file has for them, and nothing else in it does harm. */
class AccountNamesTest {
  @Test
  void the_first_name_of_a_number_is_shown_behind_it(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("passwd");
    Files.writeString(
        file,
        """
        root:x:0:0:root:/root:/bin/sh
        toor:x:0:0::/root:/bin/sh
        # a comment
        +::::::
        short:x
        odd:x:number:0::/:
        long:x:99999999999999999999:0::/:
        nobody:x:65534:65534::/:
        """);
    AccountNames names = AccountNames.read(file);
    assertThat(names.show(0)).isEqualTo("0(root)");
    assertThat(names.show(65534)).isEqualTo("65534(nobody)");
    assertThat(names.show(7)).isEqualTo("7");
  }

  @Test
  void without_a_file_there_are_numbers(@TempDir Path directory) {
    assertThat(AccountNames.read(directory.resolve("none")).show(0)).isEqualTo("0");
  }
}
