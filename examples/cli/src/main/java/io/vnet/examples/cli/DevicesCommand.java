package io.vnet.examples.cli;

import io.vnet.api.backend.HostInterface;
import io.vnet.api.backend.HostIo;
import io.vnet.api.backend.HostNetwork;
import io.vnet.api.backend.HostNetworkProvider;
import io.vnet.api.backend.IslandSettings;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
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
    for (HostInterface device : interfaces) {
      table.row(
          device.name(),
          device.driver().driverName(),
          device.up() ? "up" : "down",
          device.carrier() ? "on" : "off",
          Integer.toString(device.mtu()),
          id(device.owner()),
          id(device.group()),
          device.persistent() ? "yes" : "no",
          device.vnetHeader() ? "yes" : "no",
          device.multiQueue() ? Integer.toString(device.queues()) : "1");
    }
    spec.commandLine().getOut().print(table.render());
    spec.commandLine()
        .getOut()
        .printf(Locale.ROOT, "%d device%s%n", interfaces.size(), interfaces.size() == 1 ? "" : "s");
    spec.commandLine().getOut().flush();
    return 0;
  }

  private static String id(OptionalLong id) {
    return id.isPresent() ? Long.toString(id.getAsLong()) : "-";
  }
}
