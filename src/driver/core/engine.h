/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler needs to know of each engine, as a table, and the acts that differ between them. */
#ifndef MEDLAR_DRIVER_CORE_ENGINE_H
#define MEDLAR_DRIVER_CORE_ENGINE_H
#include "driver/core/device.h"
#include "driver/core/registers.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DLA_MAX_UNITS 5

struct dla_engine_info {
  const char* name;
  uint8_t num_units;
  enum dla_unit units[DLA_MAX_UNITS]; /* in the order in which they are enabled */
  bool has_rdma;
  enum dla_unit rdma;
  bool has_lut;
  uint32_t done_shift; /* bit of group 0 in the interrupt status */
};

const struct dla_engine_info* dla_engine_info(int engine);

/* A group that can take the operation now, or -1: none free, or the table or FIFO that it needs is in use. */
int dla_engine_group(struct dla_device* device, int engine, const struct dla_op* op);
/* Selects the group, loads the table if need be, writes the planned registers. */
void dla_engine_program(struct dla_device* device, int engine, int group, const struct dla_op* op);
/* Starts the group. */
void dla_engine_enable(struct dla_device* device, int engine, int group, const struct dla_op* op);

void dla_lut_load(struct dla_device* device, enum dla_unit unit, const struct nvdla_lut_param* lut,
                  bool real);

#ifdef __cplusplus
}
#endif
#endif
