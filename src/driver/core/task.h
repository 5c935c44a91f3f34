/* SPDX-License-Identifier: Apache-2.0 */
/* A task: copied from user memory, validated and turned into register writes before it is queued. Nothing of
 * it is read again later and nothing is written back. */
#ifndef MEDLAR_DRIVER_CORE_TASK_H
#define MEDLAR_DRIVER_CORE_TASK_H
#include "driver/core/config.h"
#include "driver/core/port.h"
#include "hw/gen/nvdla_desc.h"
#include "uapi/medlar_uapi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DLA_ENGINES NVDLA_OP_COUNT
#define DLA_NO_OP (-1)

/* One entry of a task's address list, resolved by the port. */
struct dla_address {
  void* buffer;    /* for dla_port.fetch; NULL: a hole */
  uint64_t iova;   /* of the entry: the buffer's plus the entry's offset */
  uint64_t bytes;  /* from there to the end of the buffer */
  uint64_t offset; /* of the entry in the buffer */
  bool sram, writable;
};

struct dla_request {
  const struct dla_address* addresses;
  uint32_t num_addresses;
  uint64_t timeout_ns; /* 0: the configuration's */
};

struct dla_write {
  uint32_t address, value;
};

enum dla_op_state { DLA_OP_WAITING, DLA_OP_PROGRAMMED, DLA_OP_ENABLED, DLA_OP_DONE };

struct dla_op {
  struct nvdla_consumer consumers[DLA_ENGINES];
  struct nvdla_consumer fused_parent;
  uint8_t type;
  uint8_t dependencies; /* events still to come */
  uint8_t state;        /* enum dla_op_state */
  bool uses_rdma;       /* the engine's read DMA takes part */
  bool flying;          /* source is the neighbour engine, not memory */
  bool feeds;           /* destination is the neighbour engine */
  bool real;            /* FP16: its LUT slopes are floats */
  int16_t lut;          /* -1: none */
  uint16_t transfers;   /* BDMA */
  uint32_t first_write, num_writes;
};

struct dla_context;

struct dla_task {
  struct dla_task* next; /* in its context's queue */
  struct dla_context* context;
  void* cookie; /* the port's */
  uint64_t serial;
  uint64_t timeout_ns;
  size_t bytes;     /* of this allocation */
  uint32_t blocked; /* in-fences still to come; guarded by the port's lock */
  bool cancelled;   /* guarded by the port's lock */
  int status;       /* 0 or a negative errno, once finished */
  struct medlar_query_error reason;

  uint32_t num_operations, num_luts, num_writes;
  uint32_t done; /* completed operations */
  struct dla_op* ops;
  struct dla_write* writes;
  struct nvdla_lut_param* luts;
  uint16_t* order;                 /* operations by engine, in the order of their queues */
  uint32_t queue[DLA_ENGINES + 1]; /* order[queue[e]] to order[queue[e + 1] - 1] are engine e's */
};

/* 0 and a task for dla_submit or dla_task_destroy, or a negative errno and the reason. */
int dla_task_create(const struct dla_port* port, const struct dla_config* config,
                    const struct dla_request* request, struct dla_task** task,
                    struct medlar_query_error* reason);
void dla_task_destroy(const struct dla_port* port, struct dla_task* task);

#ifdef __cplusplus
}
#endif
#endif
