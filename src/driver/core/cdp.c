/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-channel data processor (LRN) and its read DMA (NVDLA programming guide, CDP). */
#include "driver/core/build.h"

static uint64_t minus_one(uint32_t value) {
  return (uint64_t)value - 1;
}

static int check_cdp(struct dla_build* b, const struct nvdla_cdp_op_desc* op) {
  DLA_TRY(dla_check_feature(b, "op_type", MEDLAR_FEATURE_CDP));
  DLA_TRY(dla_check_precision(b, "in_precision", op->in_precision));
  DLA_TRY(dla_check(b, "out_precision", op->out_precision, op->in_precision, op->in_precision));
  DLA_TRY(dla_check(b, "lut_index", op->lut_index, -1, (int64_t)b->num_luts - 1));
  DLA_TRY(dla_check(b, "local_size", op->local_size, 3, 9));
  if (op->local_size % 2 == 0) {
    return dla_refuse(b, MEDLAR_EINVAL, "local_size", op->local_size, 9);
  }
  DLA_TRY(dla_check(b, "bypass_sqsum", op->bypass_sqsum, 0, 1));
  return dla_check(b, "bypass_out_mul", op->bypass_out_mul, 0, 1);
}

static void plan_rdma(struct dla_build* b, const struct nvdla_data_cube* src, struct dla_place from,
                      uint8_t precision) {
  SET(CDP_RDMA, D_DATA_CUBE_WIDTH, WIDTH, minus_one(src->width));
  SET(CDP_RDMA, D_DATA_CUBE_HEIGHT, HEIGHT, minus_one(src->height));
  SET(CDP_RDMA, D_DATA_CUBE_CHANNEL, CHANNEL, minus_one(src->channel));
  SET_ADDRESS(CDP_RDMA, D_SRC_BASE_ADDR_HIGH, D_SRC_BASE_ADDR_LOW, from.iova);
  SET_V1(CDP_RDMA, D_SRC_LINE_STRIDE, SRC_LINE_STRIDE, src->line_stride);
  SET_V1(CDP_RDMA, D_SRC_SURFACE_STRIDE, SRC_SURFACE_STRIDE, src->surf_stride);
  SET(CDP_RDMA, D_SRC_DMA_CFG, SRC_RAM_TYPE, from.ram);
  SET(CDP_RDMA, D_DATA_FORMAT, INPUT_DATA, precision);
}

static void plan_cdp(struct dla_build* b, const struct nvdla_cdp_op_desc* op,
                     const struct nvdla_data_cube* dst, struct dla_place to) {
  SET(CDP, D_FUNC_BYPASS, SQSUM_BYPASS, op->bypass_sqsum);
  SET(CDP, D_FUNC_BYPASS, MUL_BYPASS, op->bypass_out_mul);
  SET_ADDRESS(CDP, D_DST_BASE_ADDR_HIGH, D_DST_BASE_ADDR_LOW, to.iova);
  SET_V1(CDP, D_DST_LINE_STRIDE, DST_LINE_STRIDE, dst->line_stride);
  SET_V1(CDP, D_DST_SURFACE_STRIDE, DST_SURFACE_STRIDE, dst->surf_stride);
  SET(CDP, D_DST_DMA_CFG, DST_RAM_TYPE, to.ram);
  SET(CDP, D_DATA_FORMAT, INPUT_DATA_TYPE, op->in_precision);
  SET(CDP, D_LRN_CFG, NORMALZ_LEN, (op->local_size - 1) / 2 - 1); /* 3, 5, 7, 9 are 0 to 3 */
  SET_SIGNED(CDP, D_DATIN_OFFSET, DATIN_OFFSET, op->in_cvt.offset);
  SET_SIGNED(CDP, D_DATIN_SCALE, DATIN_SCALE, op->in_cvt.scale);
  SET(CDP, D_DATIN_SHIFTER, DATIN_SHIFTER, op->in_cvt.truncate);
  SET_SIGNED(CDP, D_DATOUT_OFFSET, DATOUT_OFFSET, op->out_cvt.offset);
  SET_SIGNED(CDP, D_DATOUT_SCALE, DATOUT_SCALE, op->out_cvt.scale);
  SET(CDP, D_DATOUT_SHIFTER, DATOUT_SHIFTER, op->out_cvt.truncate);
}

int dla_cdp_build(struct dla_build* b, const struct dla_descriptors* d) {
  const struct nvdla_cdp_op_desc* op = &d->op.cdp_op;
  const struct nvdla_data_cube* src = &d->surface.cdp_surface.src_data;
  struct nvdla_data_cube dst = d->surface.cdp_surface.dst_data;
  struct dla_place from;
  struct dla_place to;
  DLA_TRY(check_cdp(b, op));
  DLA_TRY(
      dla_find_feature(b, (struct dla_use){"src", false}, src, dla_element_bytes(op->in_precision), &from));
  dst.width = src->width; /* the dimensions are the source's */
  dst.height = src->height;
  dst.channel = src->channel;
  DLA_TRY(
      dla_find_feature(b, (struct dla_use){"dst", true}, &dst, dla_element_bytes(op->out_precision), &to));
  b->op->uses_rdma = true;
  b->op->lut = op->lut_index;
  b->op->real = op->in_precision == NVDLA_PRECISION_FP16;
  plan_rdma(b, src, from, op->in_precision);
  plan_cdp(b, op, &dst, to);
  return b->error;
}
