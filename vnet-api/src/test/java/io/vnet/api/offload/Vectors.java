package io.vnet.api.offload;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Known answers: finished packets {@code seg0…2}, the packet {@code super} that they become and
 * that splits into them, and its virtio-net header {@code vnet} on a little-endian host; {@code
 * partial_*} is a single packet that needs its checksum. TCP's id and sequence number wrap in IPv4.
 */
final class Vectors {
  /** The prefixes of those that have segments. */
  static final List<String> NAMES = List.of("tcp4", "tcp6", "udp4", "udp6");

  private static final String TEXT =
      """
      tcp4_seg0 =
        4500003cffff4000400626200a4d00020a4d000100500fa0fffffff800000007801001f4b28f00000101
        080a00010203040506076162636465666768
      tcp4_seg1 =
        4500003c00004000400626200a4d00020a4d000100500fa00000000000000007801001f4926800000101
        080a0001020304050607696a6b6c6d6e6f70
      tcp4_seg2 =
        4500003900014000400626220a4d00020a4d000100500fa00000000800000007801801f4ea2900000101
        080a00010203040506077172737475
      tcp4_vnet =
        01013400080014001000
      tcp4_super =
        45000049ffff4000400626130a4d00020a4d000100500fa0fffffff800000007801801f414d800000101
        080a00010203040506076162636465666768696a6b6c6d6e6f707172737475
      tcp6_seg0 =
        60000000001c0640fd770000000000000000000000000002fd7700000000000000000000000000010050
        0fa0000003e800000007501001f40d7200006162636465666768
      tcp6_seg1 =
        60000000001c0640fd770000000000000000000000000002fd7700000000000000000000000000010050
        0fa0000003f000000007501001f4ed490000696a6b6c6d6e6f70
      tcp6_seg2 =
        6000000000190640fd770000000000000000000000000002fd7700000000000000000000000000010050
        0fa0000003f800000007501801f4450b00007172737475
      tcp6_vnet =
        01043c00080028001000
      tcp6_super =
        6000000000290640fd770000000000000000000000000002fd7700000000000000000000000000010050
        0fa0000003e800000007501801f4fb2100006162636465666768696a6b6c6d6e6f707172737475
      udp4_seg0 =
        4500002400054000401126280a4d00020a4d000100350fa0001049c76162636465666768
      udp4_seg1 =
        4500002400064000401126270a4d00020a4d000100350fa0001029a7696a6b6c6d6e6f70
      udp4_seg2 =
        4500002100074000401126290a4d00020a4d000100350fa0000d817b7172737475
      udp4_vnet =
        01051c00080014000600
      udp4_super =
        45000031000540004011261b0a4d00020a4d000100350fa0001d14cb6162636465666768696a6b6c6d6e
        6f707172737475
      udp6_seg0 =
        6000000000101140fd770000000000000000000000000002fd7700000000000000000000000000010035
        0fa0001063716162636465666768
      udp6_seg1 =
        6000000000101140fd770000000000000000000000000002fd7700000000000000000000000000010035
        0fa000104351696a6b6c6d6e6f70
      udp6_seg2 =
        60000000000d1140fd770000000000000000000000000002fd7700000000000000000000000000010035
        0fa0000d9b257172737475
      udp6_vnet =
        01053000080028000600
      udp6_super =
        60000000001d1140fd770000000000000000000000000002fd7700000000000000000000000000010035
        0fa0001dfb206162636465666768696a6b6c6d6e6f707172737475
      partial_vnet =
        01000000000014000600
      partial_in =
        4500002100004000401126300a4d00020a4d000100350fa0000d14bb68656c6c6f
      partial_out =
        4500002100004000401126300a4d00020a4d000100350fa0000d979068656c6c6f
      """;

  private static final Map<String, byte[]> BYTES = parse();

  private Vectors() {}

  /** A copy of the bytes of one vector. */
  static byte[] bytes(String name) {
    byte[] bytes = BYTES.get(name);
    if (bytes == null) {
      throw new IllegalArgumentException(name + " is none of " + BYTES.keySet());
    }
    return bytes.clone();
  }

  /** The three segments of {@code tcp4} and the like. */
  static List<byte[]> segments(String name) {
    return List.of(bytes(name + "_seg0"), bytes(name + "_seg1"), bytes(name + "_seg2"));
  }

  private static Map<String, byte[]> parse() {
    Map<String, byte[]> all = new TreeMap<>();
    List<String> words = new ArrayList<>(List.of(TEXT.split("\\s+")));
    String name = "";
    StringBuilder digits = new StringBuilder();
    words.add("end");
    words.add("=");
    for (int i = 0; i < words.size(); i++) {
      boolean isName = i + 1 < words.size() && words.get(i + 1).equals("=");
      if (isName) {
        if (!name.isEmpty()) {
          all.put(name, HexFormat.of().parseHex(digits));
        }
        name = words.get(i++);
        digits.setLength(0);
      } else {
        digits.append(words.get(i));
      }
    }
    return all;
  }
}
