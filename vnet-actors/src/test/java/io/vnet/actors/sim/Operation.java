package io.vnet.actors.sim;

import io.vnet.actors.core.ReplyTo;
import io.vnet.actors.device.DriverActor;
import io.vnet.actors.device.HostActor;
import io.vnet.actors.device.Node;
import io.vnet.actors.device.SimAccess;
import io.vnet.actors.device.SoftcActor;
import io.vnet.actors.device.VnetActor;
import io.vnet.actors.memory.MemoryBackend;
import io.vnet.api.device.DestroyPolicy;
import io.vnet.api.device.DeviceHandle;
import io.vnet.api.device.DeviceId;
import io.vnet.api.device.DeviceSpec;
import io.vnet.api.device.HostBacking;
import io.vnet.api.device.InterfaceChange;
import io.vnet.api.error.Errno;
import io.vnet.api.error.VnetException;
import io.vnet.api.packet.Packet;
import io.vnet.api.packet.PacketBatch;
import io.vnet.api.port.PacketPort;
import io.vnet.api.port.PortLedger;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * What a client can do. Each performs its first step and sees to it that the client resumes: at
 * once if it does not wait for the answer, else with the answer.
 */
sealed interface Operation {
  /** Performs it, inside a step of the client. */
  void perform(Client client);

  /** Draws an operation; the units collide on purpose. */
  static Operation draw(SplittableRandom random, Mix mix, boolean first) {
    if (mix.failPercent() > 0 && random.nextInt(100) < mix.failPercent()) {
      List<SimAccess.Shared> shared = List.of(SimAccess.Shared.values());
      return new Fail(shared.get(random.nextInt(shared.size())), vnet(random));
    }
    if (random.nextInt(100) < mix.faultPercent()) {
      String name = unit(random);
      return random.nextBoolean() ? new Crash(name) : new Lose(name);
    }
    if (!first && random.nextInt(100) < mix.terminatePercent()) {
      return new Terminate();
    }
    int kind = first ? random.nextInt(45) : random.nextInt(125);
    if (kind < 22) {
      String name = random.nextInt(3) == 0 ? "tun" : unit(random);
      return new Create(
          name,
          random.nextInt(100) < mix.hostPercent(),
          random.nextInt(100) < mix.transientPercent(),
          random.nextInt(4) == 0 ? vnet(random) : HostActor.VNET0);
    } else if (kind < 45) {
      return new Open(unit(random));
    } else if (kind < 52) {
      return new Read(random.nextInt(100) < mix.stallPercent());
    } else if (kind < 56) {
      return new Receive(5 + random.nextInt(60));
    } else if (kind < 59) {
      return new Move();
    } else if (kind < 68) {
      return new Close();
    } else if (kind < 72) {
      return new SetTransient(random.nextInt(4) != 0);
    } else if (kind < 88) {
      return new Destroy(
          unit(random),
          switch (random.nextInt(5)) {
            case 0 -> DestroyPolicy.REFUSE;
            case 1, 2 -> DestroyPolicy.FORCE;
            default -> DestroyPolicy.WAIT;
          },
          random.nextInt(8) == 0);
    } else if (kind < 93) {
      return new Cancel();
    } else if (kind < 95) {
      return new AwaitGone(unit(random));
    } else if (kind < 98) {
      return new Attach(unit(random));
    } else if (kind < 100) {
      return new Detach();
    } else if (kind < 107) {
      // Names of interfaces, of nodes, and a new one collide.
      return new Rename(unit(random), random.nextInt(3) == 0 ? "wan" : unit(random));
    } else if (kind < 114) {
      return new Lend(unit(random), vnet(random));
    } else if (kind < 118) {
      return new AddVnet(vnet(random));
    } else if (kind < 121) {
      return new RemoveVnet(vnet(random), policy(random));
    } else {
      return new Configure(unit(random), random.nextBoolean());
    }
  }

  private static DestroyPolicy policy(SplittableRandom random) {
    return List.of(DestroyPolicy.WAIT, DestroyPolicy.REFUSE, DestroyPolicy.FORCE)
        .get(random.nextInt(3));
  }

