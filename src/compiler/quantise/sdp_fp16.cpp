// SPDX-License-Identifier: Apache-2.0
// FP16 SDP programs and convolutions.
#include "compiler/quantise/sdp_fp16.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/parallel.hpp"
#include "compiler/quantise/conv_geometry.hpp"
#include "compiler/quantise/half.hpp"
#include "compiler/quantise/lut.hpp"
#include "compiler/quantise/rounding.hpp"
#include "num/float_convert.hpp"

namespace medlar::compiler {
namespace {

std::vector<int32_t> halves(const std::vector<float>& values) {
  std::vector<int32_t> bits;
  bits.reserve(values.size());
  for (const float value : values) {
    bits.push_back(to_half(value));
  }
  return bits;
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

SdpStage fill_stage(const Layer& layer, const StageSteps& steps) {
  SdpStage stage;
  bool spread = false;
  stage.enable = steps.used();
  stage.operand_precision = hw::Precision::kFp16;
  if (steps.alu >= 0) {
    const Step& step = layer.steps[static_cast<size_t>(steps.alu)];
    stage.type = SdpStageType::kAlu;
    stage.alu = alu_of(step.kind);
    stage.alu_operand = step.operand == kNoTensor ? halves(step.add) : std::vector<int32_t>{};
    stage.element_operand = step.operand;
    spread = step.spread;
  }
  if (steps.mul >= 0) {
    const Step& step = layer.steps[static_cast<size_t>(steps.mul)];
    stage.type = SdpStageType::kMul;
    stage.mul_operand = step.operand == kNoTensor ? halves(step.mul) : std::vector<int32_t>{};
    stage.element_operand = step.operand;
    spread = step.spread;
    stage.activation = step.kind == StepKind::kPrelu ? SdpActivation::kPrelu : SdpActivation::kNone;
  }
  if (steps.relu) {
    stage.activation = SdpActivation::kRelu;
  }
  if (stage.element_operand != kNoTensor) {
    stage.mode = spread ? SdpOperandMode::kPerChannel : SdpOperandMode::kPerElement;
  } else if (std::max(stage.alu_operand.size(), stage.mul_operand.size()) > 1) {
    stage.mode = SdpOperandMode::kPerChannel;
  }
  return stage;
}

/// Y's own operands are registers of 32 bits; from memory they are FP16 like the others.
void widen_registers(SdpStage& y, const Layer& layer, const StageSteps& steps) {
  if (y.mode != SdpOperandMode::kPerLayer) {
    return;
  }
  const auto bits = [](float value) { return std::bit_cast<int32_t>(value); };
  if (steps.alu >= 0 && !y.alu_operand.empty()) {
    y.alu_operand[0] = bits(layer.steps[static_cast<size_t>(steps.alu)].add[0]);
  }
  if (steps.mul >= 0 && !y.mul_operand.empty()) {
    y.mul_operand[0] = bits(layer.steps[static_cast<size_t>(steps.mul)].mul[0]);
  }
}

/// A constant bound goes from X2 to Y, which holds it in FP32 anyway, where Y has nothing to do.
StagePlan with_free_x2(const Layer& layer, StagePlan plan, const hw::HwConfig& config) {
  const StageSteps& x2 = plan.x2;
  if (!config.sdp_ew() || plan.y.used() || x2.alu < 0 || x2.mul >= 0 || x2.relu) {
    return plan;
  }
  const StepKind kind = layer.steps[static_cast<size_t>(x2.alu)].kind;
  if (kind == StepKind::kMin || kind == StepKind::kMax) {
    plan.y.alu = x2.alu;
    plan.x2 = {};
  }
  return plan;
}

/// A bias is often much larger than what it leaves of the accumulator: X2 adds the difference to its FP16 number.
void add_lost_bias(const Step& bias, SdpParams& sdp) {
  if (bias.kind != StepKind::kAffine || bias.operand != kNoTensor || bias.add.size() != sdp.x1.alu_operand.size()) {
    return;
  }
  std::vector<int32_t> rest;
  for (size_t k = 0; k < bias.add.size(); ++k) {
    const float stored = std::bit_cast<float>(num::fp16_to_fp32(static_cast<uint32_t>(sdp.x1.alu_operand[k])));
    rest.push_back(to_half(bias.add[k] - stored));
  }
  if (std::all_of(rest.begin(), rest.end(), [](int32_t bits) { return (bits & 0x7fff) == 0; })) {
    return;
  }
  sdp.x2 = sdp.x1;
  sdp.x2.alu_operand = std::move(rest);
  sdp.x1.activation = SdpActivation::kNone;
}

/// Distance of FP16 numbers around a weight: a power of two, made from the weight's exponent.
double half_step(double weight) {
  constexpr uint64_t kBias = 1023;
  constexpr uint64_t kSmallestExponent = kBias - 14;
  constexpr uint64_t kMantissaBits = 10;
  const uint64_t exponent = std::bit_cast<uint64_t>(weight) >> 52 & 0x7ff;
  return std::bit_cast<double>((std::max(exponent, kSmallestExponent) - kMantissaBits) << 52);
}

std::vector<uint16_t> half_weights(const ConvLayer& conv) {
  const size_t per_kernel = conv.weights.size() / static_cast<size_t>(conv.k);
  std::vector<uint16_t> halves(conv.weights.size());
  parallel_for(conv.k, 8, [&](int64_t begin, int64_t end) {
    for (auto k = static_cast<size_t>(begin); k < static_cast<size_t>(end); ++k) {
      const auto first = conv.weights.begin() + static_cast<std::ptrdiff_t>(k * per_kernel);
      const std::vector<double> exact(first, first + static_cast<std::ptrdiff_t>(per_kernel));
      std::vector<double> steps(per_kernel);
      std::transform(exact.begin(), exact.end(), steps.begin(), half_step);
      const std::vector<double> rounded = round_keeping_sums(
          {.exact = exact, .step = steps, .taps = static_cast<size_t>(conv.r) * static_cast<size_t>(conv.s), .mean = {}, .limit = 0.0});
      std::transform(rounded.begin(), rounded.end(), halves.begin() + static_cast<std::ptrdiff_t>(k * per_kernel),
                     [](double weight) { return to_half(static_cast<float>(weight)); });
    }
  });
  return halves;
}

}  // namespace

SdpParams sdp_fp16(const Layer& layer, const StagePlan& given, std::vector<Lut>& luts, const hw::HwConfig& config) {
  const StagePlan plan = with_free_x2(layer, given, config);
  SdpParams sdp;
  sdp.x1 = fill_stage(layer, plan.x1);
  sdp.x2 = fill_stage(layer, plan.x2);
  sdp.y = fill_stage(layer, plan.y);
  if (config.sdp_bn() && plan.x1.alu >= 0 && plan.x1.mul < 0 && !plan.x2.used()) {
    add_lost_bias(layer.steps[static_cast<size_t>(plan.x1.alu)], sdp);
  }
  widen_registers(sdp.y, layer, plan.y);
  if (plan.y.table >= 0) {
    sdp.y.activation = SdpActivation::kLut;
    sdp.lut = add_table(luts, half_table(layer.steps[static_cast<size_t>(plan.y.table)]));
  }
  return sdp;
}

ConvOp conv_fp16(const Layer& layer, const StagePlan& plan, std::vector<Lut>& luts, const hw::HwConfig& config) {
  const auto& conv = std::get<ConvLayer>(layer.body);
  ConvOp op;
  op.weights = {.k = conv.k, .c = conv.c, .r = conv.r, .s = conv.s, .integers = {}, .halves = {}};
  op.weights.halves = half_weights(conv);
  set_geometry(conv, op);
  op.sdp = sdp_fp16(layer, plan, luts, config);
  return op;
}

}  // namespace medlar::compiler
