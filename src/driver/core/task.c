/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a task out of user memory, once, and makes it ready to run. */
#include "driver/core/task.h"

#include "driver/core/build.h"

/* Register writes that an operation of each engine can need at most; BDMA's are per transfer. */
#define MAX_WRITES 112
#define MAX_TRANSFER_WRITES 14
/* Pieces of memory that an operation other than BDMA writes. */
#define MAX_EXTENTS 3

struct loader {
  const struct dla_port* port;
  const struct dla_request* request;
  struct dla_build b;
  struct nvdla_network_desc network;
  struct nvdla_common_op_desc* graph; /* copy of the dependency graph */
  size_t graph_bytes, extent_bytes;
  struct dla_task* task;
};

/* Descriptor lists start at the first byte of their buffer, as the firmware has it. */
static int fetch(struct loader* l, const char* field, int32_t index, uint64_t offset, void* out,
                 size_t bytes) {
  if (index < 0 || (uint32_t)index >= l->request->num_addresses) {
    return dla_refuse(&l->b, MEDLAR_EINVAL, field, index, (int64_t)l->request->num_addresses - 1);
  }
  const struct dla_address* at = &l->request->addresses[index];
  if (at->buffer == NULL || at->offset != 0) {
    return dla_refuse(&l->b, MEDLAR_EINVAL, field, (int64_t)at->offset, 0);
  }
  if (offset > at->bytes || bytes > at->bytes - offset) {
    return dla_refuse(&l->b, MEDLAR_EINVAL, field, (int64_t)(offset + bytes), (int64_t)at->bytes);
  }
  const int error = l->port->fetch(l->port->self, at->buffer, offset, out, bytes);
  return error != 0 ? dla_refuse(&l->b, -error, field, index, 0) : 0;
}

static int load_network(struct loader* l) {
  struct dla_build* b = &l->b;
  struct nvdla_network_desc* n = &l->network;
  DLA_TRY(dla_check(b, "num_addresses", l->request->num_addresses, 1, b->config->max_addresses));
  DLA_TRY(fetch(l, "network", 0, 0, n, sizeof *n));
  DLA_TRY(dla_check(b, "num_operations", n->num_operations, 1, b->config->max_operations));
  DLA_TRY(dla_check(b, "num_addresses", n->num_addresses, 0, l->request->num_addresses));
  DLA_TRY(dla_check(b, "num_luts", n->num_luts, 0, INT16_MAX));
  DLA_TRY(dla_check(b, "num_rois", n->num_rois, 0, 1));
  if (n->stat_list_index >= 0) { /* counters of every operation, written into a list: builds of NVIDIA's firmware differ */
    return dla_refuse(b, MEDLAR_EOPNOTSUPP, "stat_list_index", n->stat_list_index, DLA_NO_OP);
  }
  if (n->surface_index >= 0 || n->roi_array_index >= 0) {
    const bool roi = n->roi_array_index >= 0;
    return dla_refuse(b, MEDLAR_EOPNOTSUPP, roi ? "roi_array_index" : "surface_index",
                      roi ? n->roi_array_index : n->surface_index, DLA_NO_OP);
  }
  if (n->dynamic_roi != 0) {
    return dla_refuse(b, MEDLAR_EOPNOTSUPP, "dynamic_roi", n->dynamic_roi, 0);
  }
  return 0;
}

static int load_graph(struct loader* l) {
  l->graph_bytes = l->network.num_operations * sizeof *l->graph;
  l->graph = l->port->allocate(l->port->self, l->graph_bytes);
  if (l->graph == NULL) {
    return dla_refuse(&l->b, MEDLAR_ENOMEM, "dependency_graph", (int64_t)l->graph_bytes, 0);
  }
  DLA_TRY(fetch(l, "dependency_graph", l->network.dependency_graph_index, 0, l->graph, l->graph_bytes));
  for (uint32_t i = 0; i < l->network.num_operations; ++i) {
    l->b.op_index = (int32_t)i;
    DLA_TRY(dla_check(&l->b, "op_type", l->graph[i].op_type, 0, DLA_ENGINES - 1));
    DLA_TRY(dla_check(&l->b, "roi_index", l->graph[i].roi_index, 0, 0));
  }
  l->b.op_index = DLA_NO_OP;
  return 0;
}

static int allocate_extents(struct loader* l) {
  uint32_t extents = 0;
  for (uint32_t i = 0; i < l->network.num_operations; ++i) {
    extents += l->graph[i].op_type == NVDLA_OP_TYPE_BDMA ? NVDLA_BDMA_MAX_TRANSFERS : MAX_EXTENTS;
  }
  const size_t bytes = extents * sizeof *l->b.extents;
  l->b.extents = l->port->allocate(l->port->self, bytes);
  if (l->b.extents == NULL) {
    return dla_refuse(&l->b, MEDLAR_ENOMEM, "num_operations", l->network.num_operations, 0);
  }
  l->extent_bytes = bytes;
  l->b.max_extents = extents;
  return 0;
}

static size_t aligned(size_t bytes) {
  return (bytes + 7) / 8 * 8;
}

