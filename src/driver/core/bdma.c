/* SPDX-License-Identifier: Apache-2.0 */
/* Bridge DMA: two-dimensional copies between DRAM and SRAM (NVDLA programming guide, BDMA). */
#include "driver/core/build.h"

#define UNIT 32 /* bytes: granule of sizes and strides */
#define MAX_REPEAT 8192

static int check_repeat(struct dla_build* b, const char* field, uint32_t repeat, uint32_t stride,
                        uint64_t extent) {
  DLA_TRY(dla_check(b, field, repeat, 1, MAX_REPEAT));
  if (stride % UNIT != 0 || (repeat > 1 && stride < extent)) {
    return dla_refuse(b, MEDLAR_EINVAL, field, stride, (int64_t)extent);
  }
  return 0;
}

/* One side of a transfer: `lines` of `line` bytes, in surfaces. */
static int find_side(struct dla_build* b, struct dla_use use, const struct nvdla_bdma_transfer_desc* t,
                     uint8_t type, struct dla_place* place) {
  const uint32_t line = use.write ? t->destination_line : t->source_line;
  const uint32_t surface = use.write ? t->destination_surface : t->source_surface;
  DLA_TRY(check_repeat(b, "line_repeat", t->line_repeat, line, t->line_size));
  const uint64_t lines = (uint64_t)(t->line_repeat - 1) * line + t->line_size;
  DLA_TRY(check_repeat(b, "surface_repeat", t->surface_repeat, surface, lines));
  const struct nvdla_data_cube cube = {.type = type,
                                       .address = use.write ? t->destination_address : t->source_address};
  DLA_TRY(dla_find(b, use, &cube, (uint64_t)(t->surface_repeat - 1) * surface + lines, place));
  if (use.write) {
    dla_note_lines(b, t->line_size, line, t->line_repeat);
    dla_note_surfaces(b, surface, t->surface_repeat);
  }
  return 0;
}

static int build_transfer(struct dla_build* b, const struct nvdla_bdma_surface_desc* s, int index) {
  const struct nvdla_bdma_transfer_desc* t = &s->transfers[index];
  struct dla_place from;
  struct dla_place to;
  DLA_TRY(dla_check(b, "line_size", t->line_size, UNIT, UNIT * MAX_REPEAT));
  if (t->line_size % UNIT != 0) {
    return dla_refuse(b, MEDLAR_EINVAL, "line_size", t->line_size, UNIT);
  }
  DLA_TRY(find_side(b, (struct dla_use){"source", false}, t, s->source_type, &from));
  DLA_TRY(find_side(b, (struct dla_use){"destination", true}, t, s->destination_type, &to));
  SET_ADDRESS(BDMA, CFG_SRC_ADDR_HIGH, CFG_SRC_ADDR_LOW, from.iova);
  SET_ADDRESS(BDMA, CFG_DST_ADDR_HIGH, CFG_DST_ADDR_LOW, to.iova);
  SET(BDMA, CFG_LINE, SIZE, t->line_size / UNIT - 1);
  SET(BDMA, CFG_CMD, SRC_RAM_TYPE, from.ram);
  SET(BDMA, CFG_CMD, DST_RAM_TYPE, to.ram);
  SET(BDMA, CFG_LINE_REPEAT, NUMBER, t->line_repeat - 1);
  SET(BDMA, CFG_SRC_LINE, STRIDE, t->source_line);
  SET(BDMA, CFG_DST_LINE, STRIDE, t->destination_line);
  SET(BDMA, CFG_SURF_REPEAT, NUMBER, t->surface_repeat - 1);
  SET(BDMA, CFG_SRC_SURF, STRIDE, t->source_surface);
  SET(BDMA, CFG_DST_SURF, STRIDE, t->destination_surface);
  SET(BDMA, CFG_OP, EN, 1);
  return b->error;
}

int dla_bdma_build(struct dla_build* b, const struct dla_descriptors* d) {
  const struct nvdla_bdma_surface_desc* s = &d->surface.bdma_surface;
  DLA_TRY(dla_check_feature(b, "op_type", MEDLAR_FEATURE_BDMA));
  DLA_TRY(dla_check(b, "num_transfers", s->num_transfers, 0, NVDLA_BDMA_MAX_TRANSFERS));
  DLA_TRY(dla_check(b, "op.num_transfers", d->op.bdma_op.num_transfers, s->num_transfers, s->num_transfers));
  DLA_TRY(dla_check(b, "source_type", s->source_type, 0, NVDLA_MEM_TYPE_CV));
  DLA_TRY(dla_check(b, "destination_type", s->destination_type, 0, NVDLA_MEM_TYPE_CV));
  b->op->transfers = s->num_transfers;
  for (int i = 0; i < s->num_transfers; ++i) {
    DLA_TRY(build_transfer(b, s, i));
  }
  return 0;
}
