/**
 * Small programs around one device. {@link io.vnet.examples.pipelines.CountByProtocol} reads it as
 * a stream; what it does with a packet, {@link io.vnet.examples.pipelines.Protocol}, is a pure
 * function of the packet's bytes. {@link io.vnet.examples.pipelines.AnswerPing} puts a Netty
 * pipeline on one, whose handler is {@link io.vnet.examples.pipelines.EchoHandler}.
 */
@NullMarked
package io.vnet.examples.pipelines;

import org.jspecify.annotations.NullMarked;
