package io.vnet.io.udp;

/**
 * What a {@link UdpPort} has seen beside its packets, at one moment. Its {@linkplain
 * UdpPort#counters counters} count datagrams.
 *
 * @param trainsReceived messages of more than one datagram that the kernel handed over
 * @param trainsSent messages of more than one datagram that the kernel took
 * @param trainsRefused messages of more than one datagram that it did not take as such (EIO,
 *     EINVAL, EMSGSIZE), and that went one by one
 * @param segmentation whether trains are still tried; off for good after an EIO
 * @param coalescing whether trains are received
 * @param pendingErrors errors of earlier datagrams that the kernel reported with a later call
 * @param sourcesRefused messages whose endpoint's source the kernel did not take, and that went
 *     without
 * @param endpointsMade endpoints that were not remembered when a datagram came from there
 * @param queueOverflows messages that the kernel dropped because its receive queue was full; as it
 *     reports them, with the next one that it queues
 */
public record UdpStatistics(
    long trainsReceived,
    long trainsSent,
    long trainsRefused,
    boolean segmentation,
    boolean coalescing,
    long pendingErrors,
    long sourcesRefused,
    long endpointsMade,
    long queueOverflows) {}
