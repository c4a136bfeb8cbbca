/**
 * Addresses as values: hardware, IP, IP with a prefix length, and the endpoint of a datagram.
 * Literals are parsed here, strictly, and never looked up in DNS. Immutable, safe on any thread;
 * uses nothing else of vnet.
 */
@NullMarked
package io.vnet.api.address;

import org.jspecify.annotations.NullMarked;
