package io.vnet.tunnel.fuzz;

import io.vnet.tunnel.core.Drops;
import io.vnet.tunnel.core.Keypair;
import io.vnet.tunnel.core.Peer;
import io.vnet.tunnel.core.TunnelCore;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A number for all the state of a core, found by reflection, so that a field that is new is in it:
 * peers with their handshakes, keys, replay windows, timers, stamps, cookies and staged packets,
 * the table of indices, the allowed IPs, the settings.
 *
 * <p>Not in it is what an outsider may change: the drops' counts, load and what it asks for (cookie
 * secret, limiter), the count of works, the offset between the two clocks, and what is computed
 * from a public key when it is first needed.
 *
 * <p>Objects of other packages count by identity, values of the API by their hash code.
 */
final class StateDigest {
  private static final Set<String> NOT_STATE =
      Set.of(
          "TunnelCore.crypto",
          "TunnelCore.output",
          "TunnelCore.works",
          "TunnelCore.unixMinusNow",
          "TunnelCore.load",
          "IndexTable.random",
          "IndexTable.entropy",
          "LazyPeerIdentity.made");

  /** What an authentic transport message may change of its peer; and its keypairs' windows. */
  private static final Set<String> CHANGED_BY_MESSAGES =
      Set.of(
          "Peer.timers",
          "Peer.endpoint",
          "Peer.keypairs",
          "Peer.attempts",
          "Peer.needsAnotherKeepalive",
          "Peer.keepaliveFollows",
          "Peer.sentLastMinute",
          "Peer.staged",
          "Peer.sentBytes",
          "Peer.receivedBytes",
          "Peer.lastHandshakeUnixNanos");

  static {
    // A field that moved away would be looked at again, or not be, without anybody's wish.
    Set<String> names = new HashSet<>(NOT_STATE);
    names.addAll(CHANGED_BY_MESSAGES);
    for (String name : names) {
      String[] parts = name.split("\\.", 2);
      try {
        var _ =
            Class.forName(TunnelCore.class.getPackageName() + "." + parts[0])
                .getDeclaredField(parts[1]);
      } catch (ReflectiveOperationException e) {
        throw new LinkageError("there is no field " + name, e);
      }
    }
  }

  private static final ClassValue<Plan> PLANS =
      new ClassValue<>() {
        @Override
        protected Plan computeValue(Class<?> type) {
          return Plan.of(type);
        }
      };

  private final TunnelCore core;
  private Set<Peer> spokenTo = Set.of();

  StateDigest(TunnelCore core) {
    this.core = core;
  }

  /** All of it. */
  long all() {
    return but(Set.of());
  }

  /** Without what authentic transport messages of these peers may change. */
  long but(Set<Peer> peers) {
    spokenTo = peers;
    return fields(core, true);
  }

  /** The fields of a class that count, those of superclasses included. */
  private record Plan(List<Field> always, List<Field> unlessSpokenTo, boolean ofTunnel) {
    static Plan of(Class<?> type) {
      List<Field> always = new ArrayList<>();
      List<Field> unlessSpokenTo = new ArrayList<>();
      boolean ofTunnel = type.getPackageName().startsWith("io.vnet.tunnel.");
      for (Class<?> c = type; ofTunnel && c != null && c != Object.class; c = c.getSuperclass()) {
        for (Field field : c.getDeclaredFields()) {
          String name = c.getSimpleName() + "." + field.getName();
          if (Modifier.isStatic(field.getModifiers())
              || NOT_STATE.contains(name)
              || field.getType() == Drops.class
              || field.getType() == TunnelCore.class) {
            continue;
          }
          field.setAccessible(true);
          (CHANGED_BY_MESSAGES.contains(name) ? unlessSpokenTo : always).add(field);
        }
      }
      return new Plan(always, unlessSpokenTo, ofTunnel);
    }
  }

  private static long mix(long hash, long value) {
    long mixed = (hash ^ value) * 0x9E37_79B9_7F4A_7C15L;
    return mixed ^ (mixed >>> 29);
  }

  private long fields(Object of, boolean withPeers) {
    Plan plan = PLANS.get(of.getClass());
    long hash = System.identityHashCode(of);
    for (Field field : plan.always) {
      boolean isPeers = withPeers && field.getName().equals("peers");
      hash = mix(hash, field(of, field, isPeers));
    }
    if (!(of instanceof Peer peer && spokenTo.contains(peer))) {
      for (Field field : plan.unlessSpokenTo) {
        hash = mix(hash, field(of, field, false));
      }
    }
    return hash;
  }

  private long field(Object of, Field field, boolean isPeers) {
    try {
      Class<?> type = field.getType();
      if (type == long.class) {
        return field.getLong(of);
      } else if (type == int.class) {
        return field.getInt(of);
      } else if (type == boolean.class) {
        return field.getBoolean(of) ? 1 : 2;
      } else if (type.isPrimitive()) {
        throw new AssertionError("teach the digest " + field);
      }
      Object value = field.get(of);
      if (isPeers && value instanceof Map<?, ?> peers) {
        long hash = peers.size();
        for (Object peer : peers.values()) {
          hash = mix(hash, fields(peer, false));
        }
        return hash;
      }
      return value(value);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }

  private long value(@Nullable Object value) {
    return switch (value) {
      case null -> 0;
      case long[] array -> Arrays.hashCode(array);
      case int[] array -> Arrays.hashCode(array);
      case byte[] array -> Arrays.hashCode(array);
      case Object[] array -> {
        long hash = array.length;
        for (Object element : array) {
          hash = element == null ? hash + 1 : mix(hash, value(element));
        }
        yield hash;
      }
      case Map<?, ?> map -> {
        long hash = map.size();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          // A sum: identity maps have no order.
          hash += mix(value(entry.getKey()), value(entry.getValue()));
        }
        yield hash;
      }
      case Collection<?> collection -> {
        long hash = collection.size();
        for (Object element : collection) {
          hash += mix(7, value(element));
        }
        yield hash;
      }
      // Peers are looked into in one place.
      case Peer peer -> System.identityHashCode(peer);
      case Keypair keypair when spokenTo.contains(keypair.peer()) ->
          System.identityHashCode(keypair);
      case Object object when PLANS.get(object.getClass()).ofTunnel -> fields(object, false);
      case Object object when object.getClass().getPackageName().startsWith("io.vnet.api.") ->
          object.hashCode();
      default -> System.identityHashCode(value);
    };
  }
}
