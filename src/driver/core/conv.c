/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution: CDMA, CSC, CMAC, CACC (NVDLA programming guide, convolution core). */
#include "driver/core/build.h"

struct conv {
  const struct nvdla_conv_op_desc* op;
  const struct nvdla_conv_surface_desc* surface;
  struct dla_place src, weight, wgs, wmb;
  bool image, compressed, winograd;
};

static uint64_t minus_one(uint32_t value) {
  return (uint64_t)value - 1;
}

/* Bytes of a pixel in plane 0 and 1, by pixel format code. */
static void pixel_bytes(uint8_t format, uint32_t* plane0, uint32_t* plane1) {
  static const uint8_t bytes[36][2] = {
      {1, 0}, {2, 0}, {2, 0}, {2, 0}, {2, 0}, {2, 0}, {8, 0}, {8, 0}, {8, 0}, {8, 0}, {8, 0}, {8, 0},
      {4, 0}, {4, 0}, {4, 0}, {4, 0}, {4, 0}, {4, 0}, {4, 0}, {4, 0}, {4, 0}, {4, 0}, {4, 0}, {4, 0},
      {4, 0}, {4, 0}, {4, 0}, {4, 0}, {1, 2}, {1, 2}, {2, 4}, {2, 4}, {2, 4}, {2, 4}, {2, 4}, {2, 4}};
  *plane0 = bytes[format][0];
  *plane1 = bytes[format][1];
}

static int check_modes(struct dla_build* b, const struct conv* c) {
  const struct nvdla_conv_op_desc* op = c->op;
  DLA_TRY(dla_check(b, "conv_mode", op->conv_mode, NVDLA_CONV_MODE_DIRECT, NVDLA_CONV_MODE_WINOGRAD));
  if (c->winograd) {
    DLA_TRY(dla_check_feature(b, "conv_mode", MEDLAR_FEATURE_WINOGRAD));
  }
  DLA_TRY(dla_check(b, "data_reuse", op->data_reuse, 0, 1));
  DLA_TRY(dla_check(b, "weight_reuse", op->weight_reuse, 0, 1));
  DLA_TRY(dla_check(b, "skip_data_rls", op->skip_data_rls, 0, 1));
  DLA_TRY(dla_check(b, "skip_weight_rls", op->skip_weight_rls, 0, 1));
  DLA_TRY(dla_check(b, "data_format", op->data_format, 0, NVDLA_DATA_FORMAT_FEATURE));
  DLA_TRY(dla_check(b, "pixel_mapping", op->pixel_mapping, 0, NVDLA_PIXEL_MAPPING_PITCH_LINEAR));
  DLA_TRY(dla_check(b, "pixel_override", op->pixel_override, 0, NVDLA_PIXEL_OVERRIDE_INT));
  DLA_TRY(dla_check(b, "mean_format", op->mean_format, 0, NVDLA_MEAN_FORMAT_ENABLE));
  DLA_TRY(dla_check(b, "weight_format", op->weight_format, 0, NVDLA_WEIGHT_FORMAT_COMPRESSED));
  if (c->compressed) {
    DLA_TRY(dla_check_feature(b, "weight_format", MEDLAR_FEATURE_COMPRESSION));
  }
  DLA_TRY(dla_check_precision(b, "in_precision", op->in_precision));
  DLA_TRY(dla_check_precision(b, "out_precision", op->out_precision));
  DLA_TRY(dla_check(b, "batch", op->batch, 1, b->config->max_batch));
  DLA_TRY(dla_check(b, "post_extension", op->post_extension, 0, 2));
  DLA_TRY(dla_check(b, "in_cvt.enable", op->in_cvt.enable, 0, 1));
  DLA_TRY(dla_check(b, "out_cvt.scale", op->out_cvt.scale, 1, 1));
  return dla_check(b, "out_cvt.offset", op->out_cvt.offset, 0, 0);
}

