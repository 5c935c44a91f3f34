/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the current task: fills register groups, fires events along the dependency graph, starts what is
 * ready.
 *
 * An operation is started when it is programmed and all its events have come. Its own events fire in the
 * order programmed, enabled, completed (and, for a convolution, data done and weights done in between).
 * Firing may make other operations ready; they are collected and started one after the other, so nothing
 * recurses. */
#include "driver/core/engine.h"

/* At most both groups of every engine are programmed at a time. */
#define MAX_READY (2 * DLA_ENGINES)

struct ready {
  uint32_t count;
  int32_t op[MAX_READY];
};

static void arrive(struct dla_task* task, const struct nvdla_consumer* edge, uint8_t event,
                   struct ready* ready) {
  if (edge->index == DLA_NO_OP || edge->event != event) {
    return;
  }
  struct dla_op* op = &task->ops[edge->index];
  if (op->dependencies == 0) { /* an interrupt that came twice: the graph has no more edges than the count */
    return;
  }
  --op->dependencies;
  if (op->dependencies == 0 && op->state == DLA_OP_PROGRAMMED) {
    ready->op[ready->count++] = edge->index;
  }
}

static void fire(struct dla_task* task, int32_t from, uint8_t event, struct ready* ready) {
  const struct dla_op* op = &task->ops[from];
  for (int engine = 0; engine < DLA_ENGINES; ++engine) {
    arrive(task, &op->consumers[engine], event, ready);
  }
  arrive(task, &op->fused_parent, event, ready);
}

static int group_of(const struct dla_device* device, int engine, int32_t op) {
  return device->engine[engine].group[0].op == op ? 0 : 1;
}

static void complete(struct dla_device* device, int engine, int group, struct ready* ready);

static void start_ready(struct dla_device* device, struct ready* ready) {
  struct dla_task* task = device->current;
  while (ready->count > 0 && device->fault == 0) {
    const int32_t index = ready->op[--ready->count];
    struct dla_op* op = &task->ops[index];
    const int group = group_of(device, op->type, index);
    op->state = DLA_OP_ENABLED;
    const bool software = op->type == NVDLA_OP_TYPE_BDMA && op->transfers == 0;
    if (!software) {
      dla_engine_enable(device, op->type, group, op);
    }
    fire(task, index, NVDLA_EVENT_OP_ENABLED, ready);
    if (software) { /* nothing to copy: no hardware, no interrupt */
      complete(device, op->type, group, ready);
    }
  }
}

static void program(struct dla_device* device, int engine, int group, int32_t index) {
  struct dla_op* op = &device->current->ops[index];
  struct ready ready = {0};
  device->engine[engine].group[group].op = index;
  dla_engine_program(device, engine, group, op);
  op->state = DLA_OP_PROGRAMMED;
  if (op->dependencies == 0) {
    ready.op[ready.count++] = index;
  }
  fire(device->current, index, NVDLA_EVENT_OP_PROGRAMMED, &ready);
  start_ready(device, &ready);
}

/* Programs operations of one engine while a group takes them. */
static void fill(struct dla_device* device, int engine) {
  struct dla_engine* e = &device->engine[engine];
  struct dla_task* task = device->current;
  while (device->fault == 0 && e->next < task->queue[engine + 1]) {
    const int32_t index = task->order[e->next];
    const int group = dla_engine_group(device, engine, &task->ops[index]);
    if (group < 0) {
      return;
    }
    ++e->next;
    program(device, engine, group, index);
  }
}

static void complete(struct dla_device* device, int engine, int group, struct ready* ready) {
  struct dla_engine* e = &device->engine[engine];
  const int32_t index = e->group[group].op;
  struct dla_op* op = &device->current->ops[index];
  if (op->uses_rdma) {
    e->rdma_busy[e->group[group].rdma_group] = false;
  }
  op->state = DLA_OP_DONE;
  e->group[group].op = DLA_NO_OP;
  e->last_done = (uint8_t)group;
  ++device->current->done;
  ++device->counters.operations;
  fire(device->current, index, NVDLA_EVENT_OP_COMPLETED, ready);
}

void dla_start(struct dla_device* device) {
  device->port.lock(device->port.self);
  device->running = device->current->status == 0 && !device->current->cancelled;
  device->port.unlock(device->port.self);
  if (device->running) {
    device->fault = dla_wake(device);
  }
  device->started_ns = device->port.now(device->port.self);
  for (int engine = 0; engine < DLA_ENGINES; ++engine) {
    struct dla_engine* e = &device->engine[engine];
    *e = (struct dla_engine){.group = {{.op = DLA_NO_OP}, {.op = DLA_NO_OP}},
                             .next = device->current->queue[engine],
                             .last_done = 1,
                             .lut = -1};
  }
  for (int engine = 0; engine < DLA_ENGINES && device->running && device->fault == 0; ++engine) {
    fill(device, engine);
  }
}

static void handle(struct dla_device* device, int engine, int group, uint8_t events) {
  static const uint8_t order[] = {NVDLA_EVENT_CDMA_WT_DONE, NVDLA_EVENT_CDMA_DT_DONE,
                                  NVDLA_EVENT_OP_COMPLETED};
  for (size_t i = 0; i < sizeof order; ++i) {
    if (((events >> order[i]) & 1) == 0) {
      continue;
    }
    const int32_t index = device->engine[engine].group[group].op;
    if (index == DLA_NO_OP || device->current->ops[index].state != DLA_OP_ENABLED) {
      ++device->counters.spurious;
      continue;
    }
    struct ready ready = {0};
    if (order[i] == NVDLA_EVENT_OP_COMPLETED) {
      complete(device, engine, group, &ready);
    } else {
      fire(device->current, index, order[i], &ready);
    }
    start_ready(device, &ready);
  }
}

void dla_process(struct dla_device* device) {
  if (device->current == NULL) {
    return;
  }
  for (int engine = 0; engine < DLA_ENGINES && device->fault == 0; ++engine) {
    struct dla_engine* e = &device->engine[engine];
    const int first = 1 - e->last_done; /* the group that did not complete last is the older one */
    for (int i = 0; i < 2; ++i) {
      const int group = i == 0 ? first : 1 - first;
      device->port.lock(device->port.self);
      const uint8_t events = e->pending[group];
      e->pending[group] = 0;
      device->port.unlock(device->port.self);
      handle(device, engine, group, events);
    }
  }
  for (int engine = 0; engine < DLA_ENGINES; ++engine) {
    fill(device, engine);
  }
}

int32_t dla_group_op(const struct dla_device* device, int engine, int group) {
  return device->current == NULL ? DLA_NO_OP : device->engine[engine].group[group].op;
}
