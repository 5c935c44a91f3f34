// SPDX-License-Identifier: Apache-2.0
// The stages that quantised layers use most, in one pass over the lanes without going through memory between
// them: X1 and X2 as sum, multiplier and ReLU, then the output converter, then 8 or 16 bits.
#pragma once

#include "chip/sdp/plan.hpp"
#include "chip/sdp/stages.hpp"

#include <array>

namespace medlar::chip {

/// One X stage: (x + alu) * mul, rounded, limited. Operands come once an atom, as doubles that hold them
/// exactly, or one a lane.
struct SdpChainStage {
  bool on = false;
  bool relu = false;
  double scale = 1;                    ///< 2^-shift, for multipliers of a lane.
  const int32_t* alu_lanes = nullptr;  ///< Null: `alu`.
  const int32_t* mul_lanes = nullptr;  ///< Null: `mul`.
  std::array<double, 32> alu{};        ///< Zero without an ALU.
  std::array<double, 32> mul{};        ///< The shift included; only the shift without a multiplier.
  /// The same as integers and floats, when `x + alu` stays in 32 bits for every x that can come.
  bool fits_word = false;
  bool bounded = false;  ///< Nor can the stage's result leave them.
  std::array<int32_t, 32> alu_word{};
  std::array<float, 32> mul_float{};
};

struct SdpChain {
  std::array<SdpChainStage, 2> stages;
  bool convert = false;  ///< The output converter does something.
  double offset = 0;
  double scale = 1;   ///< The shift included.
  int lanes = 32;     ///< Of an atom: 8, 16 or 32.
  int used = 32;      ///< Lanes of an atom that can hold other inputs than zero.
  bool wide = false;  ///< 16-bit output.
  int64_t bound = int64_t{1} << 31;  ///< No input is larger in magnitude.
};

/// True when the plan is such a chain: integers, no counters, one part in and out.
bool sdp_is_chain(const SdpPlan& plan);
/// Settings of the chain; operands of registers included, those of memory by set_chain_operands.
SdpChain make_sdp_chain(const SdpPlan& plan);
/// Takes the operands of stage `index`: `per_lane` as they lie, else those of one atom.
void set_chain_operands(const SdpStage& stage, const SdpOperands& operands, bool per_lane, size_t index, SdpChain& chain);

using SdpChainRun = void (*)(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to);
/// Of Highway's target `bit`.
SdpChainRun vector_sdp_chain(int64_t bit);
/// With AVX-512 for 8-bit output and atoms of 32 lanes; other chains go to run_sdp_chain.
void run_sdp_chain_avx512(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to);

/// With the best vector unit of the machine. `count` lanes, a multiple of `lanes`. `to` gets count elements.
void run_sdp_chain(const SdpChain& chain, const int32_t* from, size_t count, uint8_t* to);

}  // namespace medlar::chip
