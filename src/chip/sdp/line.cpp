// SPDX-License-Identifier: Apache-2.0
// One line of SDP's cube, in spans of up to kSdpSpan lanes.
#include "chip/sdp/line.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "num/float_convert.hpp"

namespace medlar::chip {
namespace {

using hw::Precision;
using num::Fp16;
using num::Fp32;

}  // namespace

SdpWorker::SdpWorker(const SdpPlan& plan, const SdpOperation& operation)
    : plan_(plan),
      target_(*operation.target),
      lut_(operation.lut, *operation.tables),
      feeds_{SdpOperandFeed(SdpOperandFeed::Kind::kX, plan.x1, plan.x1_source, plan, target_),
             SdpOperandFeed(SdpOperandFeed::Kind::kX, plan.x2, plan.x2_source, plan, target_),
             SdpOperandFeed(SdpOperandFeed::Kind::kY, plan.y, plan.y_source, plan, target_)} {
  if (target_.chain != nullptr && sdp_is_chain(plan)) {
    const int surfaces = operation.conv != nullptr && operation.conv->piece ? operation.conv->piece_surfaces : 1;
    chains_.resize(static_cast<size_t>(std::max(1, surfaces)), {.surface = -1, .chain = make_sdp_chain(plan)});
    for (SurfaceChain& each : chains_) {
      each.chain.bound = operation.conv != nullptr ? operation.conv->bound : 1 << 15;
    }
  }
}

void SdpWorker::start_surface(int surface, const std::array<const uint8_t*, 3>& operands) {
  if (chains_.empty()) {
    const size_t all = static_cast<size_t>(plan_.w) * static_cast<size_t>(plan_.h) * static_cast<size_t>(plan_.lanes);
    for (size_t i = 0; i < feeds_.size() && surface != surface_; ++i) {
      feeds_[i].start_surface(operands[i], std::min(all, kSdpSpan));
    }
    surface_ = surface;
    return;
  }
  SurfaceChain& own = chains_[static_cast<size_t>(surface) % chains_.size()];
  chain_ = &own.chain;
  if (own.surface == surface) {
    return;
  }
  own.surface = surface;
  if (plan_.flying) {  // the convolution core leaves zeros behind the last channel
    own.chain.used = std::min(plan_.lanes, plan_.c - surface * plan_.lanes);
  }
  for (size_t i = 0; i < feeds_.size(); ++i) {
    feeds_[i].start_surface(operands[i], static_cast<size_t>(plan_.lanes));
  }
  const std::array<const SdpStage*, 2> stages = {&plan_.x1, &plan_.x2};
  const std::array<const SdpOperandSource*, 2> sources = {&plan_.x1_source, &plan_.x2_source};
  for (size_t i = 0; i < stages.size(); ++i) {
    if (stages[i]->on) {
      set_chain_operands(*stages[i], feeds_[i].operands(), sources[i]->per_element, i, own.chain);
    }
  }
}

void SdpWorker::load(const SdpLine& line, size_t x, size_t atoms) {
  const auto lanes = static_cast<size_t>(plan_.lanes);
  if (line.conv != nullptr) {
    std::copy_n(line.conv + x * lanes, data_.size(), data_.data());
    return;
  }
  const auto parts = static_cast<size_t>(plan_.in_parts());
  const size_t atom = plan_.source.atom;
  if (parts == 1) {
    (plan_.in == Precision::kInt8 ? target_.load8 : target_.load16)(line.in[0] + x * atom, data_);
  } else {
    for (size_t a = 0; a < atoms * parts; ++a) {  // Atoms of the two surfaces alternate.
      target_.load16(line.in[a % 2] + (x + a / 2) * atom, data_.subspan(a * (lanes / 2), lanes / 2));
    }
  }
  if (plan_.count_nan_inf_inputs) {
    for (const int32_t lane : data_) {
      counters_.nan_inputs += Fp16::is_nan(static_cast<uint16_t>(lane)) ? 1 : 0;
      counters_.inf_inputs += Fp16::is_infinity(static_cast<uint16_t>(lane)) ? 1 : 0;
    }
  }
  if (plan_.is_float()) {
    target_.widen_float(false, data_);
  }
}

void SdpWorker::compute() {
  if (plan_.is_float() && plan_.flush_nan) {
    for (int32_t& lane : data_) {
      lane = Fp32::is_nan(static_cast<uint32_t>(lane)) ? 0 : lane;
    }
  }
  const SdpTarget::Stage x_stage = plan_.is_float() ? target_.x_stage_float : target_.x_stage;
  if (plan_.x1.on) {
    x_stage(plan_.x1, feeds_[0].operands(), data_);
  }
  if (plan_.x2.on) {
    x_stage(plan_.x2, feeds_[1].operands(), data_);
  }
  if (plan_.y.on) {
    (plan_.is_float() ? target_.y_stage_float : target_.y_stage)(plan_.y, feeds_[2].operands(), data_);
  }
  if (plan_.y.lut) {
    (plan_.is_float() ? sdp_lut_float : sdp_lut)(lut_, data_, counters_.lut);
  }
}

/// Leaves the output elements in the low bits of the lanes.
void SdpWorker::convert_output() {
  if (plan_.is_float()) {
    target_.narrow_float(data_);
    for (int32_t& lane : plan_.out == Precision::kInt16 ? data_ : std::span<int32_t>()) {
      lane = num::fp16_to_int16(static_cast<uint32_t>(lane));
    }
  } else {
    if (plan_.count_saturation && plan_.out != Precision::kFp16) {
      counters_.out_saturation += sdp_count_saturated(plan_.out_converter, data_);
    }
    constexpr int kConverterBits = 17;
    target_.convert(plan_.out_converter, plan_.out == Precision::kInt8 ? 8 : (plan_.out == Precision::kInt16 ? 16 : kConverterBits),
                    data_);
    for (int32_t& lane : plan_.out == Precision::kFp16 ? data_ : std::span<int32_t>()) {
      lane = static_cast<int32_t>(num::int_to_fp16(lane));
    }
  }
  if (plan_.out != Precision::kFp16 || !(plan_.count_saturation || plan_.count_nan_outputs)) {
    return;
  }
  for (const int32_t lane : data_) {
    const auto bits = static_cast<uint32_t>(lane);
    counters_.out_saturation += plan_.count_saturation && (bits & 0x7fff) == Fp16::kLargest ? 1 : 0;
    counters_.nan_outputs += plan_.count_nan_outputs && Fp16::is_nan(bits) ? 1 : 0;
  }
}

void SdpWorker::store(const SdpLine& line, size_t x, size_t atoms) const {
  const size_t atom = plan_.destination.atom;
  const auto lanes = static_cast<size_t>(plan_.lanes);
  const auto parts = static_cast<size_t>(plan_.out_parts());
  if (parts == 1) {
    (plan_.out == Precision::kInt8 ? target_.store8 : target_.store16)(data_, line.out[0] + x * atom);
    return;
  }
  for (size_t a = 0; a < atoms * parts; ++a) {
    target_.store16(data_.subspan(a * (lanes / 2), lanes / 2), line.out[a % 2] + (x + a / 2) * atom);
  }
}

void SdpWorker::run_chain(const SdpLine& line) {
  const auto lanes = static_cast<size_t>(plan_.lanes);
  const size_t span_atoms = kSdpSpan / lanes;
  const std::array<const SdpOperandSource*, 2> sources = {&plan_.x1_source, &plan_.x2_source};
  const size_t element = plan_.out == Precision::kInt8 ? 1 : 2;
  for (size_t x = 0; x < line.atoms; x += span_atoms) {
    const size_t atoms = std::min(span_atoms, line.atoms - x);
    data_ = std::span<int32_t>(buffer_.data(), atoms * lanes);
    for (size_t i = 0; i < sources.size(); ++i) {
      const uint8_t* bytes = line.operand[i];
      feeds_[i].load(bytes == nullptr ? nullptr : bytes + x * sources[i]->cube.atom, data_.size());
    }
    const int32_t* from = line.conv == nullptr ? data_.data() : line.conv + x * lanes;
    if (line.conv == nullptr) {
      load(line, x, atoms);
    }
    target_.chain(*chain_, from, data_.size(), line.out[0] + x * lanes * element);
  }
}

void SdpWorker::run_line(const SdpLine& line) {
  if (chain_ != nullptr) {
    run_chain(line);
    return;
  }
  const auto lanes = static_cast<size_t>(plan_.lanes);
  const size_t span_atoms = kSdpSpan / lanes;
  const std::array<const SdpOperandSource*, 3> sources = {&plan_.x1_source, &plan_.x2_source, &plan_.y_source};
  for (size_t x = 0; x < line.atoms; x += span_atoms) {
    const size_t atoms = std::min(span_atoms, line.atoms - x);
    data_ = std::span<int32_t>(buffer_.data(), atoms * lanes);
    load(line, x, atoms);
    for (size_t i = 0; i < feeds_.size(); ++i) {
      const uint8_t* bytes = line.operand[i];
      feeds_[i].load(bytes == nullptr ? nullptr : bytes + x * sources[i]->cube.atom, data_.size());
    }
    compute();
    if (line.out[0] == nullptr) {
      counters_.unequal = counters_.unequal ||
                          std::any_of(data_.begin(), data_.end(), [](int32_t lane) { return static_cast<int16_t>(lane) != 0; });
      continue;
    }
    convert_output();
    store(line, x, atoms);
  }
}

}  // namespace medlar::chip
