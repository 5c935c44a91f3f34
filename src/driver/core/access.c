/* SPDX-License-Identifier: Apache-2.0 */
/* Register access through the port: counted, and the first refusal of a task remembered as its fault. */
#include "driver/core/device.h"

uint32_t dla_register_read(struct dla_device* device, uint32_t address) {
  uint32_t value = 0;
  const int error = device->port.read(device->port.self, address, &value);
  ++device->counters.reads;
  if (error != 0 && device->fault == 0) {
    device->fault = error;
    device->fault_address = address;
    device->fault_write = false;
  }
  return value;
}

void dla_register_write(struct dla_device* device, uint32_t address, uint32_t value) {
  const int error = device->port.write(device->port.self, address, value);
  ++device->counters.writes;
  if (error != 0 && device->fault == 0) {
    device->fault = error;
    device->fault_address = address;
    device->fault_write = true;
  }
}