  private static String vnet(SplittableRandom random) {
    return List.of(HostActor.VNET0, "blue", "red").get(random.nextInt(3));
  }

  private static String unit(SplittableRandom random) {
    return random.nextInt(3) == 0 ? "tun1" : "tun0";
  }

  /** Creates a device and waits for it. */
  record Create(String name, boolean host, boolean transientDevice, String vnet)
      implements Operation {
    @Override
    public void perform(Client client) {
      DeviceSpec memory = DeviceSpec.of(name).withTransient(transientDevice);
      DeviceSpec spec = host ? memory.withHost(HostBacking.create()) : memory;
      World world = client.world();
      world.<VnetActor.CreateReply>request(
          client.key(),
          toString(),
          false,
          reply -> {
            if (!world.tellVnet(vnet, new VnetActor.Create(spec, reply))) {
              reply.tell(new VnetActor.CreateFailed(Operation.noVnet(vnet)));
            }
          },
          reply -> {
            switch (reply) {
              case VnetActor.Created(var device, _, _) -> client.knows(device);
              case VnetActor.CreateFailed(var cause) -> client.note(cause.toString());
            }
            client.resume();
          },
          client::resume);
    }
  }

  /** Loads a node's pointer in one step and uses it in a later one, in one section. */
  private static void withPointer(
      Client client, String name, String who, Consumer<Node.Softc> use, Runnable otherwise) {
    Section section = client.world().section(client.key() + ", who has the pointer to " + who);
    Optional<Node> node = client.world().find(name);
    if (node.isPresent() && node.get().pointer() instanceof Node.Softc softc) {
      client.knows(node.get().id());
      section.holds(node.get().id());
      client.step(() -> {
        use.accept(softc);
        section.exit();
      });
    } else {
      section.exit();
      otherwise.run();
    }
  }

  /** Opens a device by its pointer and waits for the handle. */
  record Open(String name) implements Operation {
    @Override
    public void perform(Client client) {
      World world = client.world();
      withPointer(
          client,
          name,
          name,
          softc ->
              world.<SoftcActor.OpenReply>request(
                  client.key(),
                  toString(),
                  false,
                  reply -> softc.softc().tell(new SoftcActor.Open(world.nextNumber(), 1, reply)),
                  reply -> {
                    if (reply instanceof SoftcActor.Opened(var handle)) {
                      client.takes(handle);
                    }
                    client.resume();
                  },
                  client::resume),
          client::resume);
    }
  }

  /**
   * Another thread of the client enters a section, finds its handle open, and uses the backend in a
   * later step.
   *
   * @param stalls whether that step comes only when time has passed
   */
  record Read(boolean stalls) implements Operation {
    private static final long STALL_NANOS = 3_000_000;

    @Override
    public void perform(Client client) {
      client
          .lastHandle()
          .ifPresent(handle -> {
            String key = client.readerKey();
            client.readerEnters(handle);
            client.world().simulator().submit(key, () -> enter(client, handle, key));
          });
      client.resume();
    }

    private void enter(Client client, DeviceHandle handle, String key) {
      World world = client.world();
      Section section = world.section(key + ", who reads " + handle.device());
      Optional<Node.Softc> softc = world.witness().softc(handle.device());
      if (!handle.isOpen() || softc.isEmpty()) {
        section.exit();
        client.readerLeaves(handle);
        return;
      }
      section.holds(handle.device());
      Runnable use =
          () -> {
            if (world.witness().released(handle.device())) {
              world.simulator().report(key + " uses " + handle.device() + " after its release");
            }
            PacketBatch batch = world.batch();
            batch.clear();
            softc.get().backend().receive(batch, new PortLedger());
            section.exit();
            client.readerLeaves(handle);
          };
      if (stalls) {
        world.simulator().after(STALL_NANOS, () -> world.simulator().submit(key, use));
      } else {
        world.simulator().submit(key, use);
      }
    }
  }

  /**
   * Another thread of the client calls the handle's receive; others make steps while it is inside.
   */
  record Receive(int meanwhile) implements Operation {
    @Override
    public void perform(Client client) {
      client
          .lastHandle()
          .filter(handle -> !client.hasReader(handle))
          .ifPresent(handle -> {
            client.readerEnters(handle);
            client.world().simulator().submit(client.readerKey(), () -> receive(client, handle));
          });
      client.resume();
    }

