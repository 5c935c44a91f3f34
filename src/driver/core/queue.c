/* SPDX-License-Identifier: Apache-2.0 */
/* Contexts and their tasks: who runs next. Tasks of one context run in the order of submission. Among
 * contexts the higher priority goes first and equals take turns; one that was passed over often enough goes
 * before all. */
#include "driver/core/device.h"

#define MAX_PASSED 16

void dla_device_init(struct dla_device* device, const struct dla_port* port,
                     const struct dla_config* config) {
  *device = (struct dla_device){.port = *port, .config = *config};
}

void dla_context_add(struct dla_device* device, struct dla_context* context, uint32_t priority) {
  *context = (struct dla_context){.priority = priority};
  device->port.lock(device->port.self);
  struct dla_context** at = &device->contexts;
  while (*at != NULL) {
    at = &(*at)->next;
  }
  *at = context;
  device->port.unlock(device->port.self);
}

void dla_context_remove(struct dla_device* device, struct dla_context* context) {
  device->port.lock(device->port.self);
  for (struct dla_context** at = &device->contexts; *at != NULL; at = &(*at)->next) {
    if (*at == context) {
      *at = context->next;
      break;
    }
  }
  device->port.unlock(device->port.self);
}

void dla_context_cancel(struct dla_device* device, struct dla_context* context) {
  device->port.lock(device->port.self);
  for (struct dla_task* task = context->head; task != NULL; task = task->next) {
    task->cancelled = true;
  }
  if (device->current != NULL && device->current->context == context) {
    device->current->cancelled = true;
  }
  device->port.unlock(device->port.self);
}

int dla_loadable_add(struct dla_device* device) {
  device->port.lock(device->port.self);
  const bool room = device->loadables < device->config.max_loadables;
  device->loadables += room;
  device->port.unlock(device->port.self);
  return room ? 0 : -MEDLAR_ENOSPC;
}

void dla_loadable_remove(struct dla_device* device) {
  device->port.lock(device->port.self);
  --device->loadables;
  device->port.unlock(device->port.self);
}

uint64_t dla_submit(struct dla_device* device, struct dla_context* context, struct dla_task* task,
                    uint32_t blocked) {
  device->port.lock(device->port.self);
  const uint64_t serial = ++device->serial;
  task->serial = serial;
  task->context = context;
  task->blocked = blocked;
  if (context->tail != NULL) {
    context->tail->next = task;
  } else {
    context->head = task;
  }
  context->tail = task;
  ++device->counters.submitted;
  device->port.unlock(device->port.self);
  return serial;
}

static void fail_first(struct dla_task* task, uint32_t kind, int error) {
  if (task->status == 0) {
    task->status = error;
    task->reason =
        (struct medlar_query_error){.kind = kind, .error = error, .op_index = DLA_NO_OP, .op_type = -1};
  }
}

void dla_unblock(struct dla_device* device, struct dla_task* task, int status) {
  device->port.lock(device->port.self);
  --task->blocked;
  if (status != 0) {
    fail_first(task, MEDLAR_ERROR_FENCE, -MEDLAR_ECANCELED);
    task->reason.value = status;
  }
  device->port.unlock(device->port.self);
}

static bool runnable(const struct dla_context* context) {
  const struct dla_task* task = context->head;
  return task != NULL && (task->blocked == 0 || task->cancelled);
}

static bool goes_before(const struct dla_context* a, const struct dla_context* b) {
  const bool urgent_a = a->passed >= MAX_PASSED;
  const bool urgent_b = b->passed >= MAX_PASSED;
  if (urgent_a != urgent_b) {
    return urgent_a;
  }
  if (!urgent_a && a->priority != b->priority) {
    return a->priority > b->priority;
  }
  return a->last_turn < b->last_turn;
}

static struct dla_context* choose(struct dla_device* device) {
  struct dla_context* best = NULL;
  for (struct dla_context* context = device->contexts; context != NULL; context = context->next) {
    if (runnable(context) && (best == NULL || goes_before(context, best))) {
      best = context;
    }
  }
  for (struct dla_context* context = device->contexts; best != NULL && context != NULL;
       context = context->next) {
    context->passed = context != best && runnable(context) ? context->passed + 1 : 0;
  }
  return best;
}

bool dla_waiting(struct dla_device* device) {
  bool waiting = false;
  device->port.lock(device->port.self);
  for (const struct dla_context* context = device->contexts; context != NULL && !waiting; context = context->next) {
    waiting = runnable(context);
  }
  device->port.unlock(device->port.self);
  return waiting;
}

bool dla_next(struct dla_device* device) {
  device->port.lock(device->port.self);
  struct dla_context* context = choose(device);
  if (context != NULL) {
    struct dla_task* task = context->head;
    context->head = task->next;
    context->tail = context->head == NULL ? NULL : context->tail;
    context->last_turn = ++device->turn;
    task->next = NULL;
    device->current = task;
  }
  device->port.unlock(device->port.self);
  return context != NULL;
}
