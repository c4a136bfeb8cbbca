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

/** What a reader writes at each section. */
abstract class ReaderSlot extends ReaderPadding {
  /** The epoch in which the outermost section was entered; 0 outside. */
  long state;

  /** The thread that entered it. */
  long threadId;

  /** Sections entered and not left. */
  int depth;
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
