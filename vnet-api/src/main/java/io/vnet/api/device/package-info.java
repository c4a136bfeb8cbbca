/**
 * What a device is called, what it is made of and what may be done with it: values and contracts,
 * no behaviour.
 *
 * <p>Read {@link io.vnet.api.device.DeviceName} (drivers, units, names), {@link
 * io.vnet.api.device.DeviceSpec} and {@link io.vnet.api.device.HostBacking} (what to create, and
 * where), {@link io.vnet.api.device.InheritedDescriptors} (what a service manager opened), {@link
 * io.vnet.api.device.Device} (the life), {@link io.vnet.api.device.DeviceHandle} and {@link
 * io.vnet.api.device.NetworkEnd} (the two ends that carry packets). vnet-actors implements the
 * contracts; everything here is safe on any thread.
 */
@NullMarked
package io.vnet.api.device;

import org.jspecify.annotations.NullMarked;
