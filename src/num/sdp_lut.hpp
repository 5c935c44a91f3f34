// SPDX-License-Identifier: Apache-2.0
// SDP's table look-up: one rounding of the weighted sum of two entries (CDP rounds differently).
#pragma once

#include "num/lut.hpp"

namespace medlar::num {

class SdpLut {
 public:
  /// Both must outlive the object.
  SdpLut(const LutSettings& settings, const LutTables& tables) : settings_(settings), tables_(tables) {}

  int32_t look_up(int32_t x, LutCounters& counters) const;
  /// FP32 bits in and out; the interpolation itself runs in FP17.
  uint32_t look_up_float(uint32_t x, LutCounters& counters) const;

 private:
  struct Found {
    LutHit hit = LutHit::kHit;
    int index = 0;
    uint64_t fraction = 0;  ///< Of 2^35.
  };
  Found find_exponential(int32_t x) const;
  Found find_linear(int32_t x, const LutRange& range, bool is_le) const;
  Found find_exponential_float(uint32_t x) const;
  Found find_linear_float(uint32_t x, const LutRange& range, int last) const;
  /// Applies the priorities: true for the LO table. Counts.
  bool choose_lo(const Found& le, const Found& lo, LutCounters& counters) const;

  const LutSettings& settings_;
  const LutTables& tables_;
};

}  // namespace medlar::num
