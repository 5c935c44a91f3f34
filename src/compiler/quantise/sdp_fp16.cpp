// SPDX-License-Identifier: Apache-2.0
// FP16 SDP programs and convolutions.
#include "compiler/quantise/sdp_fp16.hpp"

#include <algorithm>
#include <bit>

#include "compiler/quantise/conv_geometry.hpp"
#include "compiler/quantise/half.hpp"
#include "compiler/quantise/lut.hpp"
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

}  // namespace

SdpParams sdp_fp16(const Layer& layer, const StagePlan& plan, std::vector<Lut>& luts) {
  SdpParams sdp;
  sdp.x1 = fill_stage(layer, plan.x1);
  sdp.x2 = fill_stage(layer, plan.x2);
  sdp.y = fill_stage(layer, plan.y);
  widen_registers(sdp.y, layer, plan.y);
  if (plan.y.table >= 0) {
    sdp.y.activation = SdpActivation::kLut;
    sdp.lut = add_table(luts, half_table(layer.steps[static_cast<size_t>(plan.y.table)]));
  }
  return sdp;
}

ConvOp conv_fp16(const Layer& layer, const StagePlan& plan, std::vector<Lut>& luts) {
  const auto& conv = std::get<ConvLayer>(layer.body);
  ConvOp op;
  op.weights = {.k = conv.k, .c = conv.c, .r = conv.r, .s = conv.s, .integers = {}, .halves = {}};
  op.weights.halves.reserve(conv.weights.size());
  for (const float weight : conv.weights) {
    op.weights.halves.push_back(to_half(weight));
  }
  set_geometry(conv, op);
  op.sdp = sdp_fp16(layer, plan, luts);
  return op;
}

}  // namespace medlar::compiler
