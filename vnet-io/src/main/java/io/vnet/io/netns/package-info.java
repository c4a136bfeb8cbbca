@org.jspecify.annotations.NullMarked
package io.vnet.io.netns;
