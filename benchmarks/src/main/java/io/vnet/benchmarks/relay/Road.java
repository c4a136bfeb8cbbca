package io.vnet.benchmarks.relay;

import io.vnet.io.netns.NetworkNamespace;
import java.io.IOException;
import java.util.List;

/**
 * What lies between a client and a server that each live in a network namespace: programs that run,
 * of one variant, and the devices that they made. All roads have the same addresses and never meet.
 */
interface Road extends AutoCloseable {
  /** The client's side. */
  String NEAR_ADDRESS = "10.78.0.1";

  /** The server's side. */
  String FAR_ADDRESS = "10.78.0.2";

  /** Of all devices that packets enter: room for what a tunnel adds to a packet of 1500 bytes. */
  int MTU = 1420;

  /** Where the client is. */
  NetworkNamespace near();

  /** Where the server is. */
  NetworkNamespace far();

  /** The programs whose cost is measured. */
  List<Process> programs();

  /** Ends the programs, then lets the namespaces go. */
  @Override
  void close();

  /** Gives a device its address and takes it up. */
  static void place(Processes processes, NetworkNamespace namespace, String device, String address)
      throws IOException, InterruptedException {
    // Without an address of IPv6 the kernel sends nothing of its own.
    processes.run(namespace, "ip", "link", "set", device, "addrgenmode", "none");
    processes.run(namespace, "ip", "address", "add", address + "/24", "dev", device);
    processes.run(namespace, "ip", "link", "set", device, "mtu", Integer.toString(MTU), "up");
  }

  /** Builds one. */
  @FunctionalInterface
  interface Layout {
    /** Starts the variant's programs and gives each side its device and address. */
    Road open(Variant variant, Processes processes) throws IOException, InterruptedException;
  }
}
