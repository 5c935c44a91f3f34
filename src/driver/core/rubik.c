/* SPDX-License-Identifier: Apache-2.0 */
/* Reshape engine (NVDLA programming guide, RUBIK). Planar cubes hold each channel as its own plane. */
#include "driver/core/build.h"

struct rubik {
  const struct nvdla_rubik_op_desc* op;
  const struct nvdla_data_cube *src, *dst;
  struct dla_place from, to;
};

static uint64_t minus_one(uint32_t value) {
  return (uint64_t)value - 1;
}

static int find_planar(struct dla_build* b, struct dla_use use, const struct nvdla_data_cube* cube,
                       uint32_t element_bytes, struct dla_place* place) {
  DLA_TRY(dla_check_dims(b, use.name, cube));
  const uint64_t line = (uint64_t)cube->width * element_bytes;
  const uint64_t plane = (uint64_t)(cube->height - 1) * cube->line_stride + line;
  if (cube->height > 1 && cube->line_stride < line) {
    return dla_refuse_in(b, use.name, "line_stride", cube->line_stride, (int64_t)line);
  }
  if (cube->plane_stride == 0 || cube->plane_stride % 32 != 0 ||
      (cube->channel > 1 && cube->plane_stride < plane)) {
    return dla_refuse_in(b, use.name, "plane_stride", cube->plane_stride, (int64_t)plane);
  }
  return dla_find(b, use, cube, (uint64_t)(cube->channel - 1) * cube->plane_stride + plane, place);
}

static int check_contract(struct dla_build* b, const struct rubik* r) {
  const struct nvdla_rubik_op_desc* op = r->op;
  DLA_TRY(dla_check(b, "stride_x", op->stride_x, 1, 32));
  DLA_TRY(dla_check(b, "stride_y", op->stride_y, 1, 32));
  DLA_TRY(
      dla_check(b, "dst.width", r->dst->width, r->src->width * op->stride_x, r->src->width * op->stride_x));
  DLA_TRY(dla_check(b, "dst.height", r->dst->height, r->src->height * op->stride_y,
                    r->src->height * op->stride_y));
  const int64_t channels = (int64_t)r->dst->channel * op->stride_x * op->stride_y;
  return dla_check(b, "src.channel", r->src->channel, channels, channels);
}

static int check_rubik(struct dla_build* b, struct rubik* r) {
  const struct dla_use src = {"src", false};
  const struct dla_use dst = {"dst", true};
  DLA_TRY(dla_check_feature(b, "op_type", MEDLAR_FEATURE_RUBIK));
  DLA_TRY(dla_check(b, "mode", r->op->mode, NVDLA_RUBIK_MODE_CONTRACT, NVDLA_RUBIK_MODE_MERGE));
  DLA_TRY(dla_check_precision(b, "precision", r->op->precision));
  const uint32_t element = dla_element_bytes(r->op->precision);
  DLA_TRY(r->op->mode == NVDLA_RUBIK_MODE_MERGE ? find_planar(b, src, r->src, element, &r->from)
                                                : dla_find_feature(b, src, r->src, element, &r->from));
  DLA_TRY(r->op->mode == NVDLA_RUBIK_MODE_SPLIT ? find_planar(b, dst, r->dst, element, &r->to)
                                                : dla_find_feature(b, dst, r->dst, element, &r->to));
  return r->op->mode == NVDLA_RUBIK_MODE_CONTRACT ? check_contract(b, r) : 0;
}

static void plan_contract(struct dla_build* b, const struct rubik* r) {
  const uint64_t bytes = (uint64_t)r->dst->channel * dla_element_bytes(r->op->precision);
  SET(RBK, D_CONTRACT_STRIDE_0, CONTRACT_STRIDE_0, (bytes + 31) / 32 * r->src->surf_stride);
  SET(RBK, D_CONTRACT_STRIDE_1, CONTRACT_STRIDE_1, (uint64_t)r->op->stride_y * r->dst->line_stride);
  SET(RBK, D_DECONV_STRIDE, DECONV_X_STRIDE, minus_one(r->op->stride_x));
  SET(RBK, D_DECONV_STRIDE, DECONV_Y_STRIDE, minus_one(r->op->stride_y));
}

int dla_rubik_build(struct dla_build* b, const struct dla_descriptors* d) {
  struct rubik r = {.op = &d->op.rubik_op,
                    .src = &d->surface.rubik_surface.src_data,
                    .dst = &d->surface.rubik_surface.dst_data};
  DLA_TRY(check_rubik(b, &r));
  SET(RBK, D_MISC_CFG, RUBIK_MODE, r.op->mode);
  SET(RBK, D_MISC_CFG, IN_PRECISION, r.op->precision);
  SET(RBK, D_DAIN_RAM_TYPE, DATAIN_RAM_TYPE, r.from.ram);
  SET(RBK, D_DATAIN_SIZE_0, DATAIN_WIDTH, minus_one(r.src->width));
  SET(RBK, D_DATAIN_SIZE_0, DATAIN_HEIGHT, minus_one(r.src->height));
  SET(RBK, D_DATAIN_SIZE_1, DATAIN_CHANNEL, minus_one(r.src->channel));
  SET_ADDRESS(RBK, D_DAIN_ADDR_HIGH, D_DAIN_ADDR_LOW, r.from.iova);
  SET(RBK, D_DAIN_LINE_STRIDE, DAIN_LINE_STRIDE, r.src->line_stride);
  if (r.op->mode == NVDLA_RUBIK_MODE_MERGE) {
    SET(RBK, D_DAIN_PLANAR_STRIDE, DAIN_PLANAR_STRIDE, r.src->plane_stride);
  } else {
    SET(RBK, D_DAIN_SURF_STRIDE, DAIN_SURF_STRIDE, r.src->surf_stride);
  }
  SET(RBK, D_DAOUT_RAM_TYPE, DATAOUT_RAM_TYPE, r.to.ram);
  SET(RBK, D_DATAOUT_SIZE_1, DATAOUT_CHANNEL, minus_one(r.dst->channel));
  SET_ADDRESS(RBK, D_DAOUT_ADDR_HIGH, D_DAOUT_ADDR_LOW, r.to.iova);
  SET(RBK, D_DAOUT_LINE_STRIDE, DAOUT_LINE_STRIDE, r.dst->line_stride);
  if (r.op->mode == NVDLA_RUBIK_MODE_SPLIT) {
    SET(RBK, D_DAOUT_PLANAR_STRIDE, DAOUT_PLANAR_STRIDE, r.dst->plane_stride);
  } else {
    SET(RBK, D_DAOUT_SURF_STRIDE, DAOUT_SURF_STRIDE, r.dst->surf_stride);
  }
  if (r.op->mode == NVDLA_RUBIK_MODE_CONTRACT) {
    plan_contract(b, &r);
  }
  return b->error;
}
