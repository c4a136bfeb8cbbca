package io.vnet.api.device;

/**
 * One device, for ever: a later device of the same name has another generation, so an old id can
 * never reach a successor.
 *
 * @param name driver and unit, never a wildcard
 * @param generation a number that its driver never gives twice
 */
public record DeviceId(DeviceName name, long generation) {
  /** Refuses a wildcard. */
  public DeviceId {
    if (name.isWildcard()) {
      throw new IllegalArgumentException("a device id needs a unit: " + name);
    }
  }

  /** The name only: {@code tun3}. */
  @Override
  public String toString() {
    return name.toString();
  }

  /** Spreads the devices of a driver, whose generations follow one another, evenly. */
  @Override
  public int hashCode() {
    return 31 * name.driver().hashCode() + Long.hashCode(generation);
  }
}
