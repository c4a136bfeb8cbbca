package io.vnet.api.device;

/**
 * A link changed. Told asynchronously and only on change: a link that went down and up again before
 * it was told is not told.
 *
 * @param device whose
 * @param link the state now
 */
public record LinkEvent(DeviceId device, LinkState link) {}
