// SPDX-License-Identifier: Apache-2.0
// The pair of look-up tables of SDP and CDP: contents, settings and counters as numbers, without registers.
#pragma once

#include <array>
#include <cstdint>

namespace medlar::num {

inline constexpr int kLeEntries = 65;   ///< Exponential or linear table.
inline constexpr int kLoEntries = 257;  ///< Linear table.

struct LutTables {
  std::array<int16_t, kLeEntries> le{};
  std::array<int16_t, kLoEntries> lo{};
};

/// What lies beyond an end of a table: a line of this slope. FP16 uses the scale as FP16 bits and no shift.
struct LutSlope {
  int16_t scale = 0;
  int8_t shift = 0;  ///< Signed 5-bit number; negative shifts left.
};

struct LutRange {
  int64_t start = 0;     ///< FP16 processing: FP32 bits.
  int64_t end = 0;
  int index_select = 0;  ///< log2 of the distance of two entries.
  LutSlope underflow;
  LutSlope overflow;
};

struct LutSettings {
  bool le_exponential = false;
  int le_index_offset = 0;
  bool underflow_selects_lo = false;  ///< Which table answers when both underflow, overflow, or neither alone hits.
  bool overflow_selects_lo = false;
  bool hybrid_selects_lo = false;
  LutRange le;
  LutRange lo;
};

struct LutCounters {
  uint64_t underflow = 0;
  uint64_t overflow = 0;
  uint64_t hybrid = 0;
  uint64_t le_hit = 0;
  uint64_t lo_hit = 0;
};

/// Where an input falls in one table.
enum class LutHit : uint8_t { kHit, kUnderflow, kOverflow };

}  // namespace medlar::num
