/* SPDX-License-Identifier: Apache-2.0 */
/* Building an operation: checks of descriptors and the list of register writes that they become. */
#ifndef MEDLAR_DRIVER_CORE_BUILD_H
#define MEDLAR_DRIVER_CORE_BUILD_H
#include "driver/core/overlap.h"
#include "driver/core/registers.h"
#include "driver/core/task.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dla_build {
  const struct dla_config* config;
  const struct dla_address* addresses;
  uint32_t num_addresses;
  struct medlar_query_error* reason;
  uint32_t num_luts;
  struct dla_op* op;
  int32_t op_index;
  struct dla_write* writes;
  uint32_t num_writes, max_writes;
  struct dla_extent* extents; /* of memory that operations write; NULL: nobody asks */
  uint32_t num_extents, max_extents;
  int error; /* the first; later ones are not recorded */
};

/* One operation as user space sent it. */
struct dla_descriptors {
  union nvdla_op_container op;
  union nvdla_surface_container surface;
};

#define DLA_TRY(expression)             \
  do {                                  \
    const int dla_try_ = (expression);  \
    if (dla_try_ != 0) return dla_try_; \
  } while (0)

/* Records why (first reason wins) and returns the negative error. */
int dla_refuse(struct dla_build* b, int error, const char* field, int64_t value, int64_t limit);
void dla_name_field(struct medlar_query_error* reason, const char* field);
/* The field of a sub-descriptor, e.g. "src" and "width". */
int dla_refuse_in(struct dla_build* b, const char* object, const char* field, int64_t value, int64_t limit);
/* low <= value <= high, or -MEDLAR_EINVAL with the bound that it broke. */
int dla_check(struct dla_build* b, const char* field, int64_t value, int64_t low, int64_t high);
int dla_check_precision(struct dla_build* b, const char* field, uint8_t precision);
int dla_check_feature(struct dla_build* b, const char* field, uint32_t feature);

static inline uint32_t dla_element_bytes(uint8_t precision) {
  return precision == NVDLA_PRECISION_INT8 ? 1u : 2u;
}

/* Where a cube lies for the DMA. */
struct dla_place {
  uint64_t iova;
  uint32_t ram; /* register encoding: DRAM 1, SRAM 0 */
};

struct dla_use {
  const char* name; /* "src", "dst", "x1" */
  bool write;
};

/* width, height and channel between 1 and 8192. */
int dla_check_dims(struct dla_build* b, const char* name, const struct nvdla_data_cube* cube);
/* `bytes` from the cube's address on lie inside its buffer, which is of the cube's type and may be written
 * to. */
int dla_find(struct dla_build* b, struct dla_use use, const struct nvdla_data_cube* cube, uint64_t bytes,
             struct dla_place* place);
/* `bytes` from `start` on that the current operation writes; then, if there is more to say, how they lie. */
void dla_note_write(struct dla_build* b, uint64_t start, uint64_t bytes);
void dla_note_lines(struct dla_build* b, uint32_t line_bytes, uint32_t line_stride, uint32_t lines);
void dla_note_surfaces(struct dla_build* b, uint32_t surf_stride, uint32_t surfaces);
/* A feature cube of w x h x c elements with strides: aligned, not overlapping itself, inside its buffer. */
int dla_find_feature(struct dla_build* b, struct dla_use use, const struct nvdla_data_cube* cube,
                     uint32_t element_bytes, struct dla_place* place);
/* Bytes from the first to behind the last atom; atom_bytes as the operand has it. */
uint64_t dla_feature_bytes(const struct nvdla_data_cube* cube, uint64_t surfaces, uint64_t atom_bytes);

struct dla_field {
  enum dla_unit unit;
  uint32_t offset, shift, mask;
  const char* name;
};
/* Adds a field to the plan: into the last write when that is the same register, as a new write otherwise.
 * A value that the field cannot hold is refused. */
void dla_put(struct dla_build* b, const struct dla_field* field, uint64_t value);
void dla_put_at(struct dla_build* b, uint32_t delta, const struct dla_field* field, uint64_t value);
void dla_put_signed(struct dla_build* b, const struct dla_field* field, int64_t value);

#define DLA_FIELD(UNIT, REG, FIELD)                                                                         \
  (&(const struct dla_field){DLA_UNIT_##UNIT, NVDLA_##UNIT##_##REG, NVDLA_##UNIT##_##REG##_##FIELD##_SHIFT, \
                             NVDLA_##UNIT##_##REG##_##FIELD##_MASK, #UNIT "." #REG})
/* For fields that are narrower in the first register map. */
#define DLA_FIELD_V1(UNIT, REG, FIELD)                                                                      \
  (&(const struct dla_field){DLA_UNIT_##UNIT, NVDLA_##UNIT##_##REG, NVDLA_##UNIT##_##REG##_##FIELD##_SHIFT, \
                             b->config->register_map == 1 ? NVDLA_##UNIT##_##REG##_##FIELD##_V1_MASK        \
                                                          : NVDLA_##UNIT##_##REG##_##FIELD##_MASK,          \
                             #UNIT "." #REG})
#define SET(UNIT, REG, FIELD, value) dla_put(b, DLA_FIELD(UNIT, REG, FIELD), (uint64_t)(value))
#define SET_V1(UNIT, REG, FIELD, value) dla_put(b, DLA_FIELD_V1(UNIT, REG, FIELD), (uint64_t)(value))
#define SET_SIGNED(UNIT, REG, FIELD, value) dla_put_signed(b, DLA_FIELD(UNIT, REG, FIELD), (value))
/* The same field of a twin register `delta` bytes further: the stages of SDP repeat each other's layout. */
#define SET_AT(delta, UNIT, REG, FIELD, value) \
  dla_put_at(b, delta, DLA_FIELD(UNIT, REG, FIELD), (uint64_t)(value))
#define SET_V1_AT(delta, UNIT, REG, FIELD, value) \
  dla_put_at(b, delta, DLA_FIELD_V1(UNIT, REG, FIELD), (uint64_t)(value))
/* A whole register. */
#define SET_WORD(UNIT, REG, value)                                                                          \
  dla_put(b,                                                                                                \
          &(const struct dla_field){DLA_UNIT_##UNIT, NVDLA_##UNIT##_##REG, 0, 0xffffffffu, #UNIT "." #REG}, \
          (value))
/* A pair of registers. */
#define SET_ADDRESS(UNIT, HIGH, LOW, iova)   \
  do {                                       \
    SET_WORD(UNIT, HIGH, (iova) >> 32);      \
    SET_WORD(UNIT, LOW, (iova)&0xffffffffu); \
  } while (0)

/* Check an operation and plan its register writes; 0 or a negative errno. */
int dla_bdma_build(struct dla_build* b, const struct dla_descriptors* d);
int dla_conv_build(struct dla_build* b, const struct dla_descriptors* d);
int dla_sdp_build(struct dla_build* b, const struct dla_descriptors* d);
int dla_pdp_build(struct dla_build* b, const struct dla_descriptors* d);
int dla_cdp_build(struct dla_build* b, const struct dla_descriptors* d);
int dla_rubik_build(struct dla_build* b, const struct dla_descriptors* d);
int dla_lut_check(struct dla_build* b, const struct nvdla_lut_param* lut);
/* The operations of a task as a whole: slots, counts, queues, on-the-fly pairs, cycles. Fills order and
 * queue. */
int dla_graph_build(struct dla_build* b, const struct dla_port* port, struct dla_task* task,
                    const int16_t* op_head);

#ifdef __cplusplus
}
#endif
#endif
