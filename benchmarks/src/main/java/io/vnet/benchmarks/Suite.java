package io.vnet.benchmarks;

import java.util.List;
import org.openjdk.jmh.runner.RunnerException;

/** The benchmarks of one subject. */
@FunctionalInterface
public interface Suite {
  /** Measures all of them and names what came out. */
  List<Figure> measure(Measurement measurement) throws RunnerException;
}
