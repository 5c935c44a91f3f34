// SPDX-License-Identifier: Apache-2.0
// Checks of PDP's registers (NVDLA programming guide, "Limitation", PDP) and their translation.
#include "chip/pdp/plan.hpp"

#include "base/checked.hpp"

namespace medlar::chip {
namespace {

using hw::Precision;

/// The padding registers hold numbers of fewer bits than their fields; the sign bit depends on the multiple.
int32_t padding_value(uint32_t field, Precision precision, int multiple) {
  static constexpr std::array<int, 8> kInt8Sign = {0, 7, 8, 9, 9, 10, 10, 10};
  static constexpr std::array<int, 8> kInt16Sign = {0, 15, 16, 17, 17, 18, 18, 18};
  const auto index = static_cast<size_t>(multiple);
  const int sign = precision == Precision::kInt8 ? kInt8Sign[index] : kInt16Sign[index];
  const uint32_t extension = ((field >> sign) & 1) != 0 ? ~uint32_t{0} << (sign + 1) : 0;
  return static_cast<int32_t>(field | extension);
}

int outputs(int size, int pads, int kernel, int stride) {
  return size + pads < kernel ? 0 : (size + pads - kernel) / stride + 1;
}

struct Axis {
  const char* name;
  int size, pad_low, pad_high, kernel, stride;
};

Status check_axis(const Axis& a) {
  const auto& [axis, size, pad_low, pad_high, kernel, stride] = a;
  if (pad_low >= kernel || pad_high >= kernel) {
    return fail(Code::kFault, "PDP.D_POOLING_PADDING_CFG: {} padding {} and {} must be less than the kernel, {}", axis,
                pad_low, pad_high, kernel);
  }
  if (size + pad_low + pad_high >= kernel && (size + pad_low + pad_high - kernel) % stride != 0) {
    return fail(Code::kFault, "PDP.D_POOLING_PADDING_CFG: {} windows of {} with stride {} do not use all of {} + {} + {}",
                axis, kernel, stride, pad_low, size, pad_high);
  }
  if (size + pad_low + pad_high < kernel) {
    return fail(Code::kFault, "PDP.D_POOLING_KERNEL_CFG: {} kernel {} exceeds the padded input, {}", axis, kernel,
                size + pad_low + pad_high);
  }
  return {};
}

Status plan_bands(const hw::PdpGroup& r, PdpPlan& plan) {
  const int splits = static_cast<int>(r.split_num) + 1;
  const int pad_left = static_cast<int>(r.pad_left);
  const int pad_right = static_cast<int>(r.pad_right);
  if (splits == 1) {
    plan.bands.push_back({0, plan.in_w, 0, plan.out_w, pad_left, pad_right});
    return {};
  }
  const int overlap = plan.kernel_w - plan.stride_x;
  const int first_in = static_cast<int>(r.partial_width_in_first) + 1;
  const int mid_in = static_cast<int>(r.partial_width_in_mid) + 1;
  const int last_in = static_cast<int>(r.partial_width_in_last) + 1;
  const int first_out = static_cast<int>(r.partial_width_out_first) + 1;
  const int mid_out = static_cast<int>(r.partial_width_out_mid) + 1;
  const int last_out = static_cast<int>(r.partial_width_out_last) + 1;
  plan.bands.push_back({0, first_in, 0, first_out, pad_left, 0});
  for (int i = 1; i < splits; ++i) {
    const bool last = i + 1 == splits;
    plan.bands.push_back({first_in + (i - 1) * mid_in - overlap, (last ? last_in : mid_in) + overlap,
                          first_out + (i - 1) * mid_out, last ? last_out : mid_out, 0, last ? pad_right : 0});
  }
  return {};
}

Status check_bands(const PdpPlan& plan) {
  for (const PdpBand& band : plan.bands) {
    MEDLAR_TRY(check_axis({"horizontal", band.in_width, band.pad_left, band.pad_right, plan.kernel_w, plan.stride_x}));
    if (band.in_first < 0 || band.in_first + band.in_width > plan.in_w || band.out_first + band.out_width > plan.out_w) {
      return fail(Code::kFault, "PDP.D_PARTIAL_WIDTH: band of columns {}..{} to {}..{} leaves the cubes, {} and {} wide",
                  band.in_first, band.in_first + band.in_width, band.out_first, band.out_first + band.out_width, plan.in_w,
                  plan.out_w);
    }
    const int possible = outputs(band.in_width, band.pad_left + band.pad_right, plan.kernel_w, plan.stride_x);
    if (band.out_width != possible) {
      return fail(Code::kFault, "PDP.D_DATA_CUBE_OUT_WIDTH: {} columns, but the input gives {}", band.out_width, possible);
    }
  }
  return {};
}

Status plan_values(const hw::PdpGroup& r, PdpPlan& plan) {
  const std::array<uint32_t, 7> fields = {r.pad_value_1x, r.pad_value_2x, r.pad_value_3x, r.pad_value_4x,
                                          r.pad_value_5x, r.pad_value_6x, r.pad_value_7x};
  for (int n = 1; n <= 7; ++n) {
    const uint32_t field = fields[static_cast<size_t>(n - 1)];
    if (plan.precision == Precision::kFp16 && plan.method == PdpPlan::Method::kAverage && field != 0) {
      return fail(Code::kFault, "PDP.D_POOLING_PADDING_VALUE_{}_CFG: {:#x}, but FP16 averages need zero", n, field);
    }
    plan.padding[static_cast<size_t>(n)] = padding_value(field, plan.precision, n);
  }
  plan.recip_w = r.recip_kernel_width;
  plan.recip_h = r.recip_kernel_height;
  return {};
}

/// The read DMA cuts the bands that PDP expects by registers of its own; where they differ, the hardware waits forever.
Status check_split(const hw::PdpRdmaGroup& rdma, const hw::PdpGroup& r) {
  if (rdma.kernel_width != r.kernel_width || rdma.kernel_stride_width != r.kernel_stride_width) {
    return fail(Code::kFault, "PDP_RDMA.D_POOLING_KERNEL_CFG: width {} and stride {} (minus one) but PDP has {} and {}",
                rdma.kernel_width, rdma.kernel_stride_width, r.kernel_width, r.kernel_stride_width);
  }
  const bool same = rdma.partial_width_in_first == r.partial_width_in_first &&
                    rdma.partial_width_in_last == r.partial_width_in_last &&
                    (r.split_num < 2 || rdma.partial_width_in_mid == r.partial_width_in_mid);
  if (!same) {
    return fail(Code::kFault, "PDP_RDMA.D_PARTIAL_WIDTH_IN: bands of {}, {} and {} (minus one) but PDP has {}, {} and {}",
                rdma.partial_width_in_first, rdma.partial_width_in_mid, rdma.partial_width_in_last, r.partial_width_in_first,
                r.partial_width_in_mid, r.partial_width_in_last);
  }
  return {};
}

Status plan_source(const PdpOperation& operation, PdpPlan& plan, uint32_t atom) {
  const hw::PdpGroup& r = operation.pdp;
  if (operation.from_sdp != nullptr) {
    const PackedCube& cube = *operation.from_sdp;
    if (cube.w != plan.in_w || cube.h != plan.in_h || cube.surfaces < plan.surfaces || cube.precision != r.input_data) {
      return fail(Code::kFault, "PDP.D_DATA_CUBE_IN: {} x {} x {} of precision {} but SDP delivers {} x {} x {} of {}",
                  plan.in_w, plan.in_h, r.cube_in_channel + 1, r.input_data, cube.w, cube.h, cube.c, cube.precision);
    }
    if (r.split_num != 0) {
      return fail(Code::kFault, "PDP.D_OPERATION_MODE_CFG: a cube from SDP cannot be split, SPLIT_NUM is {}", r.split_num);
    }
    return {};
  }
  const hw::PdpRdmaGroup& rdma = *operation.rdma;
  if (rdma.cube_in_width != r.cube_in_width || rdma.cube_in_height != r.cube_in_height ||
      rdma.cube_in_channel != r.cube_in_channel || rdma.input_data != r.input_data || rdma.split_num != r.split_num) {
    return fail(Code::kFault, "PDP_RDMA.D_DATA_CUBE_IN: cube, precision or split differ from PDP's");
  }
  if (r.split_num != 0) {
    MEDLAR_TRY(check_split(rdma, r));
  }
  plan.source = {ram_of(rdma.src_ram_type), rdma.src_base_addr(), rdma.src_line_stride, rdma.src_surface_stride, atom};
  return {};
}

}  // namespace

Result<PdpPlan> plan_pdp(const hw::HwConfig& config, const PdpOperation& operation) {
  const hw::PdpGroup& r = operation.pdp;
  PdpPlan plan;
  if (r.input_data > static_cast<uint32_t>(Precision::kFp16) || !config.supports(static_cast<Precision>(r.input_data))) {
    return fail(Code::kFault, "PDP.D_DATA_FORMAT: {} does not pool precision {}", config.name, r.input_data);
  }
  if (r.pooling_method > static_cast<uint32_t>(PdpPlan::Method::kMin)) {
    return fail(Code::kFault, "PDP.D_OPERATION_MODE_CFG: POOLING_METHOD {} is reserved", r.pooling_method);
  }
  if (r.cube_in_channel != r.cube_out_channel) {
    return fail(Code::kFault, "PDP.D_DATA_CUBE_OUT_CHANNEL: {} channels in, {} out", r.cube_in_channel + 1,
                r.cube_out_channel + 1);
  }
  plan.precision = static_cast<Precision>(r.input_data);
  plan.method = static_cast<PdpPlan::Method>(r.pooling_method);
  plan.in_w = static_cast<int>(r.cube_in_width) + 1;
  plan.in_h = static_cast<int>(r.cube_in_height) + 1;
  plan.out_w = static_cast<int>(r.cube_out_width) + 1;
  plan.out_h = static_cast<int>(r.cube_out_height) + 1;
  plan.lanes = static_cast<int>(config.channels_per_atom(plan.precision));
  plan.surfaces = ceil_div(static_cast<int>(r.cube_in_channel) + 1, plan.lanes);
  plan.flush_nan = r.nan_to_zero != 0 && operation.from_sdp == nullptr;
  plan.kernel_w = static_cast<int>(r.kernel_width) + 1;
  plan.kernel_h = static_cast<int>(r.kernel_height) + 1;
  plan.stride_x = static_cast<int>(r.kernel_stride_width) + 1;
  plan.stride_y = static_cast<int>(r.kernel_stride_height) + 1;
  plan.pad_top = static_cast<int>(r.pad_top);
  const int pad_bottom = static_cast<int>(r.pad_bottom);
  if (plan.kernel_w > 8 || plan.kernel_h > 8 || plan.stride_x > 8 || plan.stride_y > 8) {
    return fail(Code::kFault, "PDP.D_POOLING_KERNEL_CFG: kernel {} x {}, stride {} x {}, each at most 8", plan.kernel_w,
                plan.kernel_h, plan.stride_x, plan.stride_y);
  }
  MEDLAR_TRY(check_axis({"vertical", plan.in_h, plan.pad_top, pad_bottom, plan.kernel_h, plan.stride_y}));
  const int rows = outputs(plan.in_h, plan.pad_top + pad_bottom, plan.kernel_h, plan.stride_y);
  if (plan.out_h != rows) {
    return fail(Code::kFault, "PDP.D_DATA_CUBE_OUT_HEIGHT: {} rows, but the input gives {}", plan.out_h, rows);
  }
  MEDLAR_TRY(plan_values(r, plan));
  MEDLAR_TRY(plan_bands(r, plan));
  MEDLAR_TRY(check_bands(plan));
  MEDLAR_TRY(plan_source(operation, plan, config.memory_atom));
  plan.destination = {ram_of(r.dst_ram_type), r.dst_base_addr(), r.dst_line_stride, r.dst_surface_stride, config.memory_atom};
  MEDLAR_TRY(check_cube_size("PDP", plan.in_w, plan.in_h, plan.surfaces, config.memory_atom));
  MEDLAR_TRY(check_cube_size("PDP", plan.out_w, plan.out_h, plan.surfaces, config.memory_atom));
  return plan;
}

}  // namespace medlar::chip
