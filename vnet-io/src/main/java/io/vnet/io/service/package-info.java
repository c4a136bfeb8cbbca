/**
 * The service manager that started this process: {@link io.vnet.io.service.ServiceManager} tells it
 * that the service is ready, and gives it descriptors to keep over a restart, which come back as
 * {@link io.vnet.api.device.InheritedDescriptors}. Any thread that may block.
 */
@NullMarked
package io.vnet.io.service;

import org.jspecify.annotations.NullMarked;
