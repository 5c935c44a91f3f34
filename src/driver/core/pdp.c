/* SPDX-License-Identifier: Apache-2.0 */
/* Planar data processor (pooling) and its read DMA (NVDLA programming guide, PDP). */
#include "driver/core/build.h"

struct pdp {
  const struct nvdla_pdp_op_desc* op;
  const struct nvdla_data_cube *src, *dst;
  bool flying;
  struct dla_place from, to;
};

#define MAX_POOL 8
#define MAX_SPLITS 64

static uint64_t minus_one(uint32_t value) {
  return (uint64_t)value - 1;
}
/* Widths of parts that do not exist are 0 and stay 0. */
static uint64_t part(uint16_t width) {
  return width == 0 ? 0 : (uint64_t)width - 1;
}

static int check_window(struct dla_build* b, const struct pdp* p) {
  const struct nvdla_pdp_op_desc* op = p->op;
  DLA_TRY(dla_check(b, "pool_width", op->pool_width, 0, MAX_POOL - 1));
  DLA_TRY(dla_check(b, "pool_height", op->pool_height, 0, MAX_POOL - 1));
  DLA_TRY(dla_check(b, "stride_x", op->stride_x, 1, MAX_POOL));
  DLA_TRY(dla_check(b, "stride_y", op->stride_y, 1, MAX_POOL));
  DLA_TRY(dla_check(b, "pad_left", op->pad_left, 0, op->pool_width));
  DLA_TRY(dla_check(b, "pad_right", op->pad_right, 0, op->pool_width));
  DLA_TRY(dla_check(b, "pad_top", op->pad_top, 0, op->pool_height));
  DLA_TRY(dla_check(b, "pad_bottom", op->pad_bottom, 0, op->pool_height));
  /* The last window starts inside what there is. */
  const int64_t width = (int64_t)(p->dst->width - 1) * op->stride_x + op->pool_width + 1;
  const int64_t height = (int64_t)(p->dst->height - 1) * op->stride_y + op->pool_height + 1;
  DLA_TRY(dla_check(b, "dst.width", width, 1, p->src->width + op->pad_left + op->pad_right));
  return dla_check(b, "dst.height", height, 1, p->src->height + op->pad_top + op->pad_bottom);
}

/* The parts tile the input and output widths. */
static int check_split(struct dla_build* b, const struct pdp* p) {
  const struct nvdla_pdp_op_desc* op = p->op;
  DLA_TRY(dla_check(b, "split_num", op->split_num, 1, p->flying ? 1 : MAX_SPLITS));
  if (op->split_num == 1) {
    return 0;
  }
  const int64_t mids = op->split_num - 2;
  const int64_t out = op->partial_width_first + mids * op->partial_width_mid + op->partial_width_last;
  const int64_t in = op->partial_in_width_first + mids * op->partial_in_width_mid + op->partial_in_width_last;
  DLA_TRY(dla_check(b, "partial_width", out, p->dst->width, p->dst->width));
  return dla_check(b, "partial_in_width", in, 1, p->src->width);
}

static int check_pdp(struct dla_build* b, struct pdp* p) {
  const struct nvdla_pdp_op_desc* op = p->op;
  DLA_TRY(dla_check_feature(b, "op_type", MEDLAR_FEATURE_PDP));
  DLA_TRY(dla_check_precision(b, "precision", op->precision));
  DLA_TRY(dla_check(b, "pool_mode", op->pool_mode, NVDLA_POOL_MODE_AVG, NVDLA_POOL_MODE_MIN));
  DLA_TRY(dla_check_dims(b, "src", p->src));
  DLA_TRY(dla_check_dims(b, "dst", p->dst));
  DLA_TRY(dla_check(b, "dst.channel", p->dst->channel, p->src->channel, p->src->channel));
  DLA_TRY(check_window(b, p));
  DLA_TRY(check_split(b, p));
  for (int i = 0; i < 7 && op->precision == NVDLA_PRECISION_FP16; ++i) {
    DLA_TRY(dla_check(b, "padding_value", op->padding_value[i], 0, 0));
  }
  const uint32_t element = dla_element_bytes(op->precision);
  if (!p->flying) {
    DLA_TRY(dla_find_feature(b, (struct dla_use){"src", false}, p->src, element, &p->from));
  }
  return dla_find_feature(b, (struct dla_use){"dst", true}, p->dst, element, &p->to);
}

