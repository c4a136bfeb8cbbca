package io.vnet.actors;

import io.vnet.actors.device.Node;
import io.vnet.actors.device.VnetActor;
import io.vnet.actors.port.Answers;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.Device;
import io.vnet.api.device.DeviceInfo;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.Vnet;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A vnet by its name: turns calls into messages. */
final class HostVnet implements Vnet {
  private final VnetHost host;
  private final String name;

  HostVnet(VnetHost host, String name) {
    this.host = host;
    this.name = name;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Device create(DeviceSpec spec) {
    host.checkMayWait("create");
    return created(Answers.join(requestCreate(spec)));
  }

  @Override
  public CompletionStage<Device> createAsync(DeviceSpec spec) {
    return requestCreate(spec).thenApplyAsync(this::created, host.context().answers());
  }

  private CompletableFuture<VnetActor.CreateReply> requestCreate(DeviceSpec spec) {
    return host.request(
        "create",
        spec.name(),
        reply -> {
          if (!host.context().vnets().tell(name, new VnetActor.Create(spec, reply))) {
            reply.tell(new VnetActor.CreateFailed(gone("create", spec.name())));
          }
        });
  }

  private Device created(VnetActor.CreateReply reply) {
    return switch (reply) {
      case VnetActor.Created(var id, var interfaceName, var mtu) ->
          new HostDevice(host, id, interfaceName, mtu);
      case VnetActor.CreateFailed(var cause) -> throw cause.rethrown();
    };
  }

  @Override
  public List<DeviceInfo> devices() {
    return host.context().nodes().all().stream()
        .filter(node -> node.vnet().equals(name))
        .flatMap(node -> node.info().stream())
        .toList();
  }

  @Override
  public Optional<Device> find(String interfaceName) {
    return host.context().nodes().all().stream()
        .filter(node -> node.vnet().equals(name) && node.interfaceName().equals(interfaceName))
        .findFirst()
        .flatMap(Node::info)
        .map(info -> new HostDevice(host, info.id(), info.interfaceName(), info.mtu()));
  }

  @Override
  public void remove(DestroyPolicy policy) {
    host.checkMayWait("remove");
    var _ = removed(Answers.join(requestRemove(policy)));
  }

  @Override
  public CompletionStage<String> removeAsync(DestroyPolicy policy) {
    return requestRemove(policy).thenApplyAsync(this::removed, host.context().answers());
  }

  private CompletableFuture<VnetActor.Reply> requestRemove(DestroyPolicy policy) {
    return host.request(
        "remove",
        name,
        reply -> {
          if (!host.context().vnets().tell(name, new VnetActor.Remove(policy, reply))) {
            reply.tell(new VnetActor.Refused(gone("remove", name)));
          }
        });
  }

  private String removed(VnetActor.Reply reply) {
    return switch (reply) {
      case VnetActor.Done _ -> name;
      case VnetActor.Refused(var cause) -> throw cause.rethrown();
      case VnetActor.NotHere _ -> throw gone("remove", name);
    };
  }

  private VnetException gone(String operation, String object) {
    return new VnetException(
        operation, object, Errno.ENXIO, "there is no vnet " + name, "create it first");
  }

  @Override
  public String toString() {
    return name;
  }
}
