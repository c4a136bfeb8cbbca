/**
 * Files as the tools wg and wg-quick read them: {@link io.vnet.tunnel.config.ConfigurationFile}
 * makes a {@link io.vnet.tunnel.config.QuickConfiguration} of one or says everything that is wrong
 * with it; {@link io.vnet.tunnel.config.EndpointResolver} then asks for the addresses of names,
 * which may take long, and {@link io.vnet.tunnel.config.QuickConfiguration#toChange} is what the
 * tunnel is told. {@link io.vnet.tunnel.config.EmbeddedConfiguration} makes the same of an
 * application's own settings. {@link io.vnet.tunnel.config.ConfigurationText} goes the other way.
 *
 * <p>Nothing is carried out here: {@code quick} does that. Uses {@code key}, {@code crypto} and
 * {@code settings}; any thread. Secrets are in no message.
 */
@NullMarked
package io.vnet.tunnel.config;

import org.jspecify.annotations.NullMarked;
