/**
 * The C library, as far as vnet needs it: {@link io.vnet.io.libc.Libc} is the seam (tests inject
 * faults there), {@link io.vnet.io.libc.NativeLibc} the one class that calls it, {@link
 * io.vnet.io.libc.LinuxConstants} its numbers with the headers they come from.
 *
 * <p>Raw addresses as {@code long} are allowed here and in the packet paths of {@code
 * io.vnet.io.tun} and {@code io.vnet.io.udp} only. A result is what the call returned, or its errno
 * negated, so nothing is allocated to report a failure.
 */
@NullMarked
package io.vnet.io.libc;

import org.jspecify.annotations.NullMarked;