static void plan_partial_in(struct dla_build* b, const struct nvdla_pdp_op_desc* op) {
  SET(PDP, D_PARTIAL_WIDTH_IN, PARTIAL_WIDTH_IN_FIRST, part(op->partial_in_width_first));
  SET(PDP, D_PARTIAL_WIDTH_IN, PARTIAL_WIDTH_IN_MID, part(op->partial_in_width_mid));
  SET(PDP, D_PARTIAL_WIDTH_IN, PARTIAL_WIDTH_IN_LAST, part(op->partial_in_width_last));
  SET(PDP, D_PARTIAL_WIDTH_OUT, PARTIAL_WIDTH_OUT_FIRST, part(op->partial_width_first));
  SET(PDP, D_PARTIAL_WIDTH_OUT, PARTIAL_WIDTH_OUT_MID, part(op->partial_width_mid));
  SET(PDP, D_PARTIAL_WIDTH_OUT, PARTIAL_WIDTH_OUT_LAST, part(op->partial_width_last));
}

static void plan_rdma(struct dla_build* b, const struct pdp* p) {
  const struct nvdla_pdp_op_desc* op = p->op;
  SET(PDP_RDMA, D_DATA_CUBE_IN_WIDTH, CUBE_IN_WIDTH, minus_one(p->src->width));
  SET(PDP_RDMA, D_DATA_CUBE_IN_HEIGHT, CUBE_IN_HEIGHT, minus_one(p->src->height));
  SET(PDP_RDMA, D_DATA_CUBE_IN_CHANNEL, CUBE_IN_CHANNEL, minus_one(p->src->channel));
  SET_ADDRESS(PDP_RDMA, D_SRC_BASE_ADDR_HIGH, D_SRC_BASE_ADDR_LOW, p->from.iova);
  SET_V1(PDP_RDMA, D_SRC_LINE_STRIDE, SRC_LINE_STRIDE, p->src->line_stride);
  SET_V1(PDP_RDMA, D_SRC_SURFACE_STRIDE, SRC_SURFACE_STRIDE, p->src->surf_stride);
  SET(PDP_RDMA, D_SRC_RAM_CFG, SRC_RAM_TYPE, p->from.ram);
  SET(PDP_RDMA, D_DATA_FORMAT, INPUT_DATA, op->precision);
  SET(PDP_RDMA, D_OPERATION_MODE_CFG, SPLIT_NUM, minus_one(op->split_num));
  SET(PDP_RDMA, D_POOLING_KERNEL_CFG, KERNEL_WIDTH, op->pool_width);
  SET(PDP_RDMA, D_POOLING_KERNEL_CFG, KERNEL_STRIDE_WIDTH, minus_one(op->stride_x));
  SET(PDP_RDMA, D_POOLING_PADDING_CFG, PAD_WIDTH, op->pad_left);
  SET(PDP_RDMA, D_PARTIAL_WIDTH_IN, PARTIAL_WIDTH_IN_FIRST, part(op->partial_in_width_first));
  SET(PDP_RDMA, D_PARTIAL_WIDTH_IN, PARTIAL_WIDTH_IN_MID, part(op->partial_in_width_mid));
  SET(PDP_RDMA, D_PARTIAL_WIDTH_IN, PARTIAL_WIDTH_IN_LAST, part(op->partial_in_width_last));
}

/* 1/k: 16 fraction bits, or the 17-bit float of the averager (1-6-10, bias 31). */
static uint32_t reciprocal(uint8_t precision, uint8_t size_minus_one) {
  static const uint32_t fixed[MAX_POOL] = {0x10000, 0x8000, 0x5555, 0x4000, 0x3333, 0x2aaa, 0x2492, 0x2000};
  static const uint32_t real[MAX_POOL] = {0x7c00, 0x7800, 0x7555, 0x7400, 0x7266, 0x7155, 0x7092, 0x7000};
  return precision == NVDLA_PRECISION_FP16 ? real[size_minus_one] : fixed[size_minus_one];
}

