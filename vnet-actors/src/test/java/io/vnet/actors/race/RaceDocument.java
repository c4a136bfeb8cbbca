package io.vnet.actors.race;

import io.vnet.actors.race.Races.Order;
import io.vnet.actors.race.Races.Race;

/** The races as a document. */
final class RaceDocument {
  private static final String HEAD =
      """
      # What meets what

      Each pair of deeds on one device `tun0` that the if_tuntap specification names (section 10), in both orders, and with each side stopped in its middle while the other does what it can.
      Written by `RaceMatrixTest`, which plays every row with the real actors on one thread and fails if an answer is another; it also plays each pair in hundreds of seeded orders, in which nothing
      else may be answered. After each row: one teardown in its order, no packet lost without a reason or given twice, nothing left of the host.

      "waits for the other": it was answered only when the other side had gone on. "waits for the holder": only when the holder, who is neither side, had closed the device.

      """;

  private RaceDocument() {}

  static String text() {
    StringBuilder text = new StringBuilder(HEAD);
    text.append("| pair | device before | order | answers |\n|---|---|---|---|\n");
    for (Race race : Races.all()) {
      for (Order order : race.orders()) {
        text.append("| ")
            .append(race.name())
            .append(" | ")
            .append(race.setting().text())
            .append(" | ")
            .append(race.orderText(order))
            .append(" | ")
            .append(race.expected(order))
            .append(" |\n");
      }
      for (String also : race.also()) {
        text.append("| ")
            .append(race.name())
            .append(" | ")
            .append(race.setting().text())
            .append(" | some other order | ")
            .append(also)
            .append(" |\n");
      }
    }
    return text.toString();
  }
}