static int check_sizes(struct dla_build* b, const struct conv* c) {
  const struct nvdla_conv_op_desc* op = c->op;
  const int64_t dim = 8192;
  DLA_TRY(dla_check_dims(b, "dst", &c->surface->dst_data));
  DLA_TRY(dla_check(b, "input_width_csc", op->input_width_csc, 1, dim));
  DLA_TRY(dla_check(b, "input_height_csc", op->input_height_csc, 1, dim));
  DLA_TRY(dla_check(b, "input_channel_csc", op->input_channel_csc, 1, dim));
  DLA_TRY(dla_check(b, "input_width_cmac", op->input_width_cmac, 1, dim));
  DLA_TRY(dla_check(b, "input_height_cmac", op->input_height_cmac, 1, dim));
  DLA_TRY(dla_check(b, "kernel_width_csc", op->kernel_width_csc, 1, 32));
  DLA_TRY(dla_check(b, "kernel_height_csc", op->kernel_height_csc, 1, 32));
  DLA_TRY(dla_check(b, "kernel_channel_csc", op->kernel_channel_csc, 1, dim));
  DLA_TRY(dla_check(b, "conv_stride_x", op->conv_stride_x, 1, 8));
  DLA_TRY(dla_check(b, "conv_stride_y", op->conv_stride_y, 1, 8));
  DLA_TRY(dla_check(b, "dilation_x", op->dilation_x, 1, 32));
  DLA_TRY(dla_check(b, "dilation_y", op->dilation_y, 1, 32));
  DLA_TRY(dla_check(b, "entry_per_slice", op->entry_per_slice, 1, 0x4000));
  DLA_TRY(dla_check(b, "fetch_grain", op->fetch_grain, 1, 0x1000));
  DLA_TRY(dla_check(b, "release", op->release, 1, 0x1000));
  DLA_TRY(dla_check(b, "bytes_per_kernel", op->bytes_per_kernel, 1, 0x40000));
  DLA_TRY(dla_check(b, "data_bank", op->data_bank, 1, b->config->cbuf_banks));
  DLA_TRY(dla_check(b, "weight_bank", op->weight_bank, 1, b->config->cbuf_banks));
  return dla_check(b, "data_bank+weight_bank", op->data_bank + op->weight_bank, 2, b->config->cbuf_banks);
}

static int find_image(struct dla_build* b, struct conv* c) {
  const struct nvdla_data_cube* src = &c->surface->src_data;
  uint32_t plane0;
  uint32_t plane1;
  pixel_bytes(c->op->data_format, &plane0, &plane1);
  DLA_TRY(dla_check_dims(b, "src", src));
  if (src->height > 1 && src->line_stride < (uint64_t)src->width * plane0) {
    return dla_refuse_in(b, "src", "line_stride", src->line_stride, (int64_t)src->width * plane0);
  }
  uint64_t bytes = (uint64_t)(src->height - 1) * src->line_stride + (uint64_t)src->width * plane0;
  if (plane1 != 0) {
    const uint64_t second =
        (uint64_t)(src->height - 1) * c->surface->in_line_uv_stride + (uint64_t)src->width * plane1;
    DLA_TRY(dla_check(b, "offset_u", c->surface->offset_u, 0, (int64_t)1 << 40));
    const uint64_t end = (uint64_t)c->surface->offset_u + second;
    bytes = end > bytes ? end : bytes;
  }
  return dla_find(b, (struct dla_use){"src", false}, src, bytes, &c->src);
}

