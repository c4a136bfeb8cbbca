/** Rules that hold for the whole module. */
@NullMarked
package io.vnet.api;

import org.jspecify.annotations.NullMarked;
