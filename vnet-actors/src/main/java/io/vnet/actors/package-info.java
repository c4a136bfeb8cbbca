/**
 * The way in: {@link io.vnet.actors.VnetHost}. A Java program needs no type of Akka to embed vnet;
 * an Akka program starts the host on its own actor system and uses {@link
 * io.vnet.actors.stream.PacketStreams}.
 *
 * <p>Everything public here is safe on any thread.
 */
@NullMarked
package io.vnet.actors;

import org.jspecify.annotations.NullMarked;
