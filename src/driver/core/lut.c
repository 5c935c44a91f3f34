/* SPDX-License-Identifier: Apache-2.0 */
/* Look-up tables of SDP and CDP: 65 + 257 entries and their ranges. One a unit, shared by both register
 * groups. */
#include "driver/core/build.h"
#include "driver/core/engine.h"

int dla_lut_check(struct dla_build* b, const struct nvdla_lut_param* lut) {
  DLA_TRY(dla_check(b, "lut.hybrid_priority", lut->hybrid_priority, 0, NVDLA_LUT_PRIORITY_LO));
  DLA_TRY(dla_check(b, "lut.underflow_priority", lut->underflow_priority, 0, NVDLA_LUT_PRIORITY_LO));
  DLA_TRY(dla_check(b, "lut.overflow_priority", lut->overflow_priority, 0, NVDLA_LUT_PRIORITY_LO));
  return dla_check(b, "lut.method", lut->method, 0, NVDLA_LUT_METHOD_LINEAR);
}

struct lut_target {
  struct dla_device* device;
  uint32_t base;
};

static void put(const struct lut_target* t, uint32_t offset, uint32_t value) {
  dla_register_write(t->device, t->base + offset, value);
}

/* SDP's and CDP's registers have the same offsets up to LUT_INFO. */
static void load_table(const struct lut_target* t, uint32_t table, const int16_t* entries, int count) {
  put(t, NVDLA_SDP_S_LUT_ACCESS_CFG,
      table << NVDLA_SDP_S_LUT_ACCESS_CFG_LUT_TABLE_ID_SHIFT |
          1u << NVDLA_SDP_S_LUT_ACCESS_CFG_LUT_ACCESS_TYPE_SHIFT);
  for (int i = 0; i < count; ++i) {
    put(t, NVDLA_SDP_S_LUT_ACCESS_DATA, (uint16_t)entries[i]);
  }
}

static void load_ranges_sdp(const struct lut_target* t, const struct nvdla_lut_param* lut) {
  put(t, NVDLA_SDP_S_LUT_LE_START, (uint32_t)lut->linear_exp_start);
  put(t, NVDLA_SDP_S_LUT_LE_END, (uint32_t)lut->linear_exp_end);
  put(t, NVDLA_SDP_S_LUT_LO_START, (uint32_t)lut->linear_only_start);
  put(t, NVDLA_SDP_S_LUT_LO_END, (uint32_t)lut->linear_only_end);
}

static void put_wide(const struct lut_target* t, uint32_t offset, uint64_t value) {
  put(t, offset, (uint32_t)value);
  put(t, offset + 4, (uint32_t)(value >> 32) & NVDLA_CDP_S_LUT_LE_START_HIGH_LUT_LE_START_HIGH_MASK);
}

static void load_ranges_cdp(const struct lut_target* t, const struct nvdla_lut_param* lut) {
  put_wide(t, NVDLA_CDP_S_LUT_LE_START_LOW, lut->linear_exp_start);
  put_wide(t, NVDLA_CDP_S_LUT_LE_END_LOW, lut->linear_exp_end);
  put_wide(t, NVDLA_CDP_S_LUT_LO_START_LOW, lut->linear_only_start);
  put_wide(t, NVDLA_CDP_S_LUT_LO_END_LOW, lut->linear_only_end);
}

static void load_slopes(const struct lut_target* t, uint32_t scale_at, const union nvdla_slope* underflow,
                        const union nvdla_slope* overflow, bool real) {
  const uint32_t low = real ? underflow->data_f : (uint16_t)underflow->data_i.scale;
  const uint32_t high = real ? overflow->data_f : (uint16_t)overflow->data_i.scale;
  put(t, scale_at, low | high << 16);
  if (!real) {
    const uint32_t under = (uint32_t)underflow->data_i.shifter & 31;
    const uint32_t over = (uint32_t)overflow->data_i.shifter & 31;
    put(t, scale_at + 4, under | over << NVDLA_SDP_S_LUT_LE_SLOPE_SHIFT_LUT_LE_SLOPE_OFLOW_SHIFT_SHIFT);
  }
}

void dla_lut_load(struct dla_device* device, enum dla_unit unit, const struct nvdla_lut_param* lut,
                  bool real) {
  const struct lut_target t = {device, dla_unit_base(&device->config, unit)};
  const bool sdp = unit == DLA_UNIT_SDP;
  load_table(&t, 0, lut->linear_exp_table, NVDLA_LUT_LE_ENTRIES);
  load_table(&t, 1, lut->linear_only_table, NVDLA_LUT_LO_ENTRIES);
  put(&t, NVDLA_SDP_S_LUT_CFG,
      (uint32_t)lut->method << NVDLA_SDP_S_LUT_CFG_LUT_LE_FUNCTION_SHIFT |
          (uint32_t)lut->underflow_priority << NVDLA_SDP_S_LUT_CFG_LUT_UFLOW_PRIORITY_SHIFT |
          (uint32_t)lut->overflow_priority << NVDLA_SDP_S_LUT_CFG_LUT_OFLOW_PRIORITY_SHIFT |
          (uint32_t)lut->hybrid_priority << NVDLA_SDP_S_LUT_CFG_LUT_HYBRID_PRIORITY_SHIFT);
  const uint32_t le = (uint8_t)lut->linear_exp_offset.exp_offset;
  const uint32_t lo = (uint8_t)lut->linear_only_offset.frac_bits;
  const int le_shift = lut->method == NVDLA_LUT_METHOD_EXPONENTIAL
                           ? NVDLA_SDP_S_LUT_INFO_LUT_LE_INDEX_OFFSET_SHIFT
                           : NVDLA_SDP_S_LUT_INFO_LUT_LE_INDEX_SELECT_SHIFT;
  put(&t, NVDLA_SDP_S_LUT_INFO, le << le_shift | lo << NVDLA_SDP_S_LUT_INFO_LUT_LO_INDEX_SELECT_SHIFT);
  if (sdp) {
    load_ranges_sdp(&t, lut);
  } else {
    load_ranges_cdp(&t, lut);
  }
  load_slopes(&t, sdp ? NVDLA_SDP_S_LUT_LE_SLOPE_SCALE : NVDLA_CDP_S_LUT_LE_SLOPE_SCALE,
              &lut->linear_exp_underflow_slope, &lut->linear_exp_overflow_slope, real);
  load_slopes(&t, sdp ? NVDLA_SDP_S_LUT_LO_SLOPE_SCALE : NVDLA_CDP_S_LUT_LO_SLOPE_SCALE,
              &lut->linear_only_underflow_slope, &lut->linear_only_overflow_slope, real);
}

_Static_assert(NVDLA_SDP_S_LUT_INFO == NVDLA_CDP_S_LUT_INFO, "shared offsets");
_Static_assert(NVDLA_SDP_S_LUT_ACCESS_DATA == NVDLA_CDP_S_LUT_ACCESS_DATA, "shared offsets");
_Static_assert(NVDLA_CDP_S_LUT_LE_SLOPE_SHIFT == NVDLA_CDP_S_LUT_LE_SLOPE_SCALE + 4, "slopes");
_Static_assert(NVDLA_SDP_S_LUT_LO_SLOPE_SHIFT == NVDLA_SDP_S_LUT_LO_SLOPE_SCALE + 4, "slopes");
