@org.jspecify.annotations.NullMarked package io.vnet.api.address;
