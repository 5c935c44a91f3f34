/* SPDX-License-Identifier: Apache-2.0 */
/* Single-point data processor and its read DMA (NVDLA programming guide, SDP). */
#include "driver/core/build.h"

struct operand {
  const char* name;
  const struct nvdla_sdp_op* op;
  const struct nvdla_data_cube* cube;
  bool reads; /* its operands come from memory */
  struct dla_place place;
};

struct sdp {
  const struct nvdla_sdp_op_desc* op;
  const struct nvdla_sdp_surface_desc* surface;
  bool flying, to_pdp, rdma;
  uint8_t precision; /* of the data path */
  struct operand x1, x2, y;
  struct dla_place src, dst;
};

static uint64_t minus_one(uint32_t value) {
  return (uint64_t)value - 1;
}
static bool adds(const struct nvdla_sdp_op* op) {
  return op->type == NVDLA_SDP_OP_TYPE_ADD || op->type == NVDLA_SDP_OP_TYPE_BOTH;
}
static bool multiplies(const struct nvdla_sdp_op* op) {
  return op->type == NVDLA_SDP_OP_TYPE_MUL || op->type == NVDLA_SDP_OP_TYPE_BOTH;
}

/* INT8 in, or INT8 out of INT16: the path is INT8. */
static uint8_t path_precision(const struct nvdla_sdp_op_desc* op) {
  if (op->dst_precision == NVDLA_PRECISION_INT8 && op->src_precision == NVDLA_PRECISION_INT16) {
    return NVDLA_PRECISION_INT8;
  }
  return op->src_precision;
}

static int check_operand(struct dla_build* b, const struct sdp* s, struct operand* x) {
  if (x->op->enable == 0) {
    return 0;
  }
  const bool eltwise = x == &s->y;
  const int64_t alu_last = eltwise ? NVDLA_SDP_ALU_OP_EQL : NVDLA_SDP_ALU_OP_SUM;
  struct {
    const char* field;
    int64_t value, high;
  } const checks[] = {
      {"enable", x->op->enable, 1},
      {"alu_type", x->op->alu_type, alu_last},
      {"type", x->op->type, NVDLA_SDP_OP_TYPE_BOTH},
      {"mode", x->op->mode, NVDLA_SDP_OP_MODE_PER_POINT},
      {"act", x->op->act, NVDLA_SDP_ACTIVATION_PRELU},
      {"precision", x->op->precision, NVDLA_PRECISION_FP16},
  };
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; ++i) {
    if (checks[i].value > checks[i].high) {
      return dla_refuse_in(b, x->name, checks[i].field, checks[i].value, checks[i].high);
    }
  }
  if (eltwise) {
    DLA_TRY(dla_check_feature(b, "y", MEDLAR_FEATURE_ELTWISE));
  } else if (x->op->act == NVDLA_SDP_ACTIVATION_LUT) {
    return dla_refuse_in(b, x->name, "act", x->op->act, NVDLA_SDP_ACTIVATION_RELU);
  }
  return 0;
}

/* Bytes that the read DMA takes: one vector of channels, or a cube as wide as the source. */
static int find_operand(struct dla_build* b, const struct sdp* s, struct operand* x) {
  x->reads = x->op->enable != 0 && x->op->type != NVDLA_SDP_OP_TYPE_NONE &&
             x->op->mode != NVDLA_SDP_OP_MODE_PER_LAYER;
  if (!x->reads) {
    return 0;
  }
  const uint64_t element =
      (uint64_t)dla_element_bytes(x->op->precision) * (x->op->type == NVDLA_SDP_OP_TYPE_BOTH ? 2 : 1);
  const struct nvdla_data_cube* src = &s->surface->src_data;
  if (x->op->mode == NVDLA_SDP_OP_MODE_PER_KERNEL) {
    return dla_find(b, (struct dla_use){x->name, false}, x->cube, src->channel * element, &x->place);
  }
  const uint64_t channels = b->config->memory_atom / dla_element_bytes(s->precision);
  struct nvdla_data_cube cube = *x->cube;
  cube.width = src->width;
  cube.height = src->height;
  return dla_find(b, (struct dla_use){x->name, false}, x->cube,
                  dla_feature_bytes(&cube, (src->channel + channels - 1) / channels, channels * element),
                  &x->place);
}

