/**
 * Keys of 32 bytes, and their text as base64 and hex. Secrets never show in {@code toString}. No
 * other room of the module is used here; any thread.
 */
@NullMarked
package io.vnet.tunnel.key;

import org.jspecify.annotations.NullMarked;
