/** Packets and pairs of tunnels for the tests of several rooms. */
@NullMarked
package io.vnet.tunnel.testkit;

import org.jspecify.annotations.NullMarked;
