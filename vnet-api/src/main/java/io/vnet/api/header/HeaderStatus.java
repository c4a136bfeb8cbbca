package io.vnet.api.header;

/** Whether bytes are the header that they should be. */
public enum HeaderStatus {
  /** They are; the view's fields may be used. */
  OK,
  /** There are fewer bytes than the header, or than it says there are. */
  TRUNCATED,
  /** The version field names another protocol. */
  BAD_VERSION,
  /** The header says that it is shorter than it can be. */
  BAD_HEADER_LENGTH,
  /** The packet says that it is shorter than its own header. */
  BAD_TOTAL_LENGTH,
  /** Address or hardware types that the view does not know. */
  BAD_TYPE
}
