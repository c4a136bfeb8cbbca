package io.vnet.api.offload;

import io.vnet.api.packet.PacketBatch;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Copies the packets of a batch into another one, those that belong together as super-packets, for
 * a kernel that offloads: {@link JoinPlan} carried out.
 *
 * <p>{@link #begin} looks at all packets of the batch; then {@link #write} is called with one
 * target after the other until {@link #isDone}. What is in no target by then is nowhere: nothing is
 * kept from batch to batch, so a lone packet never waits for company.
 *
 * <p><b>Owner:</b> one thread. The source batch must stay as it is from {@code begin} until done.
 *
 * <p><b>Cost</b> beside the plan's: one copy of each payload, as a super-packet has to lie in one
 * piece in a batch, and one header a super-packet. Who gathers (writev) takes the plan alone and
 * copies nothing. No allocation after the largest batch capacity has been seen, no system call.
 */
public final class Coalescer {
  private final JoinPlan plan;
  private @Nullable PacketBatch source;
  private int next;

  /** A coalescer without packets. */
  public Coalescer(JoinRules rules) {
    plan = new JoinPlan(rules);
  }

  /**
   * Takes the packets of a batch; what was left of an earlier one is forgotten.
   *
   * @param batch finished packets; one with an offload word is passed on as it is
   * @return how many packets they become
   */
  public int begin(PacketBatch batch) {
    source = batch;
    next = 0;
    return plan.plan(batch);
  }

  /** Whether all have been written or skipped. */
  public boolean isDone() {
    return next == plan.items();
  }

  /**
   * Appends the next packets and super-packets, as many as fit.
   *
   * @return how many; 0 into an empty batch means that the next one is longer than its slab
   */
  public int write(PacketBatch target) {
    int before = next;
    while (next < plan.items() && append(Objects.requireNonNull(source), next, target)) {
      next++;
    }
    return next - before;
  }

  /**
   * Gives up the next packet or super-packet.
   *
   * @return how many packets of the source it was made of; 0 if there is none left
   */
  public int skip() {
    return isDone() ? 0 : plan.segments(next++);
  }

  private boolean append(PacketBatch from, int item, PacketBatch target) {
    int first = plan.first(item);
    if (plan.segments(item) == 1) {
      return target.append(from, first);
    }
    int length = plan.length(item);
    int at = target.room(length);
    if (at < 0) {
      return false;
    }
    int headerBytes = plan.headerBytes(item);
    MemorySegment to = target.segment();
    plan.writeHeader(item, to, at);
    long end = (long) at + headerBytes;
    for (int i = first; i != JoinPlan.NO_PACKET; i = plan.next(i)) {
      int payloadBytes = from.length(i) - headerBytes;
      MemorySegment.copy(from.segment(), from.offset(i) + headerBytes, to, end, payloadBytes);
      end += payloadBytes;
    }
    target.commit(length, plan.offload(item));
    return true;
  }
}