static int find_cubes(struct dla_build* b, struct conv* c) {
  const struct nvdla_conv_surface_desc* s = c->surface;
  if (c->image) {
    DLA_TRY(find_image(b, c));
  } else {
    DLA_TRY(dla_find_feature(b, (struct dla_use){"src", false}, &s->src_data,
                             dla_element_bytes(c->op->in_precision), &c->src));
  }
  if (c->op->batch > 1) {
    struct dla_place last;
    struct nvdla_data_cube cube = s->src_data;
    const uint64_t offset = cube.offset + (uint64_t)(c->op->batch - 1) * c->op->batch_stride;
    DLA_TRY(dla_check(b, "batch_stride", (int64_t)offset, 0, (int64_t)UINT32_MAX));
    cube.offset = (uint32_t)offset;
    DLA_TRY(dla_find_feature(b, (struct dla_use){"src", false}, &cube, dla_element_bytes(c->op->in_precision),
                             &last));
  }
  DLA_TRY(dla_check(b, "weight.size", s->weight_data.size, 1, (int64_t)UINT32_MAX));
  DLA_TRY(dla_find(b, (struct dla_use){"weight", false}, &s->weight_data, s->weight_data.size, &c->weight));
  if (c->compressed) {
    DLA_TRY(dla_find(b, (struct dla_use){"wmb", false}, &s->wmb_data, s->wmb_data.size, &c->wmb));
    DLA_TRY(dla_find(b, (struct dla_use){"wgs", false}, &s->wgs_data, s->wgs_data.size, &c->wgs));
  } else {
    const uint64_t kernels = (uint64_t)c->op->bytes_per_kernel * s->dst_data.channel;
    DLA_TRY(dla_check(b, "weight.size", s->weight_data.size, (int64_t)kernels, (int64_t)UINT32_MAX));
  }
  /* CACC has no way to memory: the result goes through SDP. */
  return dla_check(b, "dst.type", s->dst_data.type, NVDLA_MEM_TYPE_HW, NVDLA_MEM_TYPE_HW);
}

static void plan_cacc(struct dla_build* b, const struct conv* c) {
  const struct nvdla_data_cube* dst = &c->surface->dst_data;
  const bool single = dst->width == 1 && dst->height == 1;
  SET(CACC, D_MISC_CFG, CONV_MODE, c->op->conv_mode);
  SET(CACC, D_MISC_CFG, PROC_PRECISION, c->op->out_precision);
  SET(CACC, D_DATAOUT_SIZE_0, DATAOUT_WIDTH, minus_one(dst->width));
  SET(CACC, D_DATAOUT_SIZE_0, DATAOUT_HEIGHT, minus_one(dst->height));
  SET(CACC, D_DATAOUT_SIZE_1, DATAOUT_CHANNEL, minus_one(dst->channel));
  SET(CACC, D_DATAOUT_ADDR, DATAOUT_ADDR, 0);
  SET(CACC, D_BATCH_NUMBER, BATCHES, minus_one(c->op->batch));
  SET_V1(CACC, D_LINE_STRIDE, LINE_STRIDE, dst->line_stride);
  SET_V1(CACC, D_SURF_STRIDE, SURF_STRIDE, dst->surf_stride);
  SET(CACC, D_DATAOUT_MAP, LINE_PACKED, single);
  SET(CACC, D_DATAOUT_MAP, SURF_PACKED, single);
  SET(CACC, D_CLIP_CFG, CLIP_TRUNCATE, c->op->out_cvt.truncate);
}

static void plan_cmac(struct dla_build* b, const struct conv* c) {
  SET(CMAC_A, D_MISC_CFG, CONV_MODE, c->op->conv_mode);
  SET(CMAC_A, D_MISC_CFG, PROC_PRECISION, c->op->out_precision);
  SET(CMAC_B, D_MISC_CFG, CONV_MODE, c->op->conv_mode);
  SET(CMAC_B, D_MISC_CFG, PROC_PRECISION, c->op->out_precision);
}

