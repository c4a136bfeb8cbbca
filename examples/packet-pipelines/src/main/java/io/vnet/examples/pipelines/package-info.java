/**
 * Small programs that read a device as a stream. {@link io.vnet.examples.pipelines.CountByProtocol}
 * is the whole of one; what it does with a packet, {@link io.vnet.examples.pipelines.Protocol}, is
 * a pure function of the packet's bytes.
 */
@NullMarked
package io.vnet.examples.pipelines;

import org.jspecify.annotations.NullMarked;
