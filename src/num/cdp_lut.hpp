// SPDX-License-Identifier: Apache-2.0
// CDP's table look-up: the rounded difference term is added to the lower entry (SDP rounds differently).
#pragma once

#include "num/lut.hpp"

namespace medlar::num {

class CdpLut {
 public:
  /// Both must outlive the object. The start, end and index-select settings are those of CDP's 38-bit inputs.
  CdpLut(const LutSettings& settings, const LutTables& tables) : settings_(settings), tables_(tables) {}

  int32_t look_up(int64_t x, LutCounters& counters) const;
  /// FP32 bits in, FP17 bits out.
  uint32_t look_up_float(uint32_t x, LutCounters& counters) const;

 private:
  struct Answer {
    LutHit hit = LutHit::kHit;
    int64_t value = 0;
  };
  Answer exponential(int64_t x) const;
  Answer linear(int64_t x, const LutRange& range, bool is_le) const;
  Answer table_float(uint32_t x, bool is_le) const;
  int64_t choose(const Answer& le, const Answer& lo, LutCounters& counters) const;

  const LutSettings& settings_;
  const LutTables& tables_;
};

}  // namespace medlar::num
