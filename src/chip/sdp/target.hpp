// SPDX-License-Identifier: Apache-2.0
// The loops over lanes of SDP, behind one seam: with the machine's vector unit, and plain (the reference).
#pragma once

#include <string_view>

#include "chip/sdp/chain.hpp"
#include "chip/sdp/stages.hpp"

namespace medlar::chip {

/// Counts of lanes are multiples of eight.
struct SdpTarget {
  using Stage = void (*)(const SdpStage&, const SdpOperands&, std::span<int32_t>);

  std::string_view name;
  void (*load8)(const uint8_t* from, std::span<int32_t> lanes) = nullptr;   ///< Sign-extends bytes.
  void (*load16)(const uint8_t* from, std::span<int32_t> lanes) = nullptr;  ///< Sign-extends 16-bit elements.
  void (*store8)(std::span<const int32_t> lanes, uint8_t* to) = nullptr;    ///< Values in range.
  void (*store16)(std::span<const int32_t> lanes, uint8_t* to) = nullptr;   ///< Low halves.
  Stage x_stage = nullptr;
  Stage y_stage = nullptr;
  Stage x_stage_float = nullptr;
  Stage y_stage_float = nullptr;
  /// (x - offset) * scale, shifted, rounded, limited to `bits`.
  void (*convert)(const num::Converter&, int bits, std::span<int32_t> lanes) = nullptr;
  void (*widen_float)(bool flush_nan, std::span<int32_t> lanes) = nullptr;  ///< FP16 in the low halves to FP32.
  /// One pass for chains (sdp/chain.hpp); null: stage by stage.
  SdpChainRun chain = nullptr;
  void (*narrow_float)(std::span<int32_t> lanes) = nullptr;                 ///< FP32 to FP16 in the low halves.
};

/// Plain loops.
const SdpTarget& scalar_sdp_target();
/// Highway's target `bit` (hwy/targets.h).
SdpTarget vector_sdp_target(int64_t bit, std::string_view name);

}  // namespace medlar::chip
