/** What FreeBSD's own tests of its tunnel driver check, against vnet. */
@NullMarked
package io.vnet.actors.freebsd;

import org.jspecify.annotations.NullMarked;
