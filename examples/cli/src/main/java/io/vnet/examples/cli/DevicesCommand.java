package io.vnet.examples.cli;

import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.backend.HostNetworkProvider;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Lists the host's tun and tap interfaces. */
@Command(
    name = "devices",
    mixinStandardHelpOptions = true,
    description = "List the tun and tap interfaces of the current network namespace.")
final class DevicesCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @SuppressWarnings("NullAway.Init") // Fields are set by picocli.
  DevicesCommand() {}

  @Override
  public Integer call() {
    TextTable table =
        new TextTable(
            "NAME",
            "KIND",
            "STATE",
            "CARRIER",
            "MTU",
            "OWNER",
            "GROUP",
            "PERSISTENT",
            "VNET-HDR",
            "MULTI-QUEUE",
            "QUEUES");
    HostNetworkProvider provider =
        ServiceLoader.load(HostNetworkProvider.class)
            .findFirst()
            .orElseThrow(() ->
                new VnetException("list", "devices", Errno.EOPNOTSUPP, "vnet-io is missing", ""));
    List<HostInterface> interfaces;
    try (HostNetwork network =
        provider.start(IslandSettings.defaults().withThreads(1, 1).withIo(HostIo.EPOLL))) {
      interfaces = network.interfaces();
    }
    AccountNames users = AccountNames.read(Path.of("/etc/passwd"));
    AccountNames groups = AccountNames.read(Path.of("/etc/group"));
    for (HostInterface device : interfaces) {
      table.row(
          device.name(),
          device.driver().driverName(),
          device.up() ? "up" : "down",
          device.carrier() ? "on" : "off",
          Integer.toString(device.mtu()),
          id(device.owner(), users),
          id(device.group(), groups),
          device.persistent() ? "yes" : "no",
          device.vnetHeader() ? "yes" : "no",
          device.multiQueue() ? "yes" : "no",
          device.multiQueue() ? Integer.toString(device.queues()) : "1");
    }
    spec.commandLine().getOut().print(table.render());
    spec.commandLine()
        .getOut()
        .printf(Locale.ROOT, "%d device%s%n", interfaces.size(), interfaces.size() == 1 ? "" : "s");
    spec.commandLine().getOut().flush();
    return 0;
  }

  private static String id(OptionalLong id, AccountNames names) {
    return id.isPresent() ? names.show(id.getAsLong()) : "-";
  }
}
