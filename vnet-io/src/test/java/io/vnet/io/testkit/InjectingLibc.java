package io.vnet.io.testkit;

import io.vnet.io.libc.Libc;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongSupplier;

/**
 * A C library in which rules answer instead of the kernel, or look at what it answered. Safe on any
 * thread if the rules are.
 */
public final class InjectingLibc {
  private final Libc libc;
  private final List<Rule> rules = new CopyOnWriteArrayList<>();

  /** Looks at each call. */
  @FunctionalInterface
  public interface Rule {
    /**
     * The result of a call.
     *
     * @param call the method's name
     * @param arguments the method's
     * @param real makes the call, or asks the next rule
     */
    long answer(String call, Object[] arguments, LongSupplier real);
  }

  /** Over another one. */
  public InjectingLibc(Libc libc) {
    this.libc = libc;
  }

  /** Puts a rule before all others. */
  public InjectingLibc with(Rule rule) {
    rules.addFirst(rule);
    return this;
  }

  /** Removes all rules. */
  public void clear() {
    rules.clear();
  }

  /** The library. */
  public Libc libc() {
    return (Libc)
        Proxy.newProxyInstance(
            Libc.class.getClassLoader(),
            new Class<?>[] {Libc.class},
            (_, method, given) -> {
              Object[] arguments = given == null ? new Object[0] : given;
              LongSupplier real =
                  () -> {
                    try {
                      return (long) Objects.requireNonNull(method.invoke(libc, arguments));
                    } catch (InvocationTargetException e) {
                      throw new AssertionError(e.getCause());
                    } catch (IllegalAccessException e) {
                      throw new AssertionError(e);
                    }
                  };
              for (Rule rule : rules.reversed()) {
                LongSupplier next = real;
                real = () -> rule.answer(method.getName(), arguments, next);
              }
              return real.getAsLong();
            });
  }
}
