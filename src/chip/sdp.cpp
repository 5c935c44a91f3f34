// SPDX-License-Identifier: Apache-2.0
// SDP: walks the cube in spans of up to kSdpSpan lanes and sends each through the stages.
#include "chip/sdp.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/checked.hpp"
#include "chip/sdp_operands.hpp"
#include "chip/sdp_plan.hpp"
#include "num/float_convert.hpp"

namespace medlar::chip {
namespace {

using hw::Precision;
using num::Fp16;
using num::Fp32;

/// A span of atoms of one line.
struct Position {
  int batch = 0;
  int surface = 0;
  int y = 0;
  int x = 0;
  int atoms = 0;
};

class SdpRun {
 public:
  SdpRun(const SdpPlan& plan, const SdpOperation& operation, MemoryPort& memory, PackedCube* to_pdp)
      : plan_(plan),
        operation_(operation),
        to_pdp_(to_pdp),
        lut_(operation.lut, *operation.tables),
        readers_{DmaReader(memory, plan.source.ram), DmaReader(memory, plan.source.ram)},
        writers_{DmaWriter(memory, plan.destination.ram), DmaWriter(memory, plan.destination.ram)},
        x1_(SdpOperandFeed::Kind::kX, plan.x1, plan.x1_source, plan, memory),
        x2_(SdpOperandFeed::Kind::kX, plan.x2, plan.x2_source, plan, memory),
        y_(SdpOperandFeed::Kind::kY, plan.y, plan.y_source, plan, memory) {}

  Status run();
  const SdpCounters& counters() const { return counters_; }

 private:
  Status run_line(int surface, int y);
  Status run_span(const Position& at);
  Status load(const Position& at);
  void load_part(std::span<const uint8_t> bytes, int part, const Position& at);
  void flush_nan_inputs();
  void compute();
  void convert_output();
  Status store(const Position& at);
  void store_part(std::span<uint8_t> bytes, int part, const Position& at) const;

  size_t lanes() const { return static_cast<size_t>(plan_.lanes); }