    private void receive(Client client, DeviceHandle handle) {
      World world = client.world();
      world
          .witness()
          .softc(handle.device())
          .filter(_ -> handle.isOpen())
          .ifPresent(softc -> {
            if (softc.backend() instanceof SimulatedNetwork.Backend backend) {
              backend.meanwhile(meanwhile);
            }
          });
      try {
        handle.receive(world.batch());
      } catch (VnetException e) {
        client.note(e.toString());
      }
      client.readerLeaves(handle);
    }
  }

  /** Moves packets through the ports that the client has, one call each. */
  record Move() implements Operation {
    private static final Packet PACKET = Packet.of(new byte[] {0x45, 0, 0, 1});

    @Override
    public void perform(Client client) {
      client
          .lastHandle()
          .filter(handle -> !client.hasReader(handle))
          .ifPresent(handle -> move(client, handle));
      client.lastEnd().ifPresent(end -> move(client, end));
      client.resume();
    }

    private static void move(Client client, PacketPort port) {
      PacketBatch batch = client.world().batch();
      try {
        batch.clear();
        port.receive(batch);
        batch.clear();
        batch.append(PACKET);
        port.send(batch, 0);
      } catch (VnetException e) {
        client.note(e.toString());
      }
    }
  }

  /** Closes the last handle. */
  record Close() implements Operation {
    @Override
    public void perform(Client client) {
      client.lastHandle().ifPresent(client::close);
      client.resume();
    }
  }

  /** Makes the device of the last handle transient, or not. */
  record SetTransient(boolean on) implements Operation {
    @Override
    public void perform(Client client) {
      client
          .lastHandle()
          .ifPresent(handle -> {
            try {
              handle.setTransient(on);
            } catch (VnetException e) {
              client.note(e.toString());
            }
          });
      client.resume();
    }
  }

  /**
   * Requests a destroy and goes on.
   *
   * @param stale whether to name the device that the client knew before
   */
  record Destroy(String name, DestroyPolicy policy, boolean stale) implements Operation {
    @Override
    public void perform(Client client) {
      World world = client.world();
      client
          .target(name, stale)
          .ifPresent(device -> {
            long waiter = world.nextNumber();
            client.destroying(device, waiter);
            world.<DriverActor.DestroyReply>request(
                client.key(),
                policy + " destroy of " + Witness.text(device),
                false,
                reply ->
                    tell(world, device, new DriverActor.Destroy(device, policy, waiter, reply)),
                reply -> client.note(reply.toString()),
                () -> {});
          });
      client.resume();
    }
  }

  private static VnetException noVnet(String vnet) {
    return new VnetException("find", vnet, Errno.ENXIO, "no such vnet", "");
  }

  /** Asks the vnet that has a device's interface for something, and goes on. */
  private static void askVnet(
      Client client,
      String name,
      String what,
      BiFunction<DeviceId, ReplyTo<VnetActor.Reply>, VnetActor.Command> command) {
    World world = client.world();
    client
        .target(name, false)
        .ifPresent(device -> {
          String vnet = world.find(device.toString()).map(Node::vnet).orElse(HostActor.VNET0);
          world.<VnetActor.Reply>request(
              client.key(),
              what,
              false,
              reply -> {
                if (!world.tellVnet(vnet, command.apply(device, reply))) {
                  reply.tell(new VnetActor.NotHere());
                }
              },
              reply -> client.note(reply.toString()),
              () -> {});
        });
    client.resume();
  }

  /** Gives an interface another name. */
  record Rename(String name, String newName) implements Operation {
    @Override
    public void perform(Client client) {
      askVnet(
          client,
          name,
          toString(),
          (device, reply) -> new VnetActor.Rename(device, newName, reply));
    }
  }

  /** Moves an interface to another vnet, or home. */
  record Lend(String name, String vnet) implements Operation {
    @Override
    public void perform(Client client) {
      askVnet(client, name, toString(), (device, reply) -> new VnetActor.Move(device, vnet, reply));
    }
  }

