/**
 * The socket through which the unmodified tool wg configures a tunnel, and the language that is
 * spoken there (the cross-platform user-space interface, UAPI).
 *
 * <p>From the inside out: {@link io.vnet.tunnel.uapi.UapiReader} makes requests of bytes, {@link
 * io.vnet.tunnel.uapi.UapiText} text of changes and of what there is, {@link
 * io.vnet.tunnel.uapi.UapiServer} serves a {@link io.vnet.tunnel.settings.TunnelControl} (one
 * operation at a time, on an event loop of its own), {@link io.vnet.tunnel.uapi.UapiClient} asks
 * another program's tunnel. Uses {@code key} and {@code settings}. No message and no log has
 * anything of what was sent.
 */
@NullMarked
package io.vnet.tunnel.uapi;

import org.jspecify.annotations.NullMarked;
