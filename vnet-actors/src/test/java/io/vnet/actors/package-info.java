/** Tests of the host as its users see it. */
@NullMarked
package io.vnet.actors;

import org.jspecify.annotations.NullMarked;
