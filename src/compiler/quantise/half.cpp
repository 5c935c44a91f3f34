// SPDX-License-Identifier: Apache-2.0
// FP16 constants.
#include "compiler/quantise/half.hpp"

#include <cmath>

namespace medlar::compiler {

uint16_t to_half(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(static_cast<double>(value));
  if (std::isnan(value) || magnitude == 0.0) {
    return sign;
  }
  constexpr double kLargest = 65504.0;
  if (magnitude >= kLargest) {
    return static_cast<uint16_t>(sign | 0x7bff);
  }
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude = f * 2^exponent, f in [0.5, 1)
  constexpr int kSmallestNormal = -13;  // 2^-14 = 0.5 * 2^-13
  const int step = std::max(exponent, kSmallestNormal) - 11;  // unit of the 10-bit mantissa
  // nearbyint rounds halves to even. A carry into the next exponent falls out of the addition below.
  const auto units = static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, -step)));
  if (units == 0) {
    return sign;
  }
  const uint32_t biased = units < 1024 ? 0 : static_cast<uint32_t>(step + 25 - 1);
  const uint32_t bits = (biased << 10) + units;
  return static_cast<uint16_t>(sign | (bits > 0x7bff ? 0x7bff : bits));
}

}  // namespace medlar::compiler