static int check_sdp(struct dla_build* b, struct sdp* s) {
  const struct nvdla_sdp_op_desc* op = s->op;
  DLA_TRY(dla_check_precision(b, "src_precision", op->src_precision));
  DLA_TRY(dla_check_precision(b, "dst_precision", op->dst_precision));
  DLA_TRY(dla_check(b, "conv_mode", op->conv_mode, 0, NVDLA_CONV_MODE_WINOGRAD));
  DLA_TRY(dla_check(b, "batch_num", op->batch_num, 1, b->config->max_batch));
  DLA_TRY(dla_check(b, "lut_index", op->lut_index, -1, (int64_t)b->num_luts - 1));
  if (op->lut_index >= 0) {
    DLA_TRY(dla_check_feature(b, "lut_index", MEDLAR_FEATURE_LUT));
  } else if (s->y.op->enable != 0 && s->y.op->act == NVDLA_SDP_ACTIVATION_LUT) {
    return dla_refuse(b, MEDLAR_EINVAL, "lut_index", op->lut_index, 0);
  }
  DLA_TRY(check_operand(b, s, &s->x1));
  DLA_TRY(check_operand(b, s, &s->x2));
  return check_operand(b, s, &s->y);
}

/* The destination has the source's dimensions; only its place and strides are its own. */
static int find_cubes(struct dla_build* b, struct sdp* s) {
  const struct nvdla_sdp_surface_desc* surface = s->surface;
  const struct nvdla_data_cube* src = &surface->src_data;
  DLA_TRY(dla_check_dims(b, "src", src));
  if (!s->flying) {
    DLA_TRY(dla_find_feature(b, (struct dla_use){"src", false}, src, dla_element_bytes(s->op->src_precision),
                             &s->src));
  }
  DLA_TRY(find_operand(b, s, &s->x1));
  DLA_TRY(find_operand(b, s, &s->x2));
  DLA_TRY(find_operand(b, s, &s->y));
  s->rdma = !s->flying || s->x1.reads || s->x2.reads || s->y.reads;
  if (s->to_pdp) {
    return 0;
  }
  struct nvdla_data_cube dst = surface->dst_data;
  dst.width = src->width;
  dst.height = src->height;
  dst.channel = src->channel;
  const struct dla_use use = {"dst", true};
  DLA_TRY(dla_find_feature(b, use, &dst, dla_element_bytes(s->op->dst_precision), &s->dst));
  const uint64_t last = dst.offset + (uint64_t)(s->op->batch_num - 1) * s->op->batch_stride;
  DLA_TRY(dla_check(b, "batch_stride", (int64_t)last, 0, (int64_t)UINT32_MAX));
  dst.offset = (uint32_t)last;
  struct dla_place final;
  DLA_TRY(dla_find_feature(b, use, &dst, dla_element_bytes(s->op->dst_precision), &final));
  if (s->op->batch_num > 2) {
    dla_note_write(b, s->dst.iova, final.iova - s->dst.iova); /* the items between */
  }
  return 0;
}

/* ADD 1, MUL 0, BOTH 2 */
static uint32_t data_use(const struct nvdla_sdp_op* op) {
  return op->type == NVDLA_SDP_OP_TYPE_BOTH ? 2u : adds(op) ? 1u : 0u;
}

/* BRDMA's registers stand for those of the other two, `delta` bytes further. */
#define RDMA_BN (NVDLA_SDP_RDMA_D_NRDMA_CFG - NVDLA_SDP_RDMA_D_BRDMA_CFG)
#define RDMA_EW (NVDLA_SDP_RDMA_D_ERDMA_CFG - NVDLA_SDP_RDMA_D_BRDMA_CFG)
_Static_assert(NVDLA_SDP_RDMA_D_BN_SURFACE_STRIDE - NVDLA_SDP_RDMA_D_BS_SURFACE_STRIDE == RDMA_BN, "layout");
_Static_assert(NVDLA_SDP_RDMA_D_EW_SURFACE_STRIDE - NVDLA_SDP_RDMA_D_BS_SURFACE_STRIDE == RDMA_EW, "layout");

