/**
 * I/O threads: {@link io.vnet.io.loop.IslandLoop} is a Netty event loop over epoll that descriptors
 * join through the public {@code IoHandle} contract.
 *
 * <p>A loop's thread runs readiness callbacks and tasks (the stages of streams among them) and
 * never blocks. Descriptors are not owned here and never closed here.
 */
@NullMarked
package io.vnet.io.loop;

import org.jspecify.annotations.NullMarked;
