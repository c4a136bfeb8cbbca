/**
 * Network namespaces: {@link io.vnet.io.netns.NetworkNamespace}. A thread that has entered one
 * stays in it, and so do the threads and processes it starts; therefore only short-lived threads
 * made for it ever enter, and nothing that lives on is started there.
 */
@NullMarked
package io.vnet.io.netns;

import org.jspecify.annotations.NullMarked;
