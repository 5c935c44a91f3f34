// SPDX-License-Identifier: Apache-2.0
// SDP's limits, one function a rule of the programming guide. Its rule that PReLU needs the ALU of the stage bypassed is
// not here: NVIDIA's own traces (sdp_*_bn_int8) break it, and the result is defined.
#include "chip/sdp/limits.hpp"

namespace medlar::chip {
namespace {

using hw::Precision;

/// The legal conversions (table of SDP precisions). On the fly, input and output have equally many bits.
Status check_precisions(const SdpPlan& plan) {
  const bool input_ok = plan.in == plan.proc || (plan.proc == Precision::kInt8 && plan.in == Precision::kInt16);
  const bool output_ok = plan.proc == Precision::kInt8 ? plan.out != Precision::kFp16 : plan.out != Precision::kInt8;
  if (!input_ok || !output_ok) {
    return fail(Code::kFault, "SDP.D_DATA_FORMAT: no data path from {} through {} to {}", hw::precision_name(plan.in),
                hw::precision_name(plan.proc), hw::precision_name(plan.out));
  }
  if (plan.out_parts() == 2 && (plan.flying || plan.batches > 1)) {
    return fail(Code::kFault, "SDP.D_DATA_FORMAT: INT8 to INT16 needs a single cube from memory");
  }
  const bool converts = plan.in != plan.out;
  if (converts && (plan.to_pdp || plan.compare)) {
    return fail(Code::kFault, "SDP.D_DATA_FORMAT: {} to {} with {}: no conversion there", hw::precision_name(plan.in),
                hw::precision_name(plan.out), plan.compare ? "EQL" : "output to PDP");
  }
  return {};
}

Status check_compare(const SdpPlan& plan) {
  if (!plan.compare) {
    return {};
  }
  if (plan.y.lut || plan.batches > 1) {
    return fail(Code::kFault, "SDP.D_DP_EW_CFG: EQL takes one batch and no look-up table behind it");
  }
  const num::Converter& c = plan.out_converter;
  if (c.offset != 0 || c.scale != 1 || c.shift != 0) {
    return fail(Code::kFault, "SDP.D_CVT: EQL needs offset 0, scale 1, shift 0; have {}, {}, {}", c.offset, c.scale, c.shift);
  }
  if (!plan.is_float() && plan.y.alu_from_memory && plan.y.alu_convert) {
    return fail(Code::kFault, "SDP.D_DP_EW_ALU_CFG: EQL needs EW_ALU_CVT_BYPASS");
  }
  return {};
}

/// A reader that fetches operands which no stage takes would never drain.
Status check_reader(const char* name, const SdpStage& stage, uint32_t disable) {
  if (disable == 0 && !stage.reads_memory()) {
    return fail(Code::kFault, "SDP_RDMA.D_{}RDMA_CFG: the reader is enabled but the stage takes no operand from memory",
                name);
  }
  return {};
}

Status check_winograd(const SdpPlan& plan, const hw::SdpGroup& sdp) {
  if (sdp.winograd == 0) {
    return {};
  }
  if (!plan.flying || plan.compare || plan.w % 4 != 0 || plan.h % 4 != 0) {
    return fail(Code::kFault, "SDP.D_FEATURE_MODE_CFG: Winograd needs a flying input of multiples of 4, not {} x {}", plan.w,
                plan.h);
  }
  return {};
}

/// A line reaches beyond its stride only in a cube of one line.
Status check_lines(const char* name, const FeatureCube& cube, int w, int h) {
  const uint64_t line = uint64_t{cube.atom} * static_cast<uint64_t>(w);
  if (h > 1 && cube.line_stride < line) {
    return fail(Code::kFault, "{}: line stride {:#x} is less than a line, {:#x}", name, cube.line_stride, line);
  }
  return {};
}

}  // namespace

Status check_sdp_limits(const SdpPlan& plan, const SdpOperation& operation) {
  MEDLAR_TRY(check_precisions(plan));
  MEDLAR_TRY(check_compare(plan));
  MEDLAR_TRY(check_winograd(plan, operation.sdp));
  if (operation.rdma) {
    MEDLAR_TRY(check_reader("B", plan.x1, operation.rdma->brdma_disable));
    MEDLAR_TRY(check_reader("N", plan.x2, operation.rdma->nrdma_disable));
    MEDLAR_TRY(check_reader("E", plan.y, operation.rdma->erdma_disable));
  }
  if (plan.batches > 1 && (!plan.flying || plan.to_pdp)) {
    return fail(Code::kFault, "SDP.D_FEATURE_MODE_CFG: {} batches need a flying input and memory output", plan.batches);
  }
  if (!plan.flying) {
    MEDLAR_TRY(check_lines("SDP_RDMA.D_SRC_LINE_STRIDE", plan.source, plan.w, plan.h));
  }
  if (!plan.to_pdp && !plan.compare) {
    MEDLAR_TRY(check_lines("SDP.D_DST_LINE_STRIDE", plan.destination, plan.w, plan.h));
  }
  return {};
}

}  // namespace medlar::chip
