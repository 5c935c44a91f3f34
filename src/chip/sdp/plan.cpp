// SPDX-License-Identifier: Apache-2.0
// Checks of SDP's registers (NVDLA programming guide, "Limitation", SDP) and their translation.
#include "chip/sdp/plan.hpp"

#include "base/checked.hpp"
#include "chip/sdp/limits.hpp"
#include "num/round.hpp"

namespace medlar::chip {
namespace {

using hw::Precision;

Result<Precision> precision_of(const hw::HwConfig& config, const char* field, uint32_t code) {
  if (code > static_cast<uint32_t>(Precision::kFp16)) {
    return fail(Code::kFault, "{}: precision code {} is reserved", field, code);
  }
  const auto precision = static_cast<Precision>(code);
  if (!config.supports(precision)) {
    return fail(Code::kFault, "{}: {} does not process {}", field, config.name, hw::precision_name(precision));
  }
  return precision;
}

struct XFields {
  uint32_t bypass, alu_bypass, alu_algo, mul_bypass, prelu, relu_bypass;
  uint32_t alu_src, alu_shift, alu_operand, mul_src, mul_shift, mul_operand;
};

Result<SdpStage> plan_x(const char* name, const XFields& f) {
  SdpStage stage;
  stage.on = f.bypass == 0;
  stage.alu = f.alu_bypass == 0;
  stage.mul = f.mul_bypass == 0;
  if (stage.on && stage.alu && f.alu_algo > static_cast<uint32_t>(Alu::kSum)) {
    return fail(Code::kFault, "SDP.D_DP_{}_CFG: ALU algorithm {} is reserved", name, f.alu_algo);
  }
  stage.algo = static_cast<Alu>(f.alu_algo);
  stage.prelu = f.prelu != 0;
  stage.relu = f.relu_bypass == 0;
  stage.alu_from_memory = f.alu_src != 0;
  stage.mul_from_memory = f.mul_src != 0;
  stage.alu_shift = f.alu_shift;
  stage.mul_shift = f.mul_shift & 63;  // The shifter has six bits, whatever the register holds.
  stage.alu_operand = static_cast<int16_t>(f.alu_operand);
  stage.mul_operand = static_cast<int16_t>(f.mul_operand);
  return stage;
}

num::Converter converter_of(uint32_t offset, uint32_t scale, uint32_t shift) {
  return {.offset = static_cast<int32_t>(offset), .scale = static_cast<int16_t>(scale), .shift = shift};
}

SdpStage plan_y(const hw::SdpGroup& r) {
  SdpStage stage;
  stage.on = r.ew_bypass == 0;
  stage.alu = r.ew_alu_bypass == 0;
  stage.mul = r.ew_mul_bypass == 0;
  stage.algo = static_cast<Alu>(r.ew_alu_algo);
  stage.prelu = r.ew_mul_prelu != 0;
  stage.lut = r.ew_lut_bypass == 0;
  stage.alu_from_memory = r.ew_alu_src != 0;
  stage.mul_from_memory = r.ew_mul_src != 0;
  stage.mul_shift = r.ew_truncate;
  stage.alu_operand = static_cast<int32_t>(r.ew_alu_operand);
  stage.mul_operand = static_cast<int32_t>(r.ew_mul_operand);
  stage.alu_convert = r.ew_alu_cvt_bypass == 0;
  stage.mul_convert = r.ew_mul_cvt_bypass == 0;
  stage.alu_converter = converter_of(r.ew_alu_cvt_offset, r.ew_alu_cvt_scale, r.ew_alu_cvt_truncate);
  stage.mul_converter = converter_of(r.ew_mul_cvt_offset, r.ew_mul_cvt_scale, r.ew_mul_cvt_truncate);
  return stage;
}

Status plan_stages(const hw::SdpGroup& r, SdpPlan& plan) {
  MEDLAR_ASSIGN(plan.x1, plan_x("BS", {r.bs_bypass, r.bs_alu_bypass, r.bs_alu_algo, r.bs_mul_bypass, r.bs_mul_prelu,
                                       r.bs_relu_bypass, r.bs_alu_src, r.bs_alu_shift_value, r.bs_alu_operand,
                                       r.bs_mul_src, r.bs_mul_shift_value, r.bs_mul_operand}));
  MEDLAR_ASSIGN(plan.x2, plan_x("BN", {r.bn_bypass, r.bn_alu_bypass, r.bn_alu_algo, r.bn_mul_bypass, r.bn_mul_prelu,
                                       r.bn_relu_bypass, r.bn_alu_src, r.bn_alu_shift_value, r.bn_alu_operand,
                                       r.bn_mul_src, r.bn_mul_shift_value, r.bn_mul_operand}));
  plan.y = plan_y(r);
  // The element-wise stage and its table work in every configuration: the golden data of NVIDIA's traces for nv_small,
  // whose RTL lacks the stage, hold its results.
  plan.y.lut = plan.y.on && plan.y.lut;
  plan.compare = plan.y.on && plan.y.alu && plan.y.algo == Alu::kEqual;
  plan.out_converter = converter_of(r.cvt_offset, r.cvt_scale, r.cvt_shift);
  return {};
}

struct ReaderFields {
  const char* name;
  uint32_t disable, data_use, data_size, data_mode, ram_type;
  uint64_t base;
  uint32_t line_stride, surface_stride;
};

Result<SdpOperandSource> plan_reader(const SdpPlan& plan, const SdpStage& stage, const ReaderFields& f) {
  SdpOperandSource source;
  if (!stage.reads_memory()) {
    return source;
  }
  if (f.disable != 0) {
    return fail(Code::kFault, "SDP_RDMA.D_{}RDMA_CFG: the stage takes operands from memory but its reader is disabled",
                f.name);
  }
  if (f.data_use > 2) {
    return fail(Code::kFault, "SDP_RDMA.D_{}RDMA_CFG: DATA_USE {} is reserved", f.name, f.data_use);
  }
  source.on = true;
  source.mul = f.data_use != 1;
  source.alu = f.data_use != 0;
  const bool wants_alu = stage.alu && stage.alu_from_memory;
  const bool wants_mul = stage.mul && stage.mul_from_memory;
  if (wants_alu != source.alu || wants_mul != source.mul) {
    return fail(Code::kFault, "SDP_RDMA.D_{}RDMA_CFG: DATA_USE {} does not match the operands that the stage takes",
                f.name, f.data_use);
  }
  source.element_bytes = f.data_size == 0 ? 1 : 2;
  if (plan.is_float() && source.element_bytes == 1) {
    return fail(Code::kFault, "SDP_RDMA.D_{}RDMA_CFG: one-byte operands in FP16 processing", f.name);
  }
  source.per_element = f.data_mode != 0;
  source.cube = {.ram = ram_of(f.ram_type),
                 .base = f.base,
                 .line_stride = f.line_stride,
                 .surface_stride = f.surface_stride,
                 .atom = static_cast<uint32_t>(plan.lanes) * source.bytes_per_lane()};
  return source;
}

Status plan_readers(const hw::SdpRdmaGroup& r, SdpPlan& plan) {
  MEDLAR_ASSIGN(plan.x1_source,
                plan_reader(plan, plan.x1, {"B", r.brdma_disable, r.brdma_data_use, r.brdma_data_size, r.brdma_data_mode,
                                            r.brdma_ram_type, r.bs_base_addr(), r.bs_line_stride, r.bs_surface_stride}));
  MEDLAR_ASSIGN(plan.x2_source,
                plan_reader(plan, plan.x2, {"N", r.nrdma_disable, r.nrdma_data_use, r.nrdma_data_size, r.nrdma_data_mode,
                                            r.nrdma_ram_type, r.bn_base_addr(), r.bn_line_stride, r.bn_surface_stride}));
  MEDLAR_ASSIGN(plan.y_source,
                plan_reader(plan, plan.y, {"E", r.erdma_disable, r.erdma_data_use, r.erdma_data_size, r.erdma_data_mode,
                                           r.erdma_ram_type, r.ew_base_addr(), r.ew_line_stride, r.ew_surface_stride}));
  return {};
}

/// The read DMA's own copies of the sizes must agree with SDP's.
Status check_rdma(const hw::SdpRdmaGroup& rdma, const hw::SdpGroup& sdp) {
  if (rdma.width != sdp.width || rdma.height != sdp.height || rdma.channel != sdp.channel) {
    return fail(Code::kFault, "SDP_RDMA.D_DATA_CUBE: {} x {} x {} (minus one) but SDP has {} x {} x {}", rdma.width,
                rdma.height, rdma.channel, sdp.width, sdp.height, sdp.channel);
  }
  if (rdma.proc_precision != sdp.proc_precision) {
    return fail(Code::kFault, "SDP_RDMA.D_FEATURE_MODE_CFG: PROC_PRECISION {} but SDP has {}", rdma.proc_precision,
                sdp.proc_precision);
  }
  if ((rdma.flying_mode != 0) != (sdp.flying_mode != 0)) {
    return fail(Code::kFault, "SDP_RDMA.D_FEATURE_MODE_CFG: FLYING_MODE {} but SDP has {}", rdma.flying_mode,
                sdp.flying_mode);
  }
  return {};
}

Status check_conv(const AccCube& conv, const SdpPlan& plan) {
  if (conv.w != plan.w || conv.h != plan.h || conv.c != plan.c || conv.batches != plan.batches ||
      conv.lanes != plan.lanes) {
    return fail(Code::kFault, "SDP.D_DATA_CUBE: {} x {} x {} x {} batches but the convolution delivers {} x {} x {} x {}",
                plan.w, plan.h, plan.c, plan.batches, conv.w, conv.h, conv.c, conv.batches);
  }
  return {};
}

}  // namespace

bool sdp_needs_rdma(const hw::SdpGroup& sdp) {
  const bool bs = sdp.bs_bypass == 0 && ((sdp.bs_alu_bypass == 0 && sdp.bs_alu_src != 0) ||
                                         (sdp.bs_mul_bypass == 0 && sdp.bs_mul_src != 0));
  const bool bn = sdp.bn_bypass == 0 && ((sdp.bn_alu_bypass == 0 && sdp.bn_alu_src != 0) ||
                                         (sdp.bn_mul_bypass == 0 && sdp.bn_mul_src != 0));
  const bool ew = sdp.ew_bypass == 0 && ((sdp.ew_alu_bypass == 0 && sdp.ew_alu_src != 0) ||
                                         (sdp.ew_mul_bypass == 0 && sdp.ew_mul_src != 0));
  return sdp.flying_mode == 0 || bs || bn || ew;
}

bool sdp_rdma_idle(const hw::SdpRdmaGroup& rdma) {
  return rdma.flying_mode != 0 && rdma.brdma_disable != 0 && rdma.nrdma_disable != 0 && rdma.erdma_disable != 0;
}

Result<SdpPlan> plan_sdp(const hw::HwConfig& config, const SdpOperation& operation) {
  const hw::SdpGroup& r = operation.sdp;
  SdpPlan plan;
  plan.w = static_cast<int>(r.width) + 1;
  plan.h = static_cast<int>(r.height) + 1;
  plan.c = static_cast<int>(r.channel) + 1;
  plan.flying = r.flying_mode != 0;
  plan.to_pdp = r.output_dst != 0;
  plan.flush_nan = r.nan_to_zero != 0;
  plan.batches = static_cast<int>(r.batch_number) + 1;
  MEDLAR_ASSIGN(plan.proc, precision_of(config, "SDP.D_DATA_FORMAT", r.proc_precision));
  MEDLAR_ASSIGN(plan.out, precision_of(config, "SDP.D_DATA_FORMAT", r.out_precision));
  plan.in = plan.proc;
  plan.lanes = static_cast<int>(config.channels_per_atom(plan.proc));
  plan.surfaces = ceil_div(plan.c, plan.lanes);
  MEDLAR_TRY(plan_stages(r, plan));
  if (operation.rdma) {
    const hw::SdpRdmaGroup& rdma = *operation.rdma;
    MEDLAR_TRY(check_rdma(rdma, r));
    if (!plan.flying) {
      MEDLAR_ASSIGN(plan.in, precision_of(config, "SDP_RDMA.D_FEATURE_MODE_CFG", rdma.in_precision));
    }
    plan.source = {ram_of(rdma.src_ram_type), rdma.src_base_addr(), rdma.src_line_stride, rdma.src_surface_stride,
                   config.memory_atom};
    plan.count_nan_inf_inputs = rdma.perf_nan_inf_count_en != 0 && !plan.flying && plan.in == Precision::kFp16;
    MEDLAR_TRY(plan_readers(rdma, plan));
  }
  plan.destination = {ram_of(r.dst_ram_type), r.dst_base_addr(), r.dst_line_stride, r.dst_surface_stride,
                      config.memory_atom};
  // A 1x1 cube is always packed (programming guide, common limitations), unless a batch is written: the write DMA then follows the strides.
  if (plan.w == 1 && plan.h == 1 && plan.batches == 1) {
    plan.source.surface_stride = config.memory_atom;
    plan.destination.surface_stride = config.memory_atom;
  }
  plan.batch_stride = r.dst_batch_stride;
  plan.count_saturation = r.perf_sat_en != 0;
  plan.count_nan_outputs = r.perf_nan_inf_count_en != 0 && plan.out == Precision::kFp16;
  MEDLAR_TRY(check_sdp_limits(plan, operation));
  MEDLAR_TRY(check_cube_size("SDP", plan.w, plan.h, plan.surfaces * 2, config.memory_atom));
  if (plan.flying) {
    MEDLAR_TRY(check_conv(operation.conv->shape, plan));
  }
  return plan;
}

}  // namespace medlar::chip