static void plan_operand_rdma(struct dla_build* b, const struct operand* x, uint32_t delta) {
  SET_AT(delta, SDP_RDMA, D_BRDMA_CFG, BRDMA_DISABLE, !x->reads);
  if (!x->reads) {
    return;
  }
  SET_AT(delta, SDP_RDMA, D_BRDMA_CFG, BRDMA_DATA_USE, data_use(x->op));
  SET_AT(delta, SDP_RDMA, D_BRDMA_CFG, BRDMA_DATA_SIZE, x->op->precision != NVDLA_PRECISION_INT8);
  SET_AT(delta, SDP_RDMA, D_BRDMA_CFG, BRDMA_DATA_MODE, x->op->mode != NVDLA_SDP_OP_MODE_PER_KERNEL);
  SET_AT(delta, SDP_RDMA, D_BRDMA_CFG, BRDMA_RAM_TYPE, x->place.ram);
  SET_AT(delta, SDP_RDMA, D_BS_BASE_ADDR_LOW, BS_BASE_ADDR_LOW, x->place.iova & 0xffffffffu);
  SET_AT(delta, SDP_RDMA, D_BS_BASE_ADDR_HIGH, BS_BASE_ADDR_HIGH, x->place.iova >> 32);
  SET_V1_AT(delta, SDP_RDMA, D_BS_LINE_STRIDE, BS_LINE_STRIDE, x->cube->line_stride);
  SET_V1_AT(delta, SDP_RDMA, D_BS_SURFACE_STRIDE, BS_SURFACE_STRIDE, x->cube->surf_stride);
}

static void plan_rdma(struct dla_build* b, const struct sdp* s) {
  const struct nvdla_data_cube* src = &s->surface->src_data;
  SET(SDP_RDMA, D_FEATURE_MODE_CFG, FLYING_MODE, s->flying);
  SET(SDP_RDMA, D_FEATURE_MODE_CFG, WINOGRAD, s->op->conv_mode == NVDLA_CONV_MODE_WINOGRAD);
  SET(SDP_RDMA, D_FEATURE_MODE_CFG, IN_PRECISION, s->op->src_precision);
  SET(SDP_RDMA, D_FEATURE_MODE_CFG, PROC_PRECISION, s->precision);
  SET(SDP_RDMA, D_FEATURE_MODE_CFG, OUT_PRECISION, s->op->dst_precision);
  SET(SDP_RDMA, D_FEATURE_MODE_CFG, BATCH_NUMBER, minus_one(s->op->batch_num));
  SET(SDP_RDMA, D_DATA_CUBE_WIDTH, WIDTH, minus_one(src->width));
  SET(SDP_RDMA, D_DATA_CUBE_HEIGHT, HEIGHT, minus_one(src->height));
  SET(SDP_RDMA, D_DATA_CUBE_CHANNEL, CHANNEL, minus_one(src->channel));
  if (!s->flying) {
    SET_ADDRESS(SDP_RDMA, D_SRC_BASE_ADDR_HIGH, D_SRC_BASE_ADDR_LOW, s->src.iova);
    SET_V1(SDP_RDMA, D_SRC_LINE_STRIDE, SRC_LINE_STRIDE, src->line_stride);
    SET_V1(SDP_RDMA, D_SRC_SURFACE_STRIDE, SRC_SURFACE_STRIDE, src->surf_stride);
    SET(SDP_RDMA, D_SRC_DMA_CFG, SRC_RAM_TYPE, s->src.ram);
  }
  plan_operand_rdma(b, &s->x1, 0);
  plan_operand_rdma(b, &s->x2, RDMA_BN);
  plan_operand_rdma(b, &s->y, RDMA_EW);
}

/* FP16 operands are bit patterns: 0x8000 to 0xffff are as good as their negative spelling. */
static uint64_t operand16(struct dla_build* b, const struct sdp* s, int32_t value) {
  const int32_t high = s->precision == NVDLA_PRECISION_FP16 ? UINT16_MAX : INT16_MAX;
  if (dla_check(b, "operand", value, INT16_MIN, high) != 0) {
    return 0;
  }
  return (uint64_t)(uint16_t)value;
}

/* BS's registers stand for BN's, `delta` bytes further. */
#define STAGE_BN (NVDLA_SDP_D_DP_BN_CFG - NVDLA_SDP_D_DP_BS_CFG)
_Static_assert(NVDLA_SDP_D_DP_BN_MUL_SRC_VALUE - NVDLA_SDP_D_DP_BS_MUL_SRC_VALUE == STAGE_BN, "layout");