static void plan_window(struct dla_build* b, const struct nvdla_pdp_op_desc* op) {
  SET(PDP, D_POOLING_KERNEL_CFG, KERNEL_WIDTH, op->pool_width);
  SET(PDP, D_POOLING_KERNEL_CFG, KERNEL_HEIGHT, op->pool_height);
  SET(PDP, D_POOLING_KERNEL_CFG, KERNEL_STRIDE_WIDTH, minus_one(op->stride_x));
  SET(PDP, D_POOLING_KERNEL_CFG, KERNEL_STRIDE_HEIGHT, minus_one(op->stride_y));
  SET(PDP, D_RECIP_KERNEL_WIDTH, RECIP_KERNEL_WIDTH, reciprocal(op->precision, op->pool_width));
  SET(PDP, D_RECIP_KERNEL_HEIGHT, RECIP_KERNEL_HEIGHT, reciprocal(op->precision, op->pool_height));
  SET(PDP, D_POOLING_PADDING_CFG, PAD_LEFT, op->pad_left);
  SET(PDP, D_POOLING_PADDING_CFG, PAD_TOP, op->pad_top);
  SET(PDP, D_POOLING_PADDING_CFG, PAD_RIGHT, op->pad_right);
  SET(PDP, D_POOLING_PADDING_CFG, PAD_BOTTOM, op->pad_bottom);
  SET_SIGNED(PDP, D_POOLING_PADDING_VALUE_1_CFG, PAD_VALUE_1X, op->padding_value[0]);
  SET_SIGNED(PDP, D_POOLING_PADDING_VALUE_2_CFG, PAD_VALUE_2X, op->padding_value[1]);
  SET_SIGNED(PDP, D_POOLING_PADDING_VALUE_3_CFG, PAD_VALUE_3X, op->padding_value[2]);
  SET_SIGNED(PDP, D_POOLING_PADDING_VALUE_4_CFG, PAD_VALUE_4X, op->padding_value[3]);
  SET_SIGNED(PDP, D_POOLING_PADDING_VALUE_5_CFG, PAD_VALUE_5X, op->padding_value[4]);
  SET_SIGNED(PDP, D_POOLING_PADDING_VALUE_6_CFG, PAD_VALUE_6X, op->padding_value[5]);
  SET_SIGNED(PDP, D_POOLING_PADDING_VALUE_7_CFG, PAD_VALUE_7X, op->padding_value[6]);
}

static void plan_pdp(struct dla_build* b, const struct pdp* p) {
  SET(PDP, D_DATA_CUBE_IN_WIDTH, CUBE_IN_WIDTH, minus_one(p->src->width));
  SET(PDP, D_DATA_CUBE_IN_HEIGHT, CUBE_IN_HEIGHT, minus_one(p->src->height));
  SET(PDP, D_DATA_CUBE_IN_CHANNEL, CUBE_IN_CHANNEL, minus_one(p->src->channel));
  SET(PDP, D_DATA_CUBE_OUT_WIDTH, CUBE_OUT_WIDTH, minus_one(p->dst->width));
  SET(PDP, D_DATA_CUBE_OUT_HEIGHT, CUBE_OUT_HEIGHT, minus_one(p->dst->height));
  SET(PDP, D_DATA_CUBE_OUT_CHANNEL, CUBE_OUT_CHANNEL, minus_one(p->dst->channel));
  SET(PDP, D_OPERATION_MODE_CFG, POOLING_METHOD, p->op->pool_mode);
  SET(PDP, D_OPERATION_MODE_CFG, FLYING_MODE, p->flying ? 0 : 1); /* 0 is on the fly here */
  SET(PDP, D_OPERATION_MODE_CFG, SPLIT_NUM, minus_one(p->op->split_num));
  plan_partial_in(b, p->op);
  plan_window(b, p->op);
  if (!p->flying) {
    SET_V1(PDP, D_SRC_LINE_STRIDE, SRC_LINE_STRIDE, p->src->line_stride);
    SET_V1(PDP, D_SRC_SURFACE_STRIDE, SRC_SURFACE_STRIDE, p->src->surf_stride);
  }
  SET_ADDRESS(PDP, D_DST_BASE_ADDR_HIGH, D_DST_BASE_ADDR_LOW, p->to.iova);
  SET_V1(PDP, D_DST_LINE_STRIDE, DST_LINE_STRIDE, p->dst->line_stride);
  SET_V1(PDP, D_DST_SURFACE_STRIDE, DST_SURFACE_STRIDE, p->dst->surf_stride);
  SET(PDP, D_DST_RAM_CFG, DST_RAM_TYPE, p->to.ram);
  SET(PDP, D_DATA_FORMAT, INPUT_DATA, p->op->precision);
}

int dla_pdp_build(struct dla_build* b, const struct dla_descriptors* d) {
  struct pdp p = {.op = &d->op.pdp_op,
                  .src = &d->surface.pdp_surface.src_data,
                  .dst = &d->surface.pdp_surface.dst_data,
                  .flying = d->surface.pdp_surface.src_data.type == NVDLA_MEM_TYPE_HW};
  DLA_TRY(check_pdp(b, &p));
  b->op->uses_rdma = !p.flying;
  b->op->flying = p.flying;
  if (!p.flying) {
    plan_rdma(b, &p);
  }
  plan_pdp(b, &p);
  return b->error;
}
