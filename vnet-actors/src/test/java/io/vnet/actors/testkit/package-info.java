/**
 * What the tests of this module share: numbered packets, a count of what a host still holds, and a
 * host network that fails or stalls on command.
 */
@NullMarked
package io.vnet.actors.testkit;

import org.jspecify.annotations.NullMarked;
