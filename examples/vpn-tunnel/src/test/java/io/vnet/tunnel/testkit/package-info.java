/**
 * For the tests of several rooms: packets, pairs of tunnels, tunnels that are configuration only,
 * keys.
 */
@NullMarked
package io.vnet.tunnel.testkit;

import org.jspecify.annotations.NullMarked;
