/**
 * The document of a softc's life, {@code docs/lifecycle.md}: its diagram and its table come out of
 * the transition function, and a test compares.
 */
@NullMarked
package io.vnet.actors.core.lifecycle;

import org.jspecify.annotations.NullMarked;
