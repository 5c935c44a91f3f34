// SPDX-License-Identifier: Apache-2.0
// Integer SDP programs: choice of stream scales and operands.
#include "compiler/quantise/sdp_int8.hpp"

#include <algorithm>
#include <cmath>

#include "compiler/quantise/fixed_point.hpp"
#include "compiler/quantise/lut.hpp"
#include "hw/limits.hpp"

namespace medlar::compiler {
namespace {

using hw::kLimits;

/// The stream stays below 2^29, so that a sum of two such values fits 32 bits with room to spare.
constexpr double kStreamMax = 536870912.0;
/// Bits below one output step that the stream keeps where nothing else decides.
constexpr int kFractionBits = 8;
/// A table's entries reach so far beyond the output's largest magnitude, in parts of it.
constexpr double kBeyondTop = 1.02;
constexpr int kMaxOperandShift = 16;
constexpr int kMaxTruncate = 46;  // 49-bit products

bool tensor_sum(StepKind kind) {
  return kind == StepKind::kAddTensor || kind == StepKind::kMaxTensor || kind == StepKind::kMinTensor;
}

SdpAlu alu_of(StepKind kind) {
  switch (kind) {
    case StepKind::kMax:
    case StepKind::kMaxTensor: return SdpAlu::kMax;
    case StepKind::kMin:
    case StepKind::kMinTensor: return SdpAlu::kMin;
    default: return SdpAlu::kSum;
  }
}

tl::unexpected<Error> too_wide(const Int8Program& program, std::string_view what, double value) {
  return fail(Code::kUnsupported, "{}: {} {} does not fit a 16-bit operand", program.layer.name, what, value);
}

void set_mode(SdpStage& stage) {
  stage.enable = true;
  stage.operand_precision = hw::Precision::kInt16;
  const size_t count = std::max(stage.alu_operand.size(), stage.mul_operand.size());
  stage.mode = count > 1 ? SdpOperandMode::kPerChannel : SdpOperandMode::kPerLayer;
}

Status fill_alu(const Int8Program& program, const Step& step, double scale, SdpStage& stage) {
  stage.type = SdpStageType::kAlu;
  stage.alu = alu_of(step.kind);
  if (step.operand != kNoTensor) {
    stage.enable = true;
    stage.mode = step.spread ? SdpOperandMode::kPerChannel : SdpOperandMode::kPerElement;
    stage.operand_precision = hw::Precision::kInt8;
    stage.element_operand = step.operand;
    const double ratio = static_cast<double>(program.scales.scale_of(step.operand)) / scale;
    stage.alu_shift = static_cast<int>(std::lround(std::log2(ratio)));
    return {};
  }
  std::vector<double> addends;
  for (const float value : step.add) {
    addends.push_back(static_cast<double>(value) / scale);
  }
  auto fixed = fixed_addends(addends);
  if (!fixed) {
    return too_wide(program, "constant", step.add[0]);
  }
  stage.alu_operand = std::move(fixed->operands);
  stage.alu_shift = fixed->shift;
  set_mode(stage);
  return {};
}

Status fill_mul(const Int8Program& program, const Step& step, SdpStage& stage) {
  stage.type = SdpStageType::kMul;
  if (step.operand != kNoTensor) {
    stage.enable = true;
    stage.mode = step.spread ? SdpOperandMode::kPerChannel : SdpOperandMode::kPerElement;
    stage.operand_precision = hw::Precision::kInt8;
    stage.element_operand = step.operand;
    return {};
  }
  double largest = 0.0;
  for (const float factor : step.mul) {
    largest = std::max(largest, std::fabs(static_cast<double>(factor)));
  }
  const auto shift = common_shift(largest, kMaxTruncate);
  if (!shift) {
    return too_wide(program, "factor", largest);
  }
  for (const float factor : step.mul) {
    stage.mul_operand.push_back(static_cast<int32_t>(round_away(std::ldexp(static_cast<double>(factor), *shift))));
  }
  stage.truncate = *shift;
  stage.activation = step.kind == StepKind::kPrelu ? SdpActivation::kPrelu : SdpActivation::kNone;
  set_mode(stage);
  return {};
}

/// The addends of a convolution's bias behind the multiplier.
Status fill_late_bias(const Int8Program& program, double scale, SdpStage& stage) {
  std::vector<double> addends;
  for (const double value : program.late_bias) {
    addends.push_back(value / scale);
  }
  auto fixed = fixed_addends(addends);
  if (!fixed) {
    return too_wide(program, "bias", program.late_bias[0]);
  }
  stage.type = SdpStageType::kAlu;
  stage.alu = SdpAlu::kSum;
  stage.alu_operand = std::move(fixed->operands);
  stage.alu_shift = fixed->shift;
  set_mode(stage);
  return {};
}

Status fill_x2(const Int8Program& program, double& scale, SdpStage& stage) {
  const StageSteps& steps = program.plan.x2;
  if (!program.late_bias.empty()) {
    MEDLAR_TRY(fill_late_bias(program, scale, stage));
  } else if (steps.alu >= 0) {
    // An affine step from memory has its factor in X1; only the addend comes here.
    MEDLAR_TRY(fill_alu(program, program.step(steps.alu), scale, stage));
  }
  if (steps.mul >= 0) {
    const Step& step = program.step(steps.mul);
    MEDLAR_TRY(fill_mul(program, step, stage));
    if (step.operand != kNoTensor) {
      scale *= static_cast<double>(program.scales.scale_of(step.operand));
    }
  }
  if (steps.relu) {
    stage.enable = true;
    stage.activation = SdpActivation::kRelu;
  }
  return {};
}

/// X1 of a layer from memory: the factor of the affine step, if any, and the change of scale.
Status fill_x1_memory(const Int8Program& program, double scale, SdpStage& stage) {
  const auto in_scale = static_cast<double>(program.scales.scale_of(program.layer.src));
  std::vector<float> factors = {1.0f};
  if (program.plan.x1.mul >= 0) {
    factors = program.step(program.plan.x1.mul).mul;
  }
  if (program.plan.x1.mul >= 0 || in_scale != scale) {
    Step step{.kind = StepKind::kAffine};
    for (const float factor : factors) {
      step.mul.push_back(static_cast<float>(static_cast<double>(factor) * in_scale / scale));
    }
    MEDLAR_TRY(fill_mul(program, step, stage));
  }
  if (const int zero = program.scales.zero_of(program.layer.src); zero != 0) {
    stage.type = stage.mul_operand.empty() ? SdpStageType::kAlu : SdpStageType::kBoth;
    stage.alu = SdpAlu::kSum;
    stage.alu_operand.assign(std::max<size_t>(1, stage.mul_operand.size()), -zero);
    set_mode(stage);
  }
  if (program.plan.x1.relu) {
    stage.enable = true;
    stage.activation = SdpActivation::kRelu;
  }
  return {};
}

/// The stream (real = scale * x) as stored values of the output.
Status fill_output(const Int8Program& program, double scale, Converter& output) {
  const double ratio = scale / program.out_scale();
  const int zero = program.scales.zero_of(program.layer.dst);
  if (std::fabs(ratio - 1.0) < 1e-7) {
    output = {.enable = zero != 0, .offset = -zero, .scale = 1, .shift = 0};
    return {};
  }
  const auto factor = fixed_factor(ratio, static_cast<int>(kLimits.sdp.cvt_shift.max));
  const double offset = -zero / ratio;
  if (!factor || factor->scale == 0 || std::fabs(offset) > kStreamMax) {
    return fail(Code::kUnsupported, "{}: output factor {} is outside 2^-63..2^15", program.layer.name, ratio);
  }
  output = {.enable = true, .offset = static_cast<int32_t>(round_away(offset)), .scale = factor->scale, .shift = factor->shift};
  return {};
}

}  // namespace

Result<double> stream_scale(const Int8Program& program) {
  const StagePlan& plan = program.plan;
  if (program.late_bias.empty() && !plan.x2.used() && !plan.y.used()) {
    return program.out_scale();
  }
  if (program.late_bias.empty() && plan.x2.alu >= 0 && tensor_sum(program.step(plan.x2.alu).kind)) {
    const auto operand = static_cast<double>(program.scales.scale_of(program.step(plan.x2.alu).operand));
    int shift = kMaxOperandShift;
    while (shift > 0 && (std::ldexp(program.reach / operand, shift) > kStreamMax ||
                         std::ldexp(program.entry / operand, shift) > kOperandMax)) {
      --shift;
    }
    return std::ldexp(operand, -shift);
  }
  if (plan.x2.mul >= 0 && program.step(plan.x2.mul).kind == StepKind::kMulTensor) {
    return program.reach / 2097152.0;  // 22 bits, times 8 bits of the operand
  }
  if (plan.y.table >= 0 && by_stored_values(program.step(plan.y.table))) {
    return std::ldexp(static_cast<double>(program.scales.scale_of(program.layer.src)), -kStoredBits);
  }
  if (plan.y.table >= 0) {
    return std::max(std::min(table_reach(program.step(plan.y.table)), program.reach) / 32768.0, program.entry / kOperandMax);
  }
  return std::max({std::ldexp(program.out_scale(), -kFractionBits), program.reach / kStreamMax,
                   program.entry / kOperandMax});
}

Status fill_after_x1(const Int8Program& program, double scale, SdpParams& sdp) {
  MEDLAR_TRY(fill_x2(program, scale, sdp.x2));
  if (program.plan.y.alu >= 0) {
    const Step& step = program.step(program.plan.y.alu);
    const double bound = static_cast<double>(step.add[0]) / scale;
    sdp.y.enable = true;
    sdp.y.type = SdpStageType::kAlu;
    sdp.y.alu = alu_of(step.kind);
    sdp.y.alu_operand = {static_cast<int32_t>(round_away(std::clamp(bound, -kStreamMax, kStreamMax)))};
  }
  if (program.plan.y.table >= 0) {
    const Step& step = program.step(program.plan.y.table);
    const double limit = kBeyondTop * program.scales.reach_of(program.layer.dst);
    const IntegerTable table = by_stored_values(step) ? stored_table(step, scale, program.scales.zero_of(program.layer.src), limit)
                                                      : integer_table(step, scale, program.reach, limit);
    sdp.y.enable = true;
    sdp.y.activation = SdpActivation::kLut;
    sdp.lut = add_table(*program.luts, table.lut);
    scale = table.scale;
  }
  return fill_output(program, scale, sdp.output);
}

Result<SdpParams> sdp_int8(const Int8Program& program) {
  SdpParams sdp;
  const StagePlan& plan = program.plan;
  if (plan.x2.mul >= 0 && plan.x2.mul == 0 && program.step(0).kind == StepKind::kMulTensor) {
    // Product of two 8-bit tensors: both enter as they are.
    MEDLAR_TRY(fill_after_x1(program, static_cast<double>(program.scales.scale_of(program.layer.src)), sdp));
    return sdp;
  }
  MEDLAR_ASSIGN(const double scale, stream_scale(program));
  MEDLAR_TRY(fill_x1_memory(program, scale, sdp.x1));
  MEDLAR_TRY(fill_after_x1(program, scale, sdp));
  return sdp;
}

}  // namespace medlar::compiler