static void plan_csc(struct dla_build* b, const struct conv* c) {
  const struct nvdla_conv_op_desc* op = c->op;
  const struct nvdla_data_cube* dst = &c->surface->dst_data;
  SET(CSC, D_MISC_CFG, CONV_MODE, op->conv_mode);
  SET(CSC, D_MISC_CFG, IN_PRECISION, op->out_precision);
  SET(CSC, D_MISC_CFG, PROC_PRECISION, op->out_precision);
  SET(CSC, D_MISC_CFG, DATA_REUSE, op->data_reuse);
  SET(CSC, D_MISC_CFG, WEIGHT_REUSE, op->weight_reuse);
  SET(CSC, D_MISC_CFG, SKIP_DATA_RLS, op->skip_data_rls);
  SET(CSC, D_MISC_CFG, SKIP_WEIGHT_RLS, op->skip_weight_rls);
  SET(CSC, D_DATAIN_FORMAT, DATAIN_FORMAT, c->image);
  SET(CSC, D_DATAIN_SIZE_EXT_0, DATAIN_WIDTH_EXT, minus_one(op->input_width_csc));
  SET(CSC, D_DATAIN_SIZE_EXT_0, DATAIN_HEIGHT_EXT, minus_one(op->input_height_csc));
  SET(CSC, D_DATAIN_SIZE_EXT_1, DATAIN_CHANNEL_EXT, minus_one(op->input_channel_csc));
  SET(CSC, D_BATCH_NUMBER, BATCHES, minus_one(op->batch));
  SET(CSC, D_POST_Y_EXTENSION, Y_EXTENSION, op->post_extension);
  SET_V1(CSC, D_ENTRY_PER_SLICE, ENTRIES, minus_one(op->entry_per_slice));
  SET(CSC, D_WEIGHT_FORMAT, WEIGHT_FORMAT, op->weight_format);
  SET(CSC, D_WEIGHT_SIZE_EXT_0, WEIGHT_WIDTH_EXT, minus_one(op->kernel_width_csc));
  SET(CSC, D_WEIGHT_SIZE_EXT_0, WEIGHT_HEIGHT_EXT, minus_one(op->kernel_height_csc));
  SET(CSC, D_WEIGHT_SIZE_EXT_1, WEIGHT_CHANNEL_EXT, minus_one(op->kernel_channel_csc));
  SET(CSC, D_WEIGHT_SIZE_EXT_1, WEIGHT_KERNEL, minus_one(dst->channel));
  SET_V1(CSC, D_WEIGHT_BYTES, WEIGHT_BYTES, c->surface->weight_data.size);
  SET_V1(CSC, D_WMB_BYTES, WMB_BYTES, c->compressed ? c->surface->wmb_data.size : 0);
  SET(CSC, D_DATAOUT_SIZE_0, DATAOUT_WIDTH, minus_one(op->input_width_cmac));
  SET(CSC, D_DATAOUT_SIZE_0, DATAOUT_HEIGHT, minus_one(op->input_height_cmac));
  SET(CSC, D_DATAOUT_SIZE_1, DATAOUT_CHANNEL, minus_one(dst->channel));
  SET(CSC, D_ATOMICS, ATOMICS, minus_one((uint32_t)dst->width * dst->height));
  SET(CSC, D_RELEASE, RLS_SLICES, minus_one(op->release));
  SET(CSC, D_CONV_STRIDE_EXT, CONV_X_STRIDE_EXT, c->winograd ? 0 : minus_one(op->conv_stride_x));
  SET(CSC, D_CONV_STRIDE_EXT, CONV_Y_STRIDE_EXT, c->winograd ? 0 : minus_one(op->conv_stride_y));
  SET(CSC, D_DILATION_EXT, X_DILATION_EXT, minus_one(op->dilation_x));
  SET(CSC, D_DILATION_EXT, Y_DILATION_EXT, minus_one(op->dilation_y));
  SET(CSC, D_ZERO_PADDING, PAD_LEFT, c->winograd ? 0 : op->pad_x_left);
  SET(CSC, D_ZERO_PADDING, PAD_TOP, c->winograd ? 0 : op->pad_y_top);
  SET_SIGNED(CSC, D_ZERO_PADDING_VALUE, PAD_VALUE, op->pad_val);
  SET_V1(CSC, D_BANK, DATA_BANK, minus_one(op->data_bank));
  SET_V1(CSC, D_BANK, WEIGHT_BANK, minus_one(op->weight_bank));
  SET(CSC, D_PRA_CFG, PRA_TRUNCATE, op->pra_truncate);
}

