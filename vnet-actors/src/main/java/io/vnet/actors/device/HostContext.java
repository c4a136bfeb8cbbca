package io.vnet.actors.device;

import io.vnet.api.backend.HostNetwork;
import io.vnet.api.epoch.Epoch;
import io.vnet.api.packet.BatchPool;
import io.vnet.api.packet.SlabPool;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * What all actors of one host share. Every part is safe on any thread.
 *
 * @param epoch whose sections protect descriptors and ring memory
 * @param rings memory of in-memory devices' rings
 * @param singles batches of one packet, for blocking reads and writes
 * @param nodes the names
 * @param events who wants to know
 * @param blocking threads on which system calls may block
 * @param hostNetwork the host's kernel; starts it at the first call, which may throw
 * @param nanoClock for ages of grace periods
 * @param stallNanos how long a grace period may take before its readers are named in the log
 * @param handleNumbers numbers for handles, unique in the process
 */
public record HostContext(
    Epoch epoch,
    SlabPool rings,
    BatchPool singles,
    NodeTable nodes,
    EventLog events,
    Executor blocking,
    Supplier<HostNetwork> hostNetwork,
    LongSupplier nanoClock,
    long stallNanos,
    AtomicLong handleNumbers) {}
