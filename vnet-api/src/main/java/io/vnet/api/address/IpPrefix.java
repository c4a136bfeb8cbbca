package io.vnet.api.address;
public record IpPrefix(String text) {}
