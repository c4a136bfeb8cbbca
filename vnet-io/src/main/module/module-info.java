/** TUN and TAP devices and UDP sockets of the Linux kernel, on Netty's event loops. */
module io.vnet.io {
  requires static org.jspecify;
  requires transitive io.netty.buffer;
  requires io.netty.common;
  requires transitive io.netty.transport;
  requires io.netty.transport.classes.epoll;
  requires io.netty.transport.unix.common;
  requires org.slf4j;
  requires transitive io.vnet.api;

  exports io.vnet.io.netlink;
  exports io.vnet.io.netns;
  exports io.vnet.io.netty;
  exports io.vnet.io.service;
  exports io.vnet.io.udp;

  provides io.vnet.api.backend.HostNetworkProvider with
      io.vnet.io.host.LinuxHostNetworkProvider;
}