static void plan_cdma_data(struct dla_build* b, const struct conv* c) {
  const struct nvdla_conv_op_desc* op = c->op;
  const struct nvdla_data_cube* src = &c->surface->src_data;
  const uint64_t line = (uint64_t)src->width * b->config->memory_atom;
  const uint64_t second = c->src.iova + (uint64_t)c->surface->offset_u;
  SET(CDMA, D_MISC_CFG, CONV_MODE, op->conv_mode);
  SET(CDMA, D_MISC_CFG, IN_PRECISION, op->in_precision);
  SET(CDMA, D_MISC_CFG, PROC_PRECISION, op->out_precision);
  SET(CDMA, D_MISC_CFG, DATA_REUSE, op->data_reuse);
  SET(CDMA, D_MISC_CFG, WEIGHT_REUSE, op->weight_reuse);
  SET(CDMA, D_MISC_CFG, SKIP_DATA_RLS, op->skip_data_rls);
  SET(CDMA, D_MISC_CFG, SKIP_WEIGHT_RLS, op->skip_weight_rls);
  SET(CDMA, D_DATAIN_FORMAT, DATAIN_FORMAT, c->image);
  SET(CDMA, D_DATAIN_FORMAT, PIXEL_FORMAT, c->image ? op->data_format : 0);
  SET(CDMA, D_DATAIN_FORMAT, PIXEL_MAPPING, op->pixel_mapping);
  SET(CDMA, D_DATAIN_FORMAT, PIXEL_SIGN_OVERRIDE, op->pixel_override);
  SET(CDMA, D_DATAIN_SIZE_0, DATAIN_WIDTH, minus_one(src->width));
  SET(CDMA, D_DATAIN_SIZE_0, DATAIN_HEIGHT, minus_one(src->height));
  SET(CDMA, D_DATAIN_SIZE_1, DATAIN_CHANNEL, minus_one(src->channel));
  SET(CDMA, D_DATAIN_SIZE_EXT_0, DATAIN_WIDTH_EXT, minus_one(op->input_width_csc));
  SET(CDMA, D_DATAIN_SIZE_EXT_0, DATAIN_HEIGHT_EXT, minus_one(op->input_height_csc));
  SET(CDMA, D_DAIN_RAM_TYPE, DATAIN_RAM_TYPE, c->src.ram);
  SET_ADDRESS(CDMA, D_DAIN_ADDR_HIGH_0, D_DAIN_ADDR_LOW_0, c->src.iova);
  SET_ADDRESS(CDMA, D_DAIN_ADDR_HIGH_1, D_DAIN_ADDR_LOW_1, second);
  SET_V1(CDMA, D_LINE_STRIDE, LINE_STRIDE, src->line_stride);
  SET_V1(CDMA, D_LINE_UV_STRIDE, UV_LINE_STRIDE, c->surface->in_line_uv_stride);
  SET_V1(CDMA, D_SURF_STRIDE, SURF_STRIDE, src->surf_stride);
  SET(CDMA, D_DAIN_MAP, LINE_PACKED, src->line_stride == line);
  SET(CDMA, D_DAIN_MAP, SURF_PACKED, src->surf_stride == line * src->height);
  SET(CDMA, D_BATCH_NUMBER, BATCHES, minus_one(op->batch));
  SET_V1(CDMA, D_BATCH_STRIDE, BATCH_STRIDE, op->batch_stride);
  SET_V1(CDMA, D_ENTRY_PER_SLICE, ENTRIES, minus_one(op->entry_per_slice));
  SET(CDMA, D_FETCH_GRAIN, GRAINS, minus_one(op->fetch_grain));
}

