/* SPDX-License-Identifier: Apache-2.0 */
/* The dependency graph of a task: every way in which it could never finish is found here, before it runs.
 *
 * Each operation is three events, programmed -> enabled -> completed. Edges between them:
 *   consumers and fused parent   their event of A, then enabled of B
 *   queue of an engine           programmed in order; two register groups: completed of k, then programmed of
 * k + 2; completed in order; another LUT: completed of k, then programmed of k + 1 on-the-fly pair enabled of
 * each, then completed of the other
 *
 * Operations that write the same bytes must be ordered. An engine works through its queue one operation after the
 * other, so the operations that have surely completed before an event are a prefix of each queue: six numbers an
 * event, the larger of two where edges meet. */
#include "driver/core/build.h"

enum { PROGRAMMED, ENABLED, COMPLETED, EVENTS };

struct graph {
  struct dla_build* b;
  struct dla_task* task;
  uint16_t* position; /* of an operation in its engine's queue */
  uint16_t* partner;  /* of an on-the-fly pair, NO_PARTNER without; the upstream end */
  uint16_t* missing;  /* edges into an event that have not fired */
  uint16_t* stack;
  uint16_t (*done)[DLA_ENGINES]; /* by event: operations of each queue that have completed before it */
};

#define NO_PARTNER 0xffff
#define MAX_EDGES 16

static int blame(const struct graph* g, uint32_t op, const char* field, int64_t value, int64_t limit) {
  g->b->op = &g->task->ops[op];
  g->b->op_index = (int32_t)op;
  return dla_refuse(g->b, MEDLAR_EINVAL, field, value, limit);
}

/* One edge of the descriptor: in range, of the engine that its slot says, and of a known event. */
static int check_edge(struct graph* g, uint32_t op, const struct nvdla_consumer* edge, int engine) {
  if (edge->index == DLA_NO_OP) {
    return 0;
  }
  if (edge->index < 0 || (uint32_t)edge->index >= g->task->num_operations) {
    return blame(g, op, "consumer.index", edge->index, (int64_t)g->task->num_operations - 1);
  }
  if (g->task->ops[edge->index].type != engine) {
    return blame(g, op, "consumer.type", g->task->ops[edge->index].type, engine);
  }
  if (edge->event < NVDLA_EVENT_OP_COMPLETED || edge->event > NVDLA_EVENT_CDMA_DT_DONE) {
    return blame(g, op, "consumer.event", edge->event, NVDLA_EVENT_CDMA_DT_DONE);
  }
  if (edge->event >= NVDLA_EVENT_CDMA_WT_DONE && g->task->ops[op].type != NVDLA_OP_TYPE_CONV) {
    return blame(g, op, "consumer.event", edge->event, NVDLA_EVENT_OP_ENABLED);
  }
  ++g->missing[edge->index];
  return 0;
}

static int check_edges(struct graph* g) {
  for (uint32_t i = 0; i < g->task->num_operations; ++i) {
    const struct dla_op* op = &g->task->ops[i];
    for (int engine = 0; engine < DLA_ENGINES; ++engine) {
      DLA_TRY(check_edge(g, i, &op->consumers[engine], engine));
    }
    DLA_TRY(check_edge(g, i, &op->fused_parent, op->type - 1));
  }
  for (uint32_t i = 0; i < g->task->num_operations; ++i) {
    if (g->task->ops[i].dependencies != g->missing[i]) {
      return blame(g, i, "dependency_count", g->task->ops[i].dependencies, g->missing[i]);
    }
    g->missing[i] = 0;
  }
  return 0;
}

/* An engine's queue is the list of its consumers of its own kind. */
static int check_queues(struct graph* g, const int16_t* op_head) {
  struct dla_task* task = g->task;
  uint32_t count = 0;
  for (uint32_t i = 0; i < task->num_operations; ++i) {
    g->position[i] = NO_PARTNER;
  }
  for (int engine = 0; engine < DLA_ENGINES; ++engine) {
    task->queue[engine] = count;
    for (int32_t at = op_head[engine]; at != DLA_NO_OP; at = task->ops[at].consumers[engine].index) {
      if (at < 0 || (uint32_t)at >= task->num_operations) {
        return dla_refuse(g->b, MEDLAR_EINVAL, "op_head", at, (int64_t)task->num_operations - 1);
      }
      if (task->ops[at].type != engine) {
        return blame(g, (uint32_t)at, "op_head", engine, task->ops[at].type);
      }
      if (g->position[at] != NO_PARTNER) {
        return blame(g, (uint32_t)at, "queue", at, DLA_NO_OP);
      }
      g->position[at] = (uint16_t)(count - task->queue[engine]);
      task->order[count++] = (uint16_t)at;
    }
  }
  task->queue[DLA_ENGINES] = count;
  for (uint32_t i = 0; i < task->num_operations; ++i) {
    if (g->position[i] == NO_PARTNER) {
      return blame(g, i, "op_head", DLA_NO_OP, i);
    }
  }
  return 0;
}

