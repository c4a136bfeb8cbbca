/**
 * What can be configured of a tunnel and what it shows, as immutable values, and {@link
 * io.vnet.tunnel.settings.TunnelControl}, through which both go. Used by all outer rooms; any
 * thread.
 */
@NullMarked
package io.vnet.tunnel.settings;

import org.jspecify.annotations.NullMarked;
