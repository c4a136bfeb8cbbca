/** Tests of the module as a whole. */
@NullMarked
package io.vnet.io;

import org.jspecify.annotations.NullMarked;
