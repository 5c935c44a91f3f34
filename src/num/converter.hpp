// SPDX-License-Identifier: Apache-2.0
// The converter that stands at the inputs and outputs of the units: (value - offset) * scale, shifted and saturated.
#pragma once

#include <cstdint>

#include "num/round.hpp"

namespace medlar::num {

/// Offsets are subtracted. The value must fit 33 bits after the subtraction, the scale 16 bits.
struct Converter {
  int64_t offset = 0;
  int64_t scale = 1;
  uint32_t shift = 0;

  constexpr int64_t exact(int64_t value) const { return (value - offset) * scale; }
  constexpr int64_t apply(int64_t value, int bits) const { return shift_round_saturate(exact(value), shift, bits); }
  /// What the saturation counters of the chip count: the result left its width by more than the rounding step.
  constexpr bool saturates(int64_t value, int bits) const {
    const int64_t floored = shift > 63 ? (exact(value) < 0 ? -1 : 0) : exact(value) >> shift;
    const int64_t distance = floored - apply(value, bits);
    return distance < -1 || distance > 1;
  }
};

}  // namespace medlar::num
