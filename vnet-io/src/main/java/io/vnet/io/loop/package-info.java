/**
 * I/O threads: {@link io.vnet.io.loop.IslandLoop} is a Netty event loop, over epoll, which
 * descriptors join through the public {@code IoHandle} contract, or over a raw io_uring behind the
 * public {@code IoHandler} contract. With the latter a device's packets are read before they are
 * asked for ({@link io.vnet.io.loop.ReadAhead}), and a batch is written in one system call ({@link
 * io.vnet.io.loop.BatchWriter}). A socket is watched for what comes, and for room when that is
 * asked for.
 *
 * <p>A loop's thread runs readiness callbacks and tasks (the stages of streams among them) and
 * never blocks. Descriptors of devices and sockets are not owned here and never closed here; the
 * ring's and its event descriptor are.
 */
@NullMarked
package io.vnet.io.loop;

import org.jspecify.annotations.NullMarked;
