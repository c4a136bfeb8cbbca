package io.vnet.api.device;

/**
 * An interface's own counters, counted when and only when FreeBSD's driver counts: some drops count
 * nowhere. The complete books are a port's ledger, {@link io.vnet.api.port.PortCounters}.
 *
 * <p>"In" is what the handle wrote, "out" what the network sent to the handle.
 *
 * <p>Source: if_tuntap specification, section 7.5.
 *
 * @param inPackets packets that the network got
 * @param inBytes their bytes, without a family word
 * @param inMulticasts frames among them to a group address
 * @param inErrors writes for whose packet no memory was there
 * @param outPackets packets that were queued for the reader; on a tap or vmnet calls that queued
 *     some
 * @param outBytes bytes that were queued, with what was put before them
 * @param outMulticasts packets among them to a group address
 * @param outErrors frames that met a closed tap; packets of the network's for which no memory was
 *     there
 * @param outQueueDrops packets that met a full queue
 */
public record InterfaceCounters(
    long inPackets,
    long inBytes,
    long inMulticasts,
    long inErrors,
    long outPackets,
    long outBytes,
    long outMulticasts,
    long outErrors,
    long outQueueDrops) {}
