package io.vnet.actors.core;

/**
 * Where an answer goes: {@code actorRef::tell}, or a future's completion. Called once, on the
 * answering actor's thread, so it must only hand the answer on.
 *
 * @param <T> the answer
 */
@FunctionalInterface
public interface ReplyTo<T> {
  /** Hands the answer on. */
  void tell(T reply);
}