/* One allocation: task, operations, tables, writes, order. */
static int allocate_task(struct loader* l) {
  const uint32_t n = l->network.num_operations;
  uint32_t writes = 0;
  for (uint32_t i = 0; i < n; ++i) {
    writes += l->graph[i].op_type == NVDLA_OP_TYPE_BDMA ? NVDLA_BDMA_MAX_TRANSFERS * MAX_TRANSFER_WRITES
                                                        : MAX_WRITES;
  }
  const size_t ops_at = aligned(sizeof(struct dla_task));
  const size_t luts_at = ops_at + aligned(n * sizeof(struct dla_op));
  const size_t writes_at = luts_at + aligned(l->network.num_luts * sizeof(struct nvdla_lut_param));
  const size_t order_at = writes_at + aligned(writes * sizeof(struct dla_write));
  const size_t bytes = order_at + aligned(n * sizeof(uint16_t));
  unsigned char* memory = l->port->allocate(l->port->self, bytes);
  if (memory == NULL) {
    return dla_refuse(&l->b, MEDLAR_ENOMEM, "num_operations", n, 0);
  }
  struct dla_task* task = (void*)memory;
  task->bytes = bytes;
  task->num_operations = n;
  task->num_luts = l->network.num_luts;
  task->ops = (void*)(memory + ops_at);
  task->luts = (void*)(memory + luts_at);
  task->writes = (void*)(memory + writes_at);
  task->order = (void*)(memory + order_at);
  task->timeout_ns = l->request->timeout_ns != 0 ? l->request->timeout_ns : l->b.config->default_timeout_ns;
  l->task = task;
  l->b.writes = task->writes;
  l->b.max_writes = writes;
  return 0;
}

static int load_luts(struct loader* l) {
  if (l->network.num_luts == 0) {
    return 0;
  }
  DLA_TRY(fetch(l, "lut_data", l->network.lut_data_index, 0, l->task->luts,
                l->network.num_luts * sizeof(struct nvdla_lut_param)));
  for (uint32_t i = 0; i < l->network.num_luts; ++i) {
    DLA_TRY(dla_lut_check(&l->b, &l->task->luts[i]));
  }
  return 0;
}

static int load_op(struct loader* l, uint32_t i) {
  static int (*const build[DLA_ENGINES])(struct dla_build*, const struct dla_descriptors*) = {
      [NVDLA_OP_TYPE_BDMA] = dla_bdma_build, [NVDLA_OP_TYPE_CONV] = dla_conv_build,
      [NVDLA_OP_TYPE_SDP] = dla_sdp_build,   [NVDLA_OP_TYPE_PDP] = dla_pdp_build,
      [NVDLA_OP_TYPE_CDP] = dla_cdp_build,   [NVDLA_OP_TYPE_RUBIK] = dla_rubik_build,
  };
  const struct nvdla_common_op_desc* common = &l->graph[i];
  struct dla_op* op = &l->task->ops[i];
  struct dla_descriptors d;
  l->b.op = op;
  l->b.op_index = (int32_t)i;
  for (int engine = 0; engine < DLA_ENGINES; ++engine) {
    op->consumers[engine] = common->consumers[engine];
  }
  op->fused_parent = common->fused_parent;
  op->type = common->op_type;
  op->dependencies = common->dependency_count;
  op->lut = -1;
  op->first_write = l->b.num_writes;
  DLA_TRY(fetch(l, "operations", l->network.operation_desc_index, i * sizeof d.op, &d.op, sizeof d.op));
  DLA_TRY(fetch(l, "surfaces", l->network.surface_desc_index, i * sizeof d.surface, &d.surface,
                sizeof d.surface));
  DLA_TRY(build[op->type](&l->b, &d));
  op->num_writes = l->b.num_writes - op->first_write;
  return 0;
}

static int load(struct loader* l) {
  DLA_TRY(load_network(l));
  DLA_TRY(load_graph(l));
  DLA_TRY(allocate_extents(l));
  DLA_TRY(allocate_task(l));
  l->b.num_luts = l->network.num_luts;
  DLA_TRY(load_luts(l));
  for (uint32_t i = 0; i < l->task->num_operations; ++i) {
    DLA_TRY(load_op(l, i));
  }
  l->task->num_writes = l->b.num_writes;
  l->b.op = NULL;
  l->b.op_index = DLA_NO_OP;
  return dla_graph_build(&l->b, l->port, l->task, l->network.op_head);
}

int dla_task_create(const struct dla_port* port, const struct dla_config* config,
                    const struct dla_request* request, struct dla_task** task,
                    struct medlar_query_error* reason) {
  *reason = (struct medlar_query_error){.op_index = DLA_NO_OP, .op_type = -1};
  struct loader l = {.port = port, .request = request};
  l.b = (struct dla_build){.config = config,
                           .addresses = request->addresses,
                           .num_addresses = request->num_addresses,
                           .reason = reason,
                           .op_index = DLA_NO_OP};
  const int error = load(&l);
  if (l.graph != NULL) {
    port->release(port->self, l.graph, l.graph_bytes);
  }
  if (l.extent_bytes != 0) {
    port->release(port->self, l.b.extents, l.extent_bytes);
  }
  if (error != 0 && l.task != NULL) {
    dla_task_destroy(port, l.task);
    l.task = NULL;
  }
  *task = l.task;
  return error;
}

void dla_task_destroy(const struct dla_port* port, struct dla_task* task) {
  port->release(port->self, task, task->bytes);
}