/* The multiplier's shift acts even when the multiplier is bypassed. */
static void plan_stage(struct dla_build* b, const struct sdp* s, const struct nvdla_sdp_op* x,
                       uint32_t delta) {
  const bool layer = x->mode == NVDLA_SDP_OP_MODE_PER_LAYER;
  SET_AT(delta, SDP, D_DP_BS_CFG, BS_BYPASS, x->enable == 0);
  SET_AT(delta, SDP, D_DP_BS_CFG, BS_ALU_BYPASS, !adds(x));
  SET_AT(delta, SDP, D_DP_BS_CFG, BS_ALU_ALGO, x->enable != 0 ? x->alu_type : 0);
  SET_AT(delta, SDP, D_DP_BS_CFG, BS_MUL_BYPASS, !multiplies(x));
  SET_AT(delta, SDP, D_DP_BS_CFG, BS_MUL_PRELU, x->act == NVDLA_SDP_ACTIVATION_PRELU);
  SET_AT(delta, SDP, D_DP_BS_CFG, BS_RELU_BYPASS, x->act != NVDLA_SDP_ACTIVATION_RELU);
  if (x->enable == 0) {
    return;
  }
  if (adds(x)) {
    SET_AT(delta, SDP, D_DP_BS_ALU_CFG, BS_ALU_SRC, !layer);
    SET_AT(delta, SDP, D_DP_BS_ALU_CFG, BS_ALU_SHIFT_VALUE, x->shift_value);
    if (layer) {
      SET_AT(delta, SDP, D_DP_BS_ALU_SRC_VALUE, BS_ALU_OPERAND, operand16(b, s, x->alu_operand));
    }
  }
  SET_AT(delta, SDP, D_DP_BS_MUL_CFG, BS_MUL_SRC, !layer);
  SET_AT(delta, SDP, D_DP_BS_MUL_CFG, BS_MUL_SHIFT_VALUE, x->truncate);
  if (multiplies(x) && layer) {
    SET_AT(delta, SDP, D_DP_BS_MUL_SRC_VALUE, BS_MUL_OPERAND, operand16(b, s, x->mul_operand));
  }
}

/* The ALU's registers stand for the multiplier's. */
#define EW_MUL (NVDLA_SDP_D_DP_EW_MUL_CFG - NVDLA_SDP_D_DP_EW_ALU_CFG)
_Static_assert(NVDLA_SDP_D_DP_EW_MUL_CVT_TRUNCATE_VALUE - NVDLA_SDP_D_DP_EW_ALU_CVT_TRUNCATE_VALUE == EW_MUL,
               "layout");

static void plan_y_operand(struct dla_build* b, bool layer, const struct nvdla_cvt_param* cvt,
                           int32_t operand, uint32_t delta) {
  SET_AT(delta, SDP, D_DP_EW_ALU_CFG, EW_ALU_SRC, !layer);
  SET_AT(delta, SDP, D_DP_EW_ALU_CFG, EW_ALU_CVT_BYPASS, cvt->enable == 0);
  if (layer) {
    SET_AT(delta, SDP, D_DP_EW_ALU_SRC_VALUE, EW_ALU_OPERAND, (uint32_t)operand);
  } else {
    SET_AT(delta, SDP, D_DP_EW_ALU_CVT_OFFSET_VALUE, EW_ALU_CVT_OFFSET, (uint32_t)cvt->offset);
    SET_AT(delta, SDP, D_DP_EW_ALU_CVT_SCALE_VALUE, EW_ALU_CVT_SCALE, (uint16_t)cvt->scale);
    SET_AT(delta, SDP, D_DP_EW_ALU_CVT_TRUNCATE_VALUE, EW_ALU_CVT_TRUNCATE, cvt->truncate);
  }
}

static void plan_y(struct dla_build* b, const struct sdp* s) {
  const struct nvdla_sdp_op* y = s->y.op;
  const bool layer = y->mode == NVDLA_SDP_OP_MODE_PER_LAYER;
  SET(SDP, D_DP_EW_CFG, EW_BYPASS, y->enable == 0);
  SET(SDP, D_DP_EW_CFG, EW_ALU_BYPASS, !adds(y));
  SET(SDP, D_DP_EW_CFG, EW_ALU_ALGO, y->enable != 0 ? y->alu_type : 0);
  SET(SDP, D_DP_EW_CFG, EW_MUL_BYPASS, !multiplies(y));
  SET(SDP, D_DP_EW_CFG, EW_MUL_PRELU, y->act == NVDLA_SDP_ACTIVATION_PRELU);
  SET(SDP, D_DP_EW_CFG, EW_LUT_BYPASS, y->act != NVDLA_SDP_ACTIVATION_LUT);
  if (y->enable == 0) {
    return;
  }
  if (adds(y)) {
    plan_y_operand(b, layer, &y->alu_cvt, y->alu_operand, 0);
  }
  if (multiplies(y)) {
    plan_y_operand(b, layer, &y->mul_cvt, y->mul_operand, EW_MUL);
  }
  SET(SDP, D_DP_EW_TRUNCATE_VALUE, EW_TRUNCATE, y->truncate);
}

