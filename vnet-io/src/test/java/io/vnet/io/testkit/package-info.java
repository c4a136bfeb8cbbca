/**
 * What host tests share: fresh network namespaces, a C library that fails on request and keeps
 * books or answers by rules, a pair of ports in memory, the process's descriptors by kind and some
 * that may be hit by mistake, programs run inside a namespace, a line of progress, the heap in use,
 * what two records differ in.
 *
 * <p>Used by the tests of other modules too, through this module's test jar.
 */
@NullMarked
package io.vnet.io.testkit;

import org.jspecify.annotations.NullMarked;
