package io.vnet.actors.device;

import io.vnet.api.backend.HostNetwork;
import io.vnet.api.device.ClonePolicy;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.SlabPool;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What all actors of one host share. Every part is safe on any thread.
 *
 * @param epoch whose sections protect descriptors and ring memory
 * @param rings memory of in-memory devices' rings
 * @param singles batches of one packet, for blocking reads and writes
 * @param nodes the names of devices
 * @param vnets the names of vnets
 * @param policy what opens may make and do
 * @param events who wants to know
 * @param gauge what waits for readers
 * @param failure the end that is not in order
 * @param blocking threads on which system calls may block
 * @param answers where users' callbacks run
 * @param hostNetwork the host's kernel; starts it at the first call, which may throw
 * @param later for who looks again soon
 * @param nanoClock for ages of grace periods
 * @param stallNanos how long a grace period may take before its readers are named in the log
 * @param handleNumbers numbers for handles and requests, unique in the host
 * @param mayWait throws EDEADLK for an operation that would wait on one of the host's I/O threads
 */
public record HostContext(
    Epoch epoch,
    SlabPool rings,
    BatchPool singles,
    NodeTable nodes,
    VnetTable vnets,
    AtomicReference<ClonePolicy> policy,
    EventLog events,
    GraceGauge gauge,
    HostFailure failure,
    Executor blocking,
    Executor answers,
    Supplier<HostNetwork> hostNetwork,
    Later later,
    LongSupplier nanoClock,
    long stallNanos,
    AtomicLong handleNumbers,
    Consumer<String> mayWait) {
  /** A number for a handle or a request. */
  public long nextNumber() {
    return handleNumbers.incrementAndGet();
  }
}