/* Pairs meet in the order of both queues: the hardware knows no names. */
static int pair_engines(struct graph* g, int upstream) {
  struct dla_task* task = g->task;
  const int downstream = upstream + 1;
  uint32_t up = task->queue[upstream];
  for (uint32_t down = task->queue[downstream]; down < task->queue[downstream + 1]; ++down) {
    const uint16_t consumer = task->order[down];
    if (!task->ops[consumer].flying) {
      continue;
    }
    while (up < task->queue[upstream + 1] && !task->ops[task->order[up]].feeds) {
      ++up;
    }
    const int32_t parent = up < task->queue[upstream + 1] ? task->order[up++] : DLA_NO_OP;
    const int32_t named = task->ops[consumer].fused_parent.index;
    if (parent == DLA_NO_OP || named != parent) {
      return blame(g, consumer, "fused_parent", named, parent);
    }
    g->partner[parent] = consumer;
  }
  for (; up < task->queue[upstream + 1]; ++up) {
    if (task->ops[task->order[up]].feeds) {
      return blame(g, task->order[up], "dst.type", NVDLA_MEM_TYPE_HW, NVDLA_MEM_TYPE_MC);
    }
  }
  return 0;
}

static int event_of(uint8_t event) {
  return event == NVDLA_EVENT_OP_COMPLETED    ? COMPLETED
         : event == NVDLA_EVENT_OP_PROGRAMMED ? PROGRAMMED
                                              : ENABLED;
}

static uint32_t node(int32_t op, int event) {
  return (uint32_t)op * EVENTS + (uint32_t)event;
}

/* The operation `ahead` places behind `op` in its queue, or DLA_NO_OP. */
static int32_t follower(const struct graph* g, uint32_t op, uint32_t ahead) {
  const uint8_t engine = g->task->ops[op].type;
  const uint32_t at = g->task->queue[engine] + g->position[op] + ahead;
  return at < g->task->queue[engine + 1] ? g->task->order[at] : DLA_NO_OP;
}

static uint32_t edges_of_queue(const struct graph* g, uint32_t op, int event, uint32_t* out) {
  uint32_t count = 0;
  const int32_t next = follower(g, op, 1);
  const int32_t after = follower(g, op, 2);
  if (event == PROGRAMMED && next != DLA_NO_OP) {
    out[count++] = node(next, PROGRAMMED);
  }
  if (event == COMPLETED && next != DLA_NO_OP) {
    const int16_t lut = g->task->ops[op].lut;
    const int16_t next_lut = g->task->ops[next].lut;
    out[count++] = node(next, COMPLETED);
    if (lut >= 0 && next_lut >= 0 && lut != next_lut) {
      out[count++] = node(next, PROGRAMMED);
    }
  }
  if (event == COMPLETED && after != DLA_NO_OP) {
    out[count++] = node(after, PROGRAMMED);
  }
  return count;
}

static uint32_t edges(const struct graph* g, uint32_t from, uint32_t out[MAX_EDGES]) {
  const uint32_t i = from / EVENTS;
  const int event = (int)(from % EVENTS);
  const struct dla_op* op = &g->task->ops[i];
  uint32_t count = edges_of_queue(g, i, event, out);
  if (event != COMPLETED) {
    out[count++] = from + 1;
  }
  for (int engine = 0; engine <= DLA_ENGINES; ++engine) {
    const struct nvdla_consumer* edge = engine < DLA_ENGINES ? &op->consumers[engine] : &op->fused_parent;
    if (edge->index != DLA_NO_OP && event_of(edge->event) == event) {
      out[count++] = node(edge->index, ENABLED);
    }
  }
  if (event == ENABLED && g->partner[i] != NO_PARTNER) {
    out[count++] = node(g->partner[i], COMPLETED);
  }
  if (event == ENABLED && op->flying) {
    out[count++] = node(op->fused_parent.index, COMPLETED);
  }
  return count;
}

static void raise_to(uint16_t* value, uint16_t least) {
  *value = *value < least ? least : *value;
}

static void join(uint16_t* into, const uint16_t* from) {
  for (int engine = 0; engine < DLA_ENGINES; ++engine) {
    raise_to(&into[engine], from[engine]);
  }
}

