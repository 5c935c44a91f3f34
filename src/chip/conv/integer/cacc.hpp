// SPDX-License-Identifier: Apache-2.0
// CACC's integer side: the 48-bit accumulator and its delivery in 32 bits.
#pragma once

#include <algorithm>
#include <cstdint>

namespace medlar::chip {

inline constexpr int64_t kCaccMax = (int64_t{1} << 47) - 1;
inline constexpr int64_t kCaccMin = -(int64_t{1} << 47);

/// Adds one atom's sum; saturates.
constexpr int64_t cacc_add(int64_t sum, int64_t atom) { return std::clamp(sum + atom, kCaccMin, kCaccMax); }

/// Rounding right shift, halves away from zero, saturated to 32 bits.
constexpr int32_t cacc_deliver(int64_t sum, uint32_t truncate) {
  if (truncate > 0) {
    const int64_t half = int64_t{1} << (truncate - 1);
    sum = (sum + half - (sum < 0 ? 1 : 0)) >> truncate;
  }
  return static_cast<int32_t>(std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX));
}

}  // namespace medlar::chip
