package io.vnet.io.tun;

import io.vnet.api.address.IpPrefix;
import io.vnet.api.backend.BackendRequest;
import io.vnet.api.backend.DeviceBackend;
import io.vnet.api.device.DriverKind;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.offload.Offload;
import io.vnet.api.port.OffloadFeature;
import io.vnet.io.libc.Libc;
import io.vnet.io.libc.LinuxConstants;
import io.vnet.io.netlink.InterfaceAddress;
import io.vnet.io.netlink.Link;
import io.vnet.io.netlink.Netlink;
import io.vnet.io.netlink.NetworkPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Takes over descriptors that somebody else opened and attached. All is checked before anything
 * changes; what was changed is undone if a later step fails, and then the descriptors are the
 * giver's still. Of one thread; blocks.
 */
final class TunAdoption {
  private final Libc libc;
  private final BackendRequest request;

  TunAdoption(Libc libc, BackendRequest request) {
    this.libc = libc;
    this.request = request;
  }

  DeviceBackend adopt(IslandChoice islands) {
    List<TunDescriptor> descriptors = new ArrayList<>();
    List<TunDescriptor.Attachment> attachments = new ArrayList<>();
    for (int number : request.host().descriptors()) {
      TunDescriptor descriptor = new TunDescriptor(libc, number, "descriptor " + number);
      attachments.add(attachment(descriptor));
      descriptors.add(descriptor);
    }
    TunDescriptor.Attachment attachment = attachments.getFirst();
    String name = attachment.interfaceName();
    checkName(name);
    List<TunInterface> queues = new ArrayList<>();
    queues.add(new TunInterface(libc, descriptors.getFirst().number(), name));
    for (int i = 1; i < descriptors.size(); i++) {
      TunInterface queue = queues.getFirst().queue(descriptors.get(i).number());
      if (!attachments.get(i).equals(attachment)
          || !queue.namespace().equals(queues.getFirst().namespace())) {
        throw invalid(
            name,
            "descriptor " + descriptors.get(i).number() + " is attached to something else",
            "pass the queues of one interface");
      }
      queues.add(queue);
    }
    return adopt(descriptors, attachment, queues, islands);
  }

  private DeviceBackend adopt(
      List<TunDescriptor> descriptors,
      TunDescriptor.Attachment attachment,
      List<TunInterface> queues,
      IslandChoice islands) {
    String name = attachment.interfaceName();
    TunConfiguration configuration = new TunConfiguration(libc, request);
    Optional<Netlink> there = queues.getFirst().openIfAllowed();
    try (Netlink netlink = there.isPresent() ? there.get() : Netlink.open(libc)) {
      Optional<Link> link = netlink.link(name);
      checkNoPacketInformation(link);
      if (there.isPresent()) {
        checkNotTwice(link, queues.size());
      } else {
        checkNothingToDo(netlink, link);
      }
      Undo undo = new Undo();
      try {
        descriptors.forEach(descriptor -> descriptor.makeNonBlocking(undo));
        if (there.isPresent()) {
          NetworkPlan.Applied applied = configuration.plan(name).apply(netlink);
          undo.add(applied::close);
        }
        TunDescriptor tun = new TunDescriptor(libc, descriptors.getFirst().number(), name);
        configuration.own(tun, link, undo);
        Set<OffloadFeature> offloads =
            takeOffloads(tun, attachment.has(LinuxConstants.IFF_VNET_HDR), undo);
        queues.getFirst().carrier(false);
        return configuration.backend(queues, offloads, islands);
      } catch (RuntimeException | Error e) {
        undo.run(e);
        throw e;
      }
    }
  }

  private TunDescriptor.Attachment attachment(TunDescriptor descriptor) {
    String object = "descriptor " + descriptor.number();
    int access = descriptor.statusFlags() & LinuxConstants.O_ACCMODE;
    TunDescriptor.Attachment attachment = descriptor.attachment();
    boolean tun = request.name().driver() == DriverKind.TUN;
    if (!attachment.has(tun ? LinuxConstants.IFF_TUN : LinuxConstants.IFF_TAP)) {
      throw invalid(
          object,
          attachment.interfaceName() + (tun ? " is a tap, not a tun" : " is a tun, not a tap"),
          "create the device as the other kind");
    }
    if (access != LinuxConstants.O_RDWR) {
      throw invalid(object, "it is not open for reading and writing", "open it with O_RDWR");
    }
    if (attachment.has(LinuxConstants.IFF_DETACH_QUEUE)) {
      throw invalid(
          object, "its queue is disabled", "enable it with TUNSETQUEUE and IFF_ATTACH_QUEUE");
    }
    return attachment;
  }

  private void checkName(String name) {
    String wanted = request.host().interfaceName();
    if (!wanted.isEmpty() && !wanted.equals(name)) {
      throw invalid(name, "it is not called " + wanted, "name no interface, or rename it");
    }
  }

  /** TUNGETIFF does not tell: in its answer the bit of IFF_NO_PI means that there is no filter. */
  private static void checkNoPacketInformation(Optional<Link> link) {
    link.filter(found -> found.tun().filter(Link.Tun::packetInformation).isPresent())
        .ifPresent(found -> {
          throw invalid(
              found.name(),
              "its packets have packet-information headers",
              "attach it with IFF_NO_PI");
        });
  }

  private static void checkNotTwice(Optional<Link> link, int queues) {
    link.flatMap(Link::tun)
        .filter(Link.Tun::multiQueue)
        .filter(tun -> tun.queues() < queues)
        .ifPresent(tun -> {
          throw invalid(
              link.map(Link::name).orElse(""),
              queues + " descriptors are " + tun.queues() + " queues",
              "pass no copies of one descriptor");
        });
  }

  /**
   * A process that may not ask where the interface is may not change it either. What has the same
   * name here may even be another one, so nothing is tried.
   */
  private void checkNothingToDo(Netlink netlink, Optional<Link> link) {
    boolean nothing =
        link.filter(found ->
                found.tun().map(Link.Tun::driver).equals(Optional.of(request.name().driver()))
                    && found.mtu() == request.mtu()
                    && (found.up() || !request.up())
                    && hasAddresses(netlink, found.index()))
            .isPresent();
    if (!nothing) {
      throw new VnetException(
          "adopt",
          link.map(Link::name).orElse(request.interfaceName()),
          Errno.EPERM,
          "this process may not configure it, and it is not as it is asked for",
          "let whoever passes it set MTU, addresses and up, and ask for the same");
    }
  }

  private boolean hasAddresses(Netlink netlink, int index) {
    List<IpPrefix> there =
        netlink.addresses().stream()
            .filter(address -> address.interfaceIndex() == index)
            .map(InterfaceAddress::prefix)
            .toList();
    return there.containsAll(request.host().addresses());
  }

  /** The kernel does not tell which offloads were on, so those cannot be put back. */
  private static Set<OffloadFeature> takeOffloads(TunDescriptor tun, boolean header, Undo undo) {
    if (header) {
      int before = tun.headerBytes();
      if (before != Offload.HEADER_BYTES) {
        undo.add(() -> tun.headerBytes(before));
      }
      undo.add(tun::takeNoOffloads);
    }
    return tun.takeOffloads(header);
  }

  private static VnetException invalid(String object, String reason, String remedy) {
    return new VnetException("adopt", object, Errno.EINVAL, reason, remedy);
  }
}