  const SdpPlan& plan_;
  const SdpOperation& operation_;
  PackedCube* to_pdp_;
  num::SdpLut lut_;
  std::array<DmaReader, 2> readers_;
  std::array<DmaWriter, 2> writers_;
  SdpOperandFeed x1_;
  SdpOperandFeed x2_;
  SdpOperandFeed y_;
  SdpCounters counters_;
  std::array<int32_t, kSdpSpan> buffer_{};
  std::span<int32_t> data_;
};

void SdpRun::load_part(std::span<const uint8_t> bytes, int part, const Position& at) {
  const size_t atom_lanes = lanes() / static_cast<size_t>(plan_.in_parts());
  if (plan_.in == Precision::kInt8) {
    for (size_t i = 0; i < data_.size(); ++i) {
      data_[i] = static_cast<int8_t>(bytes[i]);
    }
    return;
  }
  for (size_t a = 0; a < static_cast<size_t>(at.atoms); ++a) {
    const uint8_t* from = bytes.data() + a * atom_lanes * 2;
    int32_t* to = data_.data() + a * lanes() + static_cast<size_t>(part) * atom_lanes;
    for (size_t i = 0; i < atom_lanes; ++i) {
      to[i] = load_le<int16_t>(from + 2 * i);
    }
  }
}

Status SdpRun::load(const Position& at) {
  if (plan_.flying) {
    const AccCube& conv = *operation_.conv;
    const size_t line = (static_cast<size_t>(at.batch) * static_cast<size_t>(plan_.surfaces) + static_cast<size_t>(at.surface)) *
                            static_cast<size_t>(plan_.h) + static_cast<size_t>(at.y);
    const size_t first = (line * static_cast<size_t>(plan_.w) + static_cast<size_t>(at.x)) * lanes();
    std::copy_n(conv.data.data() + first, data_.size(), data_.data());
    return {};
  }
  const int parts = plan_.in_parts();
  for (int part = 0; part < parts; ++part) {
    const uint64_t address = plan_.source.row(at.surface * parts + part, at.y) + uint64_t{plan_.source.atom} * static_cast<uint64_t>(at.x);
    const uint64_t size = uint64_t{plan_.source.atom} * static_cast<uint64_t>(at.atoms);
    MEDLAR_ASSIGN(const auto bytes, readers_[static_cast<size_t>(part)].fetch(address, size));
    load_part(bytes, part, at);
  }
  if (plan_.count_nan_inf_inputs) {
    for (const int32_t lane : data_) {
      counters_.nan_inputs += Fp16::is_nan(static_cast<uint16_t>(lane)) ? 1 : 0;
      counters_.inf_inputs += Fp16::is_infinity(static_cast<uint16_t>(lane)) ? 1 : 0;
    }
  }
  if (plan_.is_float()) {
    sdp_widen_float(false, data_);
  }
  return {};
}

void SdpRun::flush_nan_inputs() {
  for (int32_t& lane : data_) {
    lane = Fp32::is_nan(static_cast<uint32_t>(lane)) ? 0 : lane;
  }
}

void SdpRun::compute() {
  if (plan_.is_float() && plan_.flush_nan) {
    flush_nan_inputs();
  }
  const auto x_stage = plan_.is_float() ? sdp_x_stage_float : sdp_x_stage;
  if (plan_.x1.on) {
    x_stage(plan_.x1, x1_.operands(), data_);
  }
  if (plan_.x2.on) {
    x_stage(plan_.x2, x2_.operands(), data_);
  }
  if (plan_.y.on) {
    (plan_.is_float() ? sdp_y_stage_float : sdp_y_stage)(plan_.y, y_.operands(), data_);
  }
  if (plan_.y.lut) {
    (plan_.is_float() ? sdp_lut_float : sdp_lut)(lut_, data_, counters_.lut);
  }
}

/// Leaves the output elements in the low bits of the lanes.
void SdpRun::convert_output() {
  if (plan_.is_float()) {
    for (int32_t& lane : data_) {
      const uint32_t half = num::fp32_to_fp16(static_cast<uint32_t>(lane));
      lane = plan_.out == Precision::kInt16 ? num::fp16_to_int16(half) : static_cast<int32_t>(half);
    }
  } else {
    const bool count = plan_.count_saturation && plan_.out != Precision::kFp16;
    sdp_convert(plan_.out_converter, data_, count ? &counters_.out_saturation : nullptr);
    const int bits = plan_.out == Precision::kInt8 ? 8 : 16;
    for (int32_t& lane : data_) {
      lane = plan_.out == Precision::kFp16 ? static_cast<int32_t>(num::int_to_fp16(lane))
                                           : static_cast<int32_t>(num::saturate(lane, bits));
    }
  }
  if (plan_.out != Precision::kFp16) {
    return;
  }
  for (const int32_t lane : data_) {
    const auto bits = static_cast<uint32_t>(lane);
    counters_.out_saturation += plan_.count_saturation && (bits & 0x7fff) == Fp16::kLargest ? 1 : 0;
    counters_.nan_outputs += plan_.count_nan_outputs && Fp16::is_nan(bits) ? 1 : 0;
  }
}

void SdpRun::store_part(std::span<uint8_t> bytes, int part, const Position& at) const {
  if (plan_.out == Precision::kInt8) {
    for (size_t i = 0; i < data_.size(); ++i) {
      bytes[i] = static_cast<uint8_t>(data_[i]);
    }
    return;
  }
  const size_t atom_lanes = lanes() / static_cast<size_t>(plan_.out_parts());
  for (size_t a = 0; a < static_cast<size_t>(at.atoms); ++a) {
    uint8_t* to = bytes.data() + a * atom_lanes * 2;
    const int32_t* from = data_.data() + a * lanes() + static_cast<size_t>(part) * atom_lanes;
    for (size_t i = 0; i < atom_lanes; ++i) {
      store_le(to + 2 * i, static_cast<uint16_t>(from[i]));
    }
  }
}

Status SdpRun::store(const Position& at) {
  const int parts = plan_.out_parts();
  const uint32_t atom = plan_.destination.atom;
  const size_t size = static_cast<size_t>(at.atoms) * atom;
  for (int part = 0; part < parts; ++part) {
    const int surface = at.surface * parts + part;
    if (plan_.to_pdp) {
      const size_t offset = to_pdp_->row_offset(surface, at.y) + static_cast<size_t>(at.x) * atom;
      store_part(std::span(to_pdp_->bytes).subspan(offset, size), part, at);
      continue;
    }
    const uint64_t address = plan_.destination.row(surface, at.y) + uint64_t{atom} * static_cast<uint64_t>(at.x) +
                             uint64_t{plan_.batch_stride} * static_cast<uint64_t>(at.batch);
    DmaWriter& writer = writers_[static_cast<size_t>(part)];
    MEDLAR_ASSIGN(const auto bytes, writer.open(address, size));
    store_part(bytes, part, at);
    MEDLAR_TRY(writer.commit());
  }
  return {};
}

Status SdpRun::run_span(const Position& at) {
  data_ = std::span<int32_t>(buffer_.data(), static_cast<size_t>(at.atoms) * lanes());
  MEDLAR_TRY(load(at));
  MEDLAR_TRY(x1_.load(at.surface, at.y, at.x, at.atoms));
  MEDLAR_TRY(x2_.load(at.surface, at.y, at.x, at.atoms));
  MEDLAR_TRY(y_.load(at.surface, at.y, at.x, at.atoms));
  compute();
  if (plan_.compare) {
    for (const int32_t lane : data_) {
      counters_.unequal = counters_.unequal || static_cast<int16_t>(lane) != 0;
    }
    return {};
  }
  convert_output();
  return store(at);
}

Status SdpRun::run_line(int surface, int y) {
  const int span_atoms = static_cast<int>(kSdpSpan / lanes());
  for (int batch = 0; batch < plan_.batches; ++batch) {
    for (int x = 0; x < plan_.w; x += span_atoms) {
      MEDLAR_TRY(run_span({batch, surface, y, x, std::min(span_atoms, plan_.w - x)}));
    }
  }
  return {};
}

Status SdpRun::run() {
  for (int surface = 0; surface < plan_.surfaces; ++surface) {
    MEDLAR_TRY(x1_.start_surface(surface));
    MEDLAR_TRY(x2_.start_surface(surface));
    MEDLAR_TRY(y_.start_surface(surface));
    for (int y = 0; y < plan_.h; ++y) {
      MEDLAR_TRY(run_line(surface, y));
    }
  }
  return {};
}

}  // namespace

Result<SdpCounters> run_sdp(const hw::HwConfig& config, const SdpOperation& operation, MemoryPort& memory,
                            PackedCube* to_pdp) {
  MEDLAR_ASSIGN(const SdpPlan plan, plan_sdp(config, operation));
  if (plan.to_pdp) {
    const int surfaces = plan.surfaces * plan.out_parts();
    *to_pdp = {plan.w, plan.h, plan.c, surfaces, config.memory_atom, static_cast<uint32_t>(plan.out), {}};
    to_pdp->bytes.resize(to_pdp->row_offset(surfaces, 0));
  }
  SdpRun run(plan, operation, memory, to_pdp);
  MEDLAR_TRY(run.run());
  return run.counters();
}

}  // namespace medlar::chip
