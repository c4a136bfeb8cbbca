/** Devices, packets, ports and the epoch: what everybody else is written against. */
module io.vnet.api {
  requires static transitive org.jspecify;

  exports io.vnet.api.address;
  exports io.vnet.api.backend;
  exports io.vnet.api.device;
  exports io.vnet.api.epoch;
  exports io.vnet.api.error;
  exports io.vnet.api.header;
  exports io.vnet.api.mtu;
  exports io.vnet.api.offload;
  exports io.vnet.api.packet;
  exports io.vnet.api.port;
}
