/**
 * How vnet says no: an {@link io.vnet.api.error.Errno} by name and a {@link
 * io.vnet.api.error.VnetException} that names the object, the operation and the remedy.
 *
 * <p>Every other package may use this one; it uses none. Values only, safe on any thread.
 */
@NullMarked
package io.vnet.api.error;

import org.jspecify.annotations.NullMarked;
