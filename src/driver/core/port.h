/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that the driver core asks of the system around it. The core itself includes only stdint, stddef
 * and stdbool; the compiler may call memcpy and memset for struct copies. */
#ifndef MEDLAR_DRIVER_CORE_PORT_H
#define MEDLAR_DRIVER_CORE_PORT_H
#include "driver/core/types.h"

struct dla_task;

enum dla_power { DLA_POWER_OFF, DLA_POWER_CLOCK_GATED, DLA_POWER_ON };

struct dla_port {
  void* self;
  /* Registers by byte address. 0 or a negative errno (a simulated bus refuses what silicon would ignore);
   * -MEDLAR_ENODEV when the engine has no power or no clock. */
  int (*read)(void* self, uint32_t address, uint32_t* value);
  int (*write)(void* self, uint32_t address, uint32_t value);
  /* Zeroed memory, NULL when there is none. */
  void* (*allocate)(void* self, size_t bytes);
  void (*release)(void* self, void* memory, size_t bytes);
  /* Copies from a submitted buffer (dla_address.buffer) at submit time. The range is inside the buffer. */
  int (*fetch)(void* self, void* buffer, uint64_t offset, void* out, size_t bytes);
  /* Guards queues and pending events; safe against the interrupt handler. Not recursive. */
  void (*lock)(void* self);
  void (*unlock)(void* self);
  /* Device time in nanoseconds, for timeouts. */
  uint64_t (*now)(void* self);
  /* Power-on state of the engine, all registers included. */
  void (*reset)(void* self);
  /* Switches power and clock of the engine and waits out the hardware's latency, in device time. An engine
   * that comes from DLA_POWER_OFF is in its power-on state. 0 or a negative errno. */
  int (*set_power)(void* self, enum dla_power power);
  /* A task has ended with task->status; the port takes it over. Called without the lock. */
  void (*finished)(void* self, struct dla_task* task);
};

#endif
