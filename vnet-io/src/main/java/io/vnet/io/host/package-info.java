/**
 * The host's network as vnet-api's SPI sees it: {@link io.vnet.io.host.LinuxHostNetworkProvider},
 * found by {@link java.util.ServiceLoader}. Applications do not call here.
 */
@NullMarked
package io.vnet.io.host;

import org.jspecify.annotations.NullMarked;
