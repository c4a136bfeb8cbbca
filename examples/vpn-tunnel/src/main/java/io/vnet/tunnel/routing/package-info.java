/** Allowed IPs: the longest prefix that holds an address says whose it is. */
@NullMarked
package io.vnet.tunnel.routing;

import org.jspecify.annotations.NullMarked;
