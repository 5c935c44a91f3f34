/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime power management: the clock runs while a task does, the power stays until the core has been idle for
 * long. */
#include "driver/core/device.h"

static int switch_power(struct dla_device* device, enum dla_power power) {
  const int error = device->port.set_power(device->port.self, power);
  if (error == 0) {
    device->power = power;
  }
  return error;
}

int dla_wake(struct dla_device* device) {
  if (device->power == DLA_POWER_ON) {
    return 0;
  }
  const bool was_off = device->power == DLA_POWER_OFF;
  const int error = switch_power(device, DLA_POWER_ON);
  if (error == 0) {
    device->counters.power_ups += was_off;
    device->counters.clock_enables += !was_off;
  }
  return error;
}

uint64_t dla_idle(struct dla_device* device) {
  if (device->power == DLA_POWER_ON && switch_power(device, DLA_POWER_CLOCK_GATED) != 0) {
    return 0;
  }
  if (device->power == DLA_POWER_OFF) {
    return 0;
  }
  const uint64_t off_at = device->idle_since_ns + device->config.power_idle_ns;
  if (device->port.now(device->port.self) < off_at) {
    return off_at;
  }
  switch_power(device, DLA_POWER_OFF);
  return 0;
}
