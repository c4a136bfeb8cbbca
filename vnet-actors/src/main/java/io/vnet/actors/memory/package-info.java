/**
 * Devices without a kernel: {@link io.vnet.actors.memory.MemoryBackend} joins a handle and a
 * network end by two bounded rings of pooled off-heap memory.
 *
 * <p>The softc's actor makes and releases the backend; a handle and a network end move packets
 * through it on their users' threads, inside their epoch sections. No thread of its own, no system
 * call.
 */
@NullMarked
package io.vnet.actors.memory;

import org.jspecify.annotations.NullMarked;
