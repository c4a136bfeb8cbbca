/**
 * The {@code vnet} command. {@link io.vnet.examples.cli.VnetCommand} is the entry; each subcommand
 * is a class; {@link io.vnet.examples.cli.DemoCommand} shows the life of a device with traffic on
 * it, {@link io.vnet.examples.cli.RelayCommand} is the smallest useful program over host devices,
 * {@link io.vnet.examples.cli.TunnelCommand} a large one: {@link io.vnet.examples.cli.TunnelRun}
 * puts a device, a tunnel, its socket and what surrounds it together and takes all apart again.
 *
 * <p>Standard output is for results, standard error for problems. Exit codes: 0 done, 1 failed, 2
 * wrong arguments.
 */
@NullMarked
package io.vnet.examples.cli;

import org.jspecify.annotations.NullMarked;
