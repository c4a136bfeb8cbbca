package io.vnet.api.device;

/**
 * Whether opening a name that does not exist makes a device, and what an open does.
 *
 * <p>Source: if_tuntap specification, sections 1.5 and 8.
 *
 * @param tunCloning opening {@code tun} or {@code tunN} makes one (net.link.tun.devfs_cloning)
 * @param tapCloning the same for tap and vmnet (net.link.tap.devfs_cloning)
 * @param tapUserOpen ordinary callers may do so for tap and vmnet (net.link.tap.user_open)
 * @param tapUpOnOpen opening a tap or vmnet brings its interface up (net.link.tap.up_on_open)
 */
public record ClonePolicy(
    boolean tunCloning, boolean tapCloning, boolean tapUserOpen, boolean tapUpOnOpen) {
  /** FreeBSD's defaults: cloning on, for the privileged; up_on_open off. */
  public static ClonePolicy defaults() {
    return new ClonePolicy(true, true, false, false);
  }

  /** Whether a caller may make a device of this driver by opening its name. */
  public boolean mayClone(DriverKind driver, Credential caller) {
    boolean privileged = caller == Credential.PRIVILEGED;
    return switch (driver) {
      case TUN -> tunCloning && privileged;
      case TAP, VMNET -> tapCloning && (privileged || tapUserOpen);
    };
  }
}
