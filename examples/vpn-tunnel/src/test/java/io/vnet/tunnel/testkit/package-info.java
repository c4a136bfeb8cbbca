/** What several rooms' tests need: a tunnel in memory, keys. */
package io.vnet.tunnel.testkit;
