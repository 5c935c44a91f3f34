// SPDX-License-Identifier: Apache-2.0
// Operands of one SDP stage.
#include "chip/sdp/operands.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace medlar::chip {
namespace {

int32_t element(const uint8_t* from, uint32_t bytes) {
  return bytes == 1 ? static_cast<int8_t>(*from) : load_le<int16_t>(from);
}

}  // namespace

SdpOperandFeed::SdpOperandFeed(Kind kind, const SdpStage& stage, const SdpOperandSource& source, const SdpPlan& plan,
                               const SdpTarget& target)
    : kind_(kind),
      stage_(&stage),
      source_(&source),
      plan_(&plan),
      target_(&target),
      operands_(stage.on ? std::make_unique<SdpOperands>() : nullptr) {
  if (stage.on) {
    fill_registers();
  }
}

/// A register operand of BS and BN has 16 bits and is treated like one from memory; EW's is taken as it is.
void SdpOperandFeed::fill_registers() {
  if (!stage_->alu_from_memory) {
    operands_->alu.fill(stage_->alu_operand);
    if (kind_ == Kind::kX && !plan_->is_float()) {
      sdp_prepare_x(*stage_, operands_->alu);
    }
    if (kind_ == Kind::kX && plan_->is_float()) {
      sdp_widen_float(plan_->flush_nan, operands_->alu);
    }
  }
  if (!stage_->mul_from_memory) {
    operands_->mul.fill(stage_->mul_operand);
    if (kind_ == Kind::kX && plan_->is_float()) {
      sdp_widen_float(plan_->flush_nan, operands_->mul);
    }
  }
}

void SdpOperandFeed::unpack(const uint8_t* bytes, size_t lanes) {
  const uint32_t width = source_->element_bytes;
  if (!source_->alu || !source_->mul) {
    SdpOperands& operands = *operands_;
    (width == 1 ? target_->load8 : target_->load16)(bytes, {(source_->alu ? operands.alu : operands.mul).data(), lanes});
    return;
  }
  for (size_t i = 0; i < lanes; ++i) {  // Pairs: the ALU operand first.
    operands_->alu[i] = element(bytes + i * 2 * width, width);
    operands_->mul[i] = element(bytes + i * 2 * width + width, width);
  }
}

void SdpOperandFeed::prepare(size_t lanes) {
  const std::span<int32_t> alu(operands_->alu.data(), lanes);
  const std::span<int32_t> mul(operands_->mul.data(), lanes);
  if (source_->alu) {
    if (plan_->is_float()) {
      target_->widen_float(plan_->flush_nan, alu);
    } else if (kind_ == Kind::kX) {
      sdp_prepare_x(*stage_, alu);
    } else {
      sdp_prepare_y(stage_->alu_convert, stage_->alu_converter, alu);
    }
  }
  if (source_->mul) {
    if (plan_->is_float()) {
      target_->widen_float(plan_->flush_nan, mul);
    } else if (kind_ == Kind::kY) {
      sdp_prepare_y(stage_->mul_convert, stage_->mul_converter, mul);
    }
  }
}

void SdpOperandFeed::start_surface(const uint8_t* bytes, size_t span) {
  if (!stage_->on || !source_->on || source_->per_element) {
    return;
  }
  const auto lanes = static_cast<size_t>(plan_->lanes);
  unpack(bytes, lanes);
  prepare(lanes);
  for (auto* values : {source_->alu ? &operands_->alu : nullptr, source_->mul ? &operands_->mul : nullptr}) {
    for (size_t at = lanes; values != nullptr && at + lanes <= span; at += lanes) {
      std::copy_n(values->begin(), lanes, values->begin() + static_cast<ptrdiff_t>(at));
    }
  }
}

void SdpOperandFeed::load(const uint8_t* bytes, size_t lanes) {
  if (!stage_->on || !source_->on || !source_->per_element) {
    return;
  }
  unpack(bytes, lanes);
  prepare(lanes);
}

}  // namespace medlar::chip
