package io.vnet.actors.core.search;

import io.vnet.actors.core.SoftcCore;
import io.vnet.actors.core.SoftcEvent;
import io.vnet.actors.core.SoftcState;

/** {@code SoftcCore::step}, or a variant that lacks something. */
@FunctionalInterface
interface StepFunction {
  SoftcCore.Step step(SoftcState state, SoftcEvent event);
}
