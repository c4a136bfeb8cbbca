/**
 * For the tests of several rooms: packets, pairs of tunnels, tunnels that are configuration only,
 * keys, an island whose tasks wait and the owner of a data path that does not end.
 */
@NullMarked
package io.vnet.tunnel.testkit;

import org.jspecify.annotations.NullMarked;
