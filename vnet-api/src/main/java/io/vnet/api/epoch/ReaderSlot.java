package io.vnet.api.epoch;

/**
 * 120 bytes between whatever lies before and the slot: two cache lines, as neighbours are
 * prefetched.
 */
@SuppressWarnings("unused") // Room, not data.
abstract class ReaderPadding {
  private long p0;
  private long p1;
  private long p2;
  private long p3;
  private long p4;
  private long p5;
  private long p6;
  private long p7;
  private long p8;
  private long p9;
  private long p10;
  private long p11;
  private long p12;
  private long p13;
  private long p14;
}

/**
 * What a reader writes at each section. Only longs: an int would be laid in the gap behind the
 * object's header, before the room.
 */
abstract class ReaderSlot extends ReaderPadding {
  /**
   * Inside, the epoch in which the outermost section was entered, and in the bits below {@link
   * Epoch#STEP} the {@link #NESTED} count, {@link #FENCED} and {@link Epoch#HURRY}, if it was so
   * then. Outside only FENCED or nothing.
   */
  long state;

  /** The thread that entered last. */
  long threadId;

  /** Set, inside and outside, in a reader that needs a full fence. */
  static final long FENCED = 1 << 10;

  /** Sections entered inside the outermost and not left. */
  static final long NESTED = FENCED - 1;
}

/** 120 bytes behind the slot. */
@SuppressWarnings("unused") // Room, not data.
abstract class ReaderSlotPadded extends ReaderSlot {
  private long q0;
  private long q1;
  private long q2;
  private long q3;
  private long q4;
  private long q5;
  private long q6;
  private long q7;
  private long q8;
  private long q9;
  private long q10;
  private long q11;
  private long q12;
  private long q13;
  private long q14;
}
