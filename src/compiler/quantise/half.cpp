// SPDX-License-Identifier: Apache-2.0
// FP16 constants.
#include "compiler/quantise/half.hpp"

#include <algorithm>
#include <bit>

namespace medlar::compiler {

uint16_t to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  constexpr uint32_t kInfinity = 0x7f800000;
  if (magnitude > kInfinity) {
    return sign;
  }
  constexpr uint32_t kBias = 127;
  constexpr uint32_t kSmallestNormal = kBias - 14;
  constexpr uint32_t kNothingLeft = kBias - 26;
  const uint32_t exponent = magnitude >> 23;
  if (exponent < kNothingLeft) {
    return sign;
  }
  // Units of the 10-bit mantissa, halves to even; a carry into the exponent is right as it is.
  const uint32_t lost = 13 + (exponent < kSmallestNormal ? kSmallestNormal - exponent : 0);
  const uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
  const uint32_t odd = mantissa >> lost & 1;
  const uint32_t units = (mantissa + (1U << (lost - 1)) - 1 + odd) >> lost;
  const uint32_t half = exponent < kSmallestNormal ? units : ((exponent - kSmallestNormal) << 10) + units;
  constexpr uint32_t kLargest = 0x7bff;
  return static_cast<uint16_t>(sign | std::min(half, kLargest));
}

}  // namespace medlar::compiler
