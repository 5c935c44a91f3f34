/* SPDX-License-Identifier: Apache-2.0 */
/* How tasks end: completed, failed, cancelled, out of time. A task that failed leaves the engine in an
 * unknown state, so it is reset; queued tasks are not touched by that. */
#include "driver/core/build.h"
#include "driver/core/engine.h"

/* The oldest operation that has started: the one that faulted or hangs. Before any started, one that is
 * programmed. */
static int32_t suspect(const struct dla_device* device) {
  int32_t programmed = DLA_NO_OP;
  for (uint32_t i = 0; i < device->current->num_operations; ++i) {
    if (device->current->ops[i].state == DLA_OP_ENABLED) {
      return (int32_t)i;
    }
    if (device->current->ops[i].state == DLA_OP_PROGRAMMED && programmed == DLA_NO_OP) {
      programmed = (int32_t)i;
    }
  }
  return programmed;
}

void dla_abort(struct dla_device* device, const struct medlar_query_error* reason) {
  struct dla_task* task = device->current;
  if (task == NULL || task->status != 0) {
    return;
  }
  task->status = reason->error;
  task->reason = *reason;
  task->reason.serial = task->serial;
  task->reason.op_index = suspect(device);
  task->reason.op_type = task->reason.op_index == DLA_NO_OP ? -1 : task->ops[task->reason.op_index].type;
}

static void abort_with(struct dla_device* device, uint32_t kind, int error, const char* field, int64_t value,
                       int64_t limit) {
  struct medlar_query_error reason = {.kind = kind, .error = error, .value = value, .limit = limit};
  dla_name_field(&reason, field);
  if (kind == MEDLAR_ERROR_REGISTER || kind == MEDLAR_ERROR_POWER) {
    reason.access = device->fault_write ? 2 : 1;
  }
  dla_abort(device, &reason);
}

void dla_hang(struct dla_device* device) {
  ++device->counters.timeouts;
  abort_with(device, MEDLAR_ERROR_HANG, -MEDLAR_ETIME, "operations", device->current->done,
             device->current->num_operations);
}

bool dla_done(struct dla_device* device) {
  struct dla_task* task = device->current;
  if (device->fault != 0) {
    const bool dark = device->fault == -MEDLAR_ENODEV;
    abort_with(device, dark ? MEDLAR_ERROR_POWER : MEDLAR_ERROR_REGISTER, dark ? -MEDLAR_ENODEV : -MEDLAR_EIO,
               "register", device->fault_address, device->fault);
  }
  device->port.lock(device->port.self);
  const bool cancelled = task->cancelled;
  device->port.unlock(device->port.self);
  const bool complete = task->done == task->num_operations;
  if (cancelled && !complete) {
    abort_with(device, MEDLAR_ERROR_CANCELLED, -MEDLAR_ECANCELED, "operations", task->done, task->num_operations);
  }
  const uint64_t elapsed = device->port.now(device->port.self) - device->started_ns;
  if (!complete && task->status == 0 && elapsed > task->timeout_ns) {
    ++device->counters.timeouts;
    abort_with(device, MEDLAR_ERROR_HANG, -MEDLAR_ETIME, "device time", (int64_t)elapsed,
               (int64_t)task->timeout_ns);
  }
  return complete || task->status != 0;
}

void dla_finish(struct dla_device* device) {
  struct dla_task* task = device->current;
  task->reason.serial = task->serial;
  if (task->status != 0 && device->running) {
    device->port.reset(device->port.self);
    ++device->counters.resets;
    if (device->fault == -MEDLAR_ENODEV) { /* power or clock went away: from the beginning at the next task */
      device->port.set_power(device->port.self, DLA_POWER_OFF);
      device->power = DLA_POWER_OFF;
    }
  }
  device->running = false;
  device->idle_since_ns = device->port.now(device->port.self);
  device->port.lock(device->port.self);
  device->current = NULL;
  device->fault = 0;
  for (int engine = 0; engine < DLA_ENGINES; ++engine) {
    device->engine[engine].pending[0] = 0;
    device->engine[engine].pending[1] = 0;
  }
  if (task->status != 0) {
    ++device->counters.failed;
  } else {
    ++device->counters.completed;
  }
  device->port.unlock(device->port.self);
  device->port.finished(device->port.self, task);
}
