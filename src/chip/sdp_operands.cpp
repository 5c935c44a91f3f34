// SPDX-License-Identifier: Apache-2.0
// Operands of one SDP stage.
#include "chip/sdp_operands.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace medlar::chip {
namespace {

int32_t element(const uint8_t* from, uint32_t bytes) {
  return bytes == 1 ? static_cast<int8_t>(*from) : load_le<int16_t>(from);
}

}  // namespace

SdpOperandFeed::SdpOperandFeed(Kind kind, const SdpStage& stage, const SdpOperandSource& source, const SdpPlan& plan,
                               MemoryPort& port)
    : kind_(kind),
      stage_(&stage),
      source_(&source),
      plan_(&plan),
      reader_(port, source.cube.ram),
      operands_(std::make_unique<SdpOperands>()) {
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

void SdpOperandFeed::unpack(std::span<const uint8_t> bytes, size_t lanes) {
  const uint32_t width = source_->element_bytes;
  const uint32_t step = source_->bytes_per_lane();
  if (source_->alu) {
    for (size_t i = 0; i < lanes; ++i) {
      operands_->alu[i] = element(bytes.data() + i * step, width);
    }
  }
  if (source_->mul) {
    const uint32_t second = source_->alu ? width : 0;
    for (size_t i = 0; i < lanes; ++i) {
      operands_->mul[i] = element(bytes.data() + i * step + second, width);
    }
  }
}

void SdpOperandFeed::prepare(size_t lanes) {
  const std::span<int32_t> alu(operands_->alu.data(), lanes);
  const std::span<int32_t> mul(operands_->mul.data(), lanes);
  if (source_->alu) {
    if (plan_->is_float()) {
      sdp_widen_float(plan_->flush_nan, alu);
    } else if (kind_ == Kind::kX) {
      sdp_prepare_x(*stage_, alu);
    } else {
      sdp_prepare_y(stage_->alu_convert, stage_->alu_converter, alu);
    }
  }
  if (source_->mul) {
    if (plan_->is_float()) {
      sdp_widen_float(plan_->flush_nan, mul);
    } else if (kind_ == Kind::kY) {
      sdp_prepare_y(stage_->mul_convert, stage_->mul_converter, mul);
    }
  }
}

Status SdpOperandFeed::start_surface(int surface) {
  if (!source_->on || source_->per_element) {
    return {};
  }
  const uint32_t bytes = source_->cube.atom;
  MEDLAR_ASSIGN(const auto view, reader_.fetch(source_->cube.base + uint64_t{bytes} * static_cast<uint64_t>(surface), bytes));
  const auto lanes = static_cast<size_t>(plan_->lanes);
  unpack(view, lanes);
  prepare(lanes);
  for (auto* values : {source_->alu ? &operands_->alu : nullptr, source_->mul ? &operands_->mul : nullptr}) {
    for (size_t at = lanes; values != nullptr && at + lanes <= kSdpSpan; at += lanes) {
      std::copy_n(values->begin(), lanes, values->begin() + static_cast<ptrdiff_t>(at));
    }
  }
  return {};
}

Status SdpOperandFeed::load(int surface, int y, int x, int atoms) {
  if (!source_->on || !source_->per_element) {
    return {};
  }
  const uint64_t address = source_->cube.row(surface, y) + uint64_t{source_->cube.atom} * static_cast<uint64_t>(x);
  MEDLAR_ASSIGN(const auto view, reader_.fetch(address, uint64_t{source_->cube.atom} * static_cast<uint64_t>(atoms)));
  const size_t lanes = static_cast<size_t>(atoms) * static_cast<size_t>(plan_->lanes);
  unpack(view, lanes);
  prepare(lanes);
  return {};
}

}  // namespace medlar::chip
