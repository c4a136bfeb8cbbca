package io.vnet.io.netlink;

import static org.assertj.core.api.Assertions.assertThat;

import io.vnet.io.netns.NetworkNamespace;
import io.vnet.io.testkit.DocumentedProgram;
import io.vnet.io.testkit.NetworkNamespaces;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The program of docs/netlink.md compiles, and prints what is said there. */
@ExtendWith(NetworkNamespaces.class)
class NetlinkDocIT {
  @TempDir private Path directory;

  @Test
  void the_program_does_what_the_page_says(NetworkNamespace namespace) throws IOException {
    DocumentedProgram program = DocumentedProgram.of("netlink.md");
    assertThat(program.runIn(namespace, directory)).isEqualTo(program.output());
  }
}
