package io.vnet.api.backend;

import io.vnet.api.device.DriverKind;
import java.util.OptionalLong;

/**
 * A tun or tap interface as the host shows it.
 *
 * @param name the kernel's name
 * @param driver tun or tap
 * @param up administratively up
 * @param carrier whether somebody is attached and the carrier is on
 * @param mtu in bytes
 * @param owner the user id that alone may attach besides the administrator; empty: any user
 * @param group the group id whose members alone may; empty: any group
 * @param persistent whether it stays when nobody is attached
 * @param vnetHeader whether its packets have a virtio-net header: what offloads need
 * @param multiQueue whether several descriptors may be attached
 * @param queues descriptors that are attached, where {@code multiQueue} is on
 */
public record HostInterface(
    String name,
    DriverKind driver,
    boolean up,
    boolean carrier,
    int mtu,
    OptionalLong owner,
    OptionalLong group,
    boolean persistent,
    boolean vnetHeader,
    boolean multiQueue,
    int queues) {}
