/**
 * The seam between a device and what carries its packets: {@link
 * io.vnet.api.backend.DeviceBackend}. vnet-io provides the host's kernel behind it, found by {@link
 * java.util.ServiceLoader} as {@link io.vnet.api.backend.HostNetworkProvider}; vnet-actors brings
 * its own in-memory one.
 *
 * <p>Only a device's owner calls here: the softc's actor for the life cycle, the handle for the
 * packets, inside an epoch section. Each method says on which thread.
 */
@NullMarked
package io.vnet.api.backend;

import org.jspecify.annotations.NullMarked;
