package io.vnet.tunnel.quick;

import io.vnet.tunnel.config.QuickSettings;
import java.util.List;

/** When hooks run. */
public enum Moment {
  /** The interface is there; nothing else is done yet. */
  PRE_UP("PreUp"),
  /** All is done. */
  POST_UP("PostUp"),
  /** Nothing is taken back yet. */
  PRE_DOWN("PreDown"),
  /** The interface is gone. */
  POST_DOWN("PostDown");

  private final String key;

  Moment(String key) {
    this.key = key;
  }

  /** As files write it. */
  String key() {
    return key;
  }

  List<QuickSettings.Hook> hooks(QuickSettings settings) {
    return switch (this) {
      case PRE_UP -> settings.preUp();
      case POST_UP -> settings.postUp();
      case PRE_DOWN -> settings.preDown();
      case POST_DOWN -> settings.postDown();
    };
  }
}
