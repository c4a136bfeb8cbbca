/**
 * Packet headers as views on bytes: point a view at a packet with {@code wrap}, which checks once,
 * then read and write fields in place. Malformed input is a {@link
 * io.vnet.api.header.HeaderStatus}, never an exception from an index.
 *
 * <p>A view is reused from packet to packet and allocates nothing; it belongs to one thread. All
 * numbers are big endian on the wire. Each file has the same order: layout, wrap, fields, building.
 * Where the fields are that others look at too is in {@link io.vnet.api.header.HeaderFields}.
 */
@NullMarked
package io.vnet.api.header;

import org.jspecify.annotations.NullMarked;