  /** Makes a vnet. */
  record AddVnet(String vnet) implements Operation {
    @Override
    public void perform(Client client) {
      World world = client.world();
      world.<HostActor.VnetReply>request(
          client.key(),
          toString(),
          false,
          reply -> world.tellRoot(new HostActor.CreateVnet(vnet, reply)),
          reply -> client.note(reply.toString()),
          () -> {});
      client.resume();
    }
  }

  /** Removes a vnet; a removal that waits may last as long as somebody holds a device open. */
  record RemoveVnet(String vnet, DestroyPolicy policy) implements Operation {
    @Override
    public void perform(Client client) {
      World world = client.world();
      world.<VnetActor.Reply>request(
          client.key(),
          toString(),
          policy != DestroyPolicy.FORCE,
          reply -> {
            if (!world.tellVnet(vnet, new VnetActor.Remove(policy, reply))) {
              reply.tell(new VnetActor.NotHere());
            }
          },
          reply -> client.note(reply.toString()),
          () -> {});
      client.resume();
    }
  }

  /** Brings an interface up or down, by the pointer. */
  record Configure(String name, boolean up) implements Operation {
    @Override
    public void perform(Client client) {
      World world = client.world();
      withPointer(
          client,
          name,
          name,
          softc ->
              world.<SoftcActor.Reply>request(
                  client.key(),
                  toString(),
                  false,
                  reply ->
                      softc
                          .softc()
                          .tell(new SoftcActor.Configure(new InterfaceChange.Up(up), reply)),
                  _ -> client.resume(),
                  client::resume),
          client::resume);
    }
  }

  /** Cancels the last destroy. */
  record Cancel() implements Operation {
    @Override
    public void perform(Client client) {
      client.cancelLast();
      client.resume();
    }
  }

  /** Asks to be told when a device is gone, and goes on. */
  record AwaitGone(String name) implements Operation {
    @Override
    public void perform(Client client) {
      World world = client.world();
      client
          .target(name, true)
          .ifPresent(device ->
              world.<DriverActor.DestroyReply>request(
                  client.key(),
                  "gone " + Witness.text(device),
                  true,
                  reply -> tell(world, device, new DriverActor.AwaitGone(device, reply)),
                  _ -> {},
                  () -> {}));
      client.resume();
    }
  }

  /** Takes the network end of an in-memory device, by its pointer. */
  record Attach(String name) implements Operation {
    @Override
    public void perform(Client client) {
      withPointer(
          client,
          name,
          name,
          softc -> {
            if (softc.backend() instanceof MemoryBackend memory) {
              try {
                client.takes(memory.attach());
              } catch (VnetException e) {
                client.note(e.toString());
              }
            }
            client.resume();
          },
          client::resume);
    }
  }

  /** Closes the last network end. */
  record Detach() implements Operation {
    @Override
    public void perform(Client client) {
      client.lastEnd().ifPresent(client::close);
      client.resume();
    }
  }

  /** Makes a live softc's actor crash, wherever it is in its life. */
  record Crash(String name) implements Operation {
    @Override
    public void perform(Client client) {
      Witness witness = client.world().witness();
      witness
          .published(name)
          .flatMap(witness::softc)
          .ifPresent(softc -> {
            witness.fault(name);
            SimAccess.poison(softc.softc());
          });
      client.resume();
    }
  }

  /** Makes an actor that devices share fail when it gets to it: the host ends. */
  record Fail(SimAccess.Shared who, String vnet) implements Operation {
    @Override
    public void perform(Client client) {
      client.world().fail(who, vnet);
      client.resume();
    }
  }

  /** The host takes a backend away. */
  record Lose(String name) implements Operation {
    @Override
    public void perform(Client client) {
      client.world().network().find(name).ifPresent(SimulatedNetwork.Backend::lose);
      client.resume();
    }
  }

  /** Ends the host while others work. */
  record Terminate() implements Operation {
    @Override
    public void perform(Client client) {
      client.world().terminate(client.key());
      client.resume();
    }
  }

  private static void tell(World world, DeviceId device, DriverActor.Command command) {
    world.driver(device.name().driver()).tell(command);
  }
}
