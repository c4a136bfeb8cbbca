package io.vnet.io.libc;

/** Numbers and layouts of io_uring. Source: linux/io_uring.h; io_uring_setup(2) and the like. */
public final class UringConstants {
  // struct io_uring_params
  public static final int PARAMS_BYTES = 120;
  public static final int PARAMS_CQ_ENTRIES = 4;
  public static final int PARAMS_FLAGS = 8;
  public static final int PARAMS_FEATURES = 20;
  public static final int PARAMS_SQ_OFFSETS = 40;
  public static final int PARAMS_CQ_OFFSETS = 80;

  // struct io_sqring_offsets, struct io_cqring_offsets: from the start of either
  public static final int RING_HEAD = 0;
  public static final int RING_TAIL = 4;
  public static final int RING_MASK = 8;
  public static final int SQ_ARRAY = 24;
  public static final int CQ_CQES = 20;

  public static final int SETUP_CQSIZE = 1 << 3;
  public static final int SETUP_SINGLE_ISSUER = 1 << 12;
  public static final int SETUP_DEFER_TASKRUN = 1 << 13;
  public static final int FEAT_SINGLE_MMAP = 1;
  public static final int FEAT_EXT_ARG = 1 << 8;
  public static final long OFF_SQ_RING = 0;
  public static final long OFF_SQES = 0x10000000L;

  public static final int ENTER_GETEVENTS = 1;
  public static final int ENTER_EXT_ARG = 1 << 3;

  // struct io_uring_getevents_arg
  public static final int GETEVENTS_ARG_BYTES = 24;
  public static final int GETEVENTS_ARG_TS = 16;

  // struct io_uring_sqe
  public static final int SQE_BYTES = 64;
  public static final int SQE_FLAGS = 1;
  public static final int SQE_FD = 4;
  public static final int SQE_OFF = 8;
  public static final int SQE_ADDR = 16;
  public static final int SQE_LEN = 24;
  public static final int SQE_OP_FLAGS = 28;
  public static final int SQE_USER_DATA = 32;
  public static final int SQE_BUF_GROUP = 40;

  public static final int OP_NOP = 0;
  public static final int OP_POLL_ADD = 6;
  public static final int OP_ASYNC_CANCEL = 14;
  public static final int OP_WRITE = 23;
  public static final int OP_READ_MULTISHOT = 49;
  public static final int IOSQE_BUFFER_SELECT = 1 << 5;
  public static final int POLL_ADD_MULTI = 1;

  // struct io_uring_cqe
  public static final int CQE_BYTES = 16;
  public static final int CQE_RES = 8;
  public static final int CQE_FLAGS = 12;
  public static final int CQE_F_BUFFER = 1;
  public static final int CQE_F_MORE = 2;
  public static final int CQE_BUFFER_SHIFT = 16;

  // struct io_uring_probe
  public static final int REGISTER_PROBE = 8;
  public static final int PROBE_BYTES = 16;
  public static final int PROBE_OP_BYTES = 8;
  public static final int PROBE_OP_FLAGS = 2;
  public static final int PROBE_OP_SUPPORTED = 1;

  // struct io_uring_buf_reg, struct io_uring_buf
  public static final int REGISTER_PBUF_RING = 22;
  public static final int UNREGISTER_PBUF_RING = 23;
  public static final int BUF_REG_BYTES = 40;
  public static final int BUF_REG_ENTRIES = 8;
  public static final int BUF_REG_GROUP = 12;
  public static final int BUF_BYTES = 16;
  public static final int BUF_LEN = 8;
  public static final int BUF_ID = 12;

  /** The ring's tail, 16 bits, over the first buffer's reserved field. */
  public static final int BUF_RING_TAIL = 14;

  // linux/eventfd.h, asm-generic/mman-common.h, poll.h
  public static final int EFD_NONBLOCK = 0x800;
  public static final int EFD_CLOEXEC = 0x80000;
  public static final int PROT_READ_WRITE = 3;
  public static final int MAP_SHARED_POPULATE = 0x8001;
  public static final int POLLIN = 1;
  public static final int POLLOUT = 4;
  public static final int POLLERR = 8;
  public static final int POLLHUP = 16;

  private UringConstants() {}
}
