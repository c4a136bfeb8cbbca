/**
 * Numbers as they are on the wire, for this module's own packages: not exported, no one else calls
 * here.
 */
@NullMarked
package io.vnet.api.wire;

import org.jspecify.annotations.NullMarked;
