/** What several rooms need of threads. Not exported; calls nobody. */
@NullMarked
package io.vnet.io.thread;

import org.jspecify.annotations.NullMarked;
