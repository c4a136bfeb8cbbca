/**
 * Addresses as values: hardware, IP, and IP with a prefix length. Literals are parsed here,
 * strictly, and never looked up in DNS. Immutable, safe on any thread; uses nothing else of vnet.
 */
@NullMarked
package io.vnet.api.address;

import org.jspecify.annotations.NullMarked;