static void plan_cdma_weights(struct dla_build* b, const struct conv* c) {
  const struct nvdla_conv_op_desc* op = c->op;
  SET(CDMA, D_WEIGHT_FORMAT, WEIGHT_FORMAT, op->weight_format);
  SET(CDMA, D_WEIGHT_SIZE_0, BYTE_PER_KERNEL, minus_one(op->bytes_per_kernel));
  SET(CDMA, D_WEIGHT_SIZE_1, WEIGHT_KERNEL, minus_one(c->surface->dst_data.channel));
  SET(CDMA, D_WEIGHT_RAM_TYPE, WEIGHT_RAM_TYPE, c->weight.ram);
  SET_ADDRESS(CDMA, D_WEIGHT_ADDR_HIGH, D_WEIGHT_ADDR_LOW, c->weight.iova);
  SET_V1(CDMA, D_WEIGHT_BYTES, WEIGHT_BYTES, c->surface->weight_data.size);
  if (c->compressed) {
    SET_ADDRESS(CDMA, D_WGS_ADDR_HIGH, D_WGS_ADDR_LOW, c->wgs.iova);
    SET_ADDRESS(CDMA, D_WMB_ADDR_HIGH, D_WMB_ADDR_LOW, c->wmb.iova);
    SET_V1(CDMA, D_WMB_BYTES, WMB_BYTES, c->surface->wmb_data.size);
  }
}

static void plan_cdma_convert(struct dla_build* b, const struct conv* c) {
  const struct nvdla_conv_op_desc* op = c->op;
  const bool convert = op->in_cvt.enable != 0;
  SET(CDMA, D_MEAN_FORMAT, MEAN_FORMAT, op->mean_format);
  if (op->mean_format == NVDLA_MEAN_FORMAT_ENABLE) {
    SET_SIGNED(CDMA, D_MEAN_GLOBAL_0, MEAN_RY, op->mean_ry);
    SET_SIGNED(CDMA, D_MEAN_GLOBAL_0, MEAN_GU, op->mean_gu);
    SET_SIGNED(CDMA, D_MEAN_GLOBAL_1, MEAN_BV, op->mean_bv);
    SET_SIGNED(CDMA, D_MEAN_GLOBAL_1, MEAN_AX, op->mean_ax);
  }
  SET(CDMA, D_CVT_CFG, CVT_EN, convert);
  SET(CDMA, D_CVT_CFG, CVT_TRUNCATE, convert ? op->in_cvt.truncate : 0);
  if (convert) {
    SET_SIGNED(CDMA, D_CVT_OFFSET, CVT_OFFSET, op->in_cvt.offset);
    SET_SIGNED(CDMA, D_CVT_SCALE, CVT_SCALE, op->in_cvt.scale);
  }
  SET(CDMA, D_CONV_STRIDE, CONV_X_STRIDE, minus_one(op->conv_stride_x));
  SET(CDMA, D_CONV_STRIDE, CONV_Y_STRIDE, minus_one(op->conv_stride_y));
  SET(CDMA, D_ZERO_PADDING, PAD_LEFT, op->pad_x_left);
  SET(CDMA, D_ZERO_PADDING, PAD_RIGHT, op->pad_x_right);
  SET(CDMA, D_ZERO_PADDING, PAD_TOP, op->pad_y_top);
  SET(CDMA, D_ZERO_PADDING, PAD_BOTTOM, op->pad_y_bottom);
  SET_SIGNED(CDMA, D_ZERO_PADDING_VALUE, PAD_VALUE, op->pad_val);
  SET_V1(CDMA, D_BANK, DATA_BANK, minus_one(op->data_bank));
  SET_V1(CDMA, D_BANK, WEIGHT_BANK, minus_one(op->weight_bank));
}

int dla_conv_build(struct dla_build* b, const struct dla_descriptors* d) {
  struct conv c = {.op = &d->op.conv_op, .surface = &d->surface.conv_surface};
  c.image = c.op->data_format != NVDLA_DATA_FORMAT_FEATURE;
  c.compressed = c.op->weight_format == NVDLA_WEIGHT_FORMAT_COMPRESSED;
  c.winograd = c.op->conv_mode == NVDLA_CONV_MODE_WINOGRAD;
  DLA_TRY(check_modes(b, &c));
  DLA_TRY(check_sizes(b, &c));
  DLA_TRY(find_cubes(b, &c));
  b->op->feeds = true;
  plan_cacc(b, &c);
  plan_cmac(b, &c);
  plan_csc(b, &c);
  plan_cdma_data(b, &c);
  plan_cdma_weights(b, &c);
  plan_cdma_convert(b, &c);
  return b->error;
}
