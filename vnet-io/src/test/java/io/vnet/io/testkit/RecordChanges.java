package io.vnet.io.testkit;

import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/** What two records of a kind differ in. */
public final class RecordChanges {
  private RecordChanges() {}

  /** The components that differ, by name, with the value that they have in the second record. */
  public static <R extends Record> Map<String, Object> between(R before, R after) {
    Map<String, Object> changes = new LinkedHashMap<>();
    for (RecordComponent component :
        Objects.requireNonNull(before.getClass().getRecordComponents())) {
      Object value = value(component, after);
      if (!value.equals(value(component, before))) {
        changes.put(component.getName(), value);
      }
    }
    return changes;
  }

  private static Object value(RecordComponent component, Record record) {
    try {
      return Objects.requireNonNull(component.getAccessor().invoke(record));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }
}