static void plan_sdp(struct dla_build* b, const struct sdp* s) {
  const struct nvdla_data_cube* src = &s->surface->src_data;
  const struct nvdla_cvt_param* cvt = &s->op->out_cvt;
  SET(SDP, D_DATA_CUBE_WIDTH, WIDTH, minus_one(src->width));
  SET(SDP, D_DATA_CUBE_HEIGHT, HEIGHT, minus_one(src->height));
  SET(SDP, D_DATA_CUBE_CHANNEL, CHANNEL, minus_one(src->channel));
  if (!s->to_pdp) {
    SET_ADDRESS(SDP, D_DST_BASE_ADDR_HIGH, D_DST_BASE_ADDR_LOW, s->dst.iova);
    SET_V1(SDP, D_DST_LINE_STRIDE, DST_LINE_STRIDE, s->surface->dst_data.line_stride);
    SET_V1(SDP, D_DST_SURFACE_STRIDE, DST_SURFACE_STRIDE, s->surface->dst_data.surf_stride);
  }
  plan_stage(b, s, s->x1.op, 0);
  plan_stage(b, s, s->x2.op, STAGE_BN);
  plan_y(b, s);
  SET(SDP, D_FEATURE_MODE_CFG, FLYING_MODE, s->flying);
  SET(SDP, D_FEATURE_MODE_CFG, OUTPUT_DST, s->to_pdp);
  SET(SDP, D_FEATURE_MODE_CFG, WINOGRAD, s->op->conv_mode == NVDLA_CONV_MODE_WINOGRAD);
  SET(SDP, D_FEATURE_MODE_CFG, BATCH_NUMBER, minus_one(s->op->batch_num));
  SET(SDP, D_DST_DMA_CFG, DST_RAM_TYPE, s->to_pdp ? 0 : s->dst.ram);
  if (s->op->batch_num > 1) {
    SET_V1(SDP, D_DST_BATCH_STRIDE, DST_BATCH_STRIDE, s->op->batch_stride);
  }
  SET(SDP, D_DATA_FORMAT, PROC_PRECISION, s->precision);
  SET(SDP, D_DATA_FORMAT, OUT_PRECISION, s->op->dst_precision);
  SET_SIGNED(SDP, D_CVT_OFFSET, CVT_OFFSET, cvt->offset);
  SET_SIGNED(SDP, D_CVT_SCALE, CVT_SCALE, cvt->scale);
  SET(SDP, D_CVT_SHIFT, CVT_SHIFT, cvt->truncate);
}

int dla_sdp_build(struct dla_build* b, const struct dla_descriptors* d) {
  const struct nvdla_sdp_op_desc* op = &d->op.sdp_op;
  const struct nvdla_sdp_surface_desc* surface = &d->surface.sdp_surface;
  struct sdp s = {
      .op = op,
      .surface = surface,
      .flying = surface->src_data.type == NVDLA_MEM_TYPE_HW,
      .to_pdp = surface->dst_data.type == NVDLA_MEM_TYPE_HW,
      .precision = path_precision(op),
      .x1 = {.name = "x1", .op = &op->x1_op, .cube = &surface->x1_data},
      .x2 = {.name = "x2", .op = &op->x2_op, .cube = &surface->x2_data},
      .y = {.name = "y", .op = &op->y_op, .cube = &surface->y_data},
  };
  DLA_TRY(check_sdp(b, &s));
  DLA_TRY(find_cubes(b, &s));
  b->op->uses_rdma = s.rdma;
  b->op->lut = op->lut_index;
  b->op->real = s.precision == NVDLA_PRECISION_FP16;
  b->op->flying = s.flying;
  b->op->feeds = s.to_pdp;
  if (s.rdma) {
    plan_rdma(b, &s);
  }
  plan_sdp(b, &s);
  return b->error;
}
