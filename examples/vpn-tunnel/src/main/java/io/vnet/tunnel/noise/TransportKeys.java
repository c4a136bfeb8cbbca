package io.vnet.tunnel.noise;

import java.util.Arrays;

/** What a handshake leads to. The keys are not copied; one owner. */
public final class TransportKeys {
  private final byte[] send;
  private final byte[] receive;
  private final int localIndex;
  private final int remoteIndex;

  /**
   * @param send key for what this side sends, 32 bytes
   * @param receive key for what it receives, 32 bytes
   * @param localIndex that this side chose
   * @param remoteIndex that the other side chose
   */
  public TransportKeys(byte[] send, byte[] receive, int localIndex, int remoteIndex) {
    this.send = send;
    this.receive = receive;
    this.localIndex = localIndex;
    this.remoteIndex = remoteIndex;
  }

  /** Key for what this side sends, 32 bytes. */
  public byte[] send() {
    return send;
  }

  /** Key for what this side receives, 32 bytes. */
  public byte[] receive() {
    return receive;
  }

  /** The index that this side chose. */
  public int localIndex() {
    return localIndex;
  }

  /** The index that the other side chose. */
  public int remoteIndex() {
    return remoteIndex;
  }

  /** Overwrites the keys. */
  public void erase() {
    Arrays.fill(send, (byte) 0);
    Arrays.fill(receive, (byte) 0);
  }
}