static int check_cycles(struct graph* g) {
  const uint32_t nodes = g->task->num_operations * EVENTS;
  uint32_t out[MAX_EDGES];
  uint32_t waiting = 0;
  for (uint32_t from = 0; from < nodes; ++from) {
    for (uint32_t count = edges(g, from, out); count > 0; --count) {
      ++g->missing[out[count - 1]];
    }
  }
  for (uint32_t i = 0; i < nodes; ++i) {
    if (g->missing[i] == 0) {
      g->stack[waiting++] = (uint16_t)i;
    }
  }
  uint32_t fired = 0;
  for (; waiting > 0; ++fired) {
    const uint16_t from = g->stack[--waiting];
    const uint32_t op = from / EVENTS;
    if (from % EVENTS == COMPLETED) {
      raise_to(&g->done[from][g->task->ops[op].type], (uint16_t)(g->position[op] + 1));
    }
    for (uint32_t count = edges(g, from, out); count > 0; --count) {
      join(g->done[out[count - 1]], g->done[from]);
      if (--g->missing[out[count - 1]] == 0) {
        g->stack[waiting++] = (uint16_t)out[count - 1];
      }
    }
  }
  for (uint32_t i = 0; fired < nodes && i < nodes; ++i) {
    if (g->missing[i] != 0) {
      return blame(g, i / EVENTS, "dependency cycle", (int64_t)(i / EVENTS),
                   (int64_t)g->task->num_operations);
    }
  }
  return 0;
}

/* What has surely completed when an operation may write its first byte: before it was enabled, before it on its own
 * engine, and the same for the operations that feed it on the fly. */
static void done_before(const struct graph* g, uint32_t op, uint16_t out[DLA_ENGINES]) {
  for (int engine = 0; engine < DLA_ENGINES; ++engine) {
    out[engine] = 0;
  }
  for (;;) {
    const struct dla_op* at = &g->task->ops[op];
    const uint16_t position = g->position[op];
    join(out, g->done[node((int32_t)op, ENABLED)]);
    if (position > 0) {
      join(out, g->done[node(g->task->order[g->task->queue[at->type] + position - 1u], COMPLETED)]);
    }
    if (!at->flying) {
      return;
    }
    op = (uint32_t)at->fused_parent.index;
  }
}

static bool before(const struct graph* g, uint32_t first, uint32_t second) {
  uint16_t done[DLA_ENGINES];
  done_before(g, second, done);
  return done[g->task->ops[first].type] > g->position[first];
}

static int check_writes(struct graph* g) {
  struct dla_build* b = g->b;
  dla_extents_sort(b->extents, b->num_extents);
  for (uint32_t i = 0; i < b->num_extents; ++i) {
    const struct dla_extent* a = &b->extents[i];
    for (uint32_t j = i + 1; j < b->num_extents && b->extents[j].start < a->start + a->bytes; ++j) {
      const struct dla_extent* c = &b->extents[j];
      if (g->task->ops[a->op].type == g->task->ops[c->op].type || !dla_extents_meet(a, c)) {
        continue;
      }
      if (!before(g, a->op, c->op) && !before(g, c->op, a->op)) {
        return blame(g, a->op > c->op ? a->op : c->op, "overlapping write", a->op > c->op ? a->op : c->op,
                     a->op > c->op ? c->op : a->op);
      }
    }
  }
  return 0;
}

int dla_graph_build(struct dla_build* b, const struct dla_port* port, struct dla_task* task,
                    const int16_t* op_head) {
  const uint32_t n = task->num_operations;
  const size_t words = (size_t)n * (2 + 2 * EVENTS + DLA_ENGINES * EVENTS);
  uint16_t* scratch = port->allocate(port->self, words * sizeof *scratch);
  if (scratch == NULL) {
    return dla_refuse(b, MEDLAR_ENOMEM, "num_operations", n, 0);
  }
  struct graph g = {.b = b, .task = task, .position = scratch, .partner = scratch + n};
  g.missing = g.partner + n;
  g.stack = g.missing + (size_t)n * EVENTS;
  g.done = (uint16_t(*)[DLA_ENGINES])(g.stack + (size_t)n * EVENTS);
  for (uint32_t i = 0; i < n; ++i) {
    g.partner[i] = NO_PARTNER;
  }
  int error = check_edges(&g);
  error = error != 0 ? error : check_queues(&g, op_head);
  error = error != 0 ? error : pair_engines(&g, NVDLA_OP_TYPE_CONV);
  error = error != 0 ? error : pair_engines(&g, NVDLA_OP_TYPE_SDP);
  error = error != 0 ? error : check_cycles(&g);
  error = error != 0 ? error : check_writes(&g);
  port->release(port->self, scratch, words * sizeof *scratch);
  return error;
}
