/** Rules that the build holds over the byte code. */
@NullMarked
package io.vnet.actors.rules;

import org.jspecify.annotations.NullMarked;
