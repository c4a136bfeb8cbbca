package io.vnet.tunnel.noise;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Types and lengths of messages, in bytes. Integers on the wire are little-endian. */
public final class Messages {
  /** Type of a handshake initiation. */
  public static final int INITIATION = 1;

  /** Type of a handshake response. */
  public static final int RESPONSE = 2;

  /** Type of a cookie reply. */
  public static final int COOKIE_REPLY = 3;

  /** Type of transport data. */
  public static final int TRANSPORT = 4;

  /** Length of an initiation. */
  public static final int INITIATION_BYTES = 148;

  /** Length of a response. */
  public static final int RESPONSE_BYTES = 92;

  /** Length of a cookie reply. */
  public static final int COOKIE_REPLY_BYTES = 64;

  /** Length of the header before the sealed text of transport data. */
  public static final int TRANSPORT_HEADER_BYTES = 16;

  /** What transport data is longer by than the padded packet in it; the length of a keepalive. */
  public static final int TRANSPORT_OVERHEAD_BYTES = 32;

  /** Where an initiation or response names its sender. */
  static final int SENDER_AT = 4;

  /** Where a cookie reply or transport data names its receiver; a response does so behind that. */
  static final int RECEIVER_AT = 4;

  private static final VarHandle INT =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private Messages() {}

  static int getInt(byte[] message, int at) {
    return (int) INT.get(message, at);
  }

  static void putInt(byte[] message, int at, int value) {
    INT.set(message, at, value);
  }
}
