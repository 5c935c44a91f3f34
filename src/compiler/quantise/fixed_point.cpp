// SPDX-License-Identifier: Apache-2.0
// Fixed-point forms of SDP operands.
#include "compiler/quantise/fixed_point.hpp"

#include <algorithm>
#include <cmath>

namespace medlar::compiler {

int64_t round_away(double value) { return std::llround(value); }

std::optional<int> common_shift(double largest, int max_shift) {
  if (!std::isfinite(largest) || round_away(std::fabs(largest)) > kOperandMax) {
    return std::nullopt;
  }
  int shift = 0;
  while (shift < max_shift && std::ceil(std::ldexp(std::fabs(largest), shift + 1)) <= kOperandMax) {
    ++shift;
  }
  return shift;
}

std::optional<FixedFactor> fixed_factor(double factor, int max_shift) {
  const std::optional<int> shift = common_shift(factor, max_shift);
  if (!shift) {
    return std::nullopt;
  }
  FixedFactor fixed{.scale = static_cast<int32_t>(round_away(std::ldexp(factor, *shift))), .shift = *shift};
  while (fixed.shift > 0 && fixed.scale != 0 && fixed.scale % 2 == 0) {
    fixed.scale /= 2;
    --fixed.shift;
  }
  return fixed;
}

std::optional<FixedAddends> fixed_addends(std::span<const double> addends) {
  double largest = 0.0;
  for (const double addend : addends) {
    if (!std::isfinite(addend)) {
      return std::nullopt;
    }
    largest = std::max(largest, std::fabs(addend));
  }
  FixedAddends fixed;
  while (round_away(std::ldexp(largest, -fixed.shift)) > kOperandMax) {
    ++fixed.shift;
  }
  constexpr int kMaxShift = 16;  // a 16-bit operand fills the 32-bit stream
  if (fixed.shift > kMaxShift) {
    return std::nullopt;
  }
  for (const double addend : addends) {
    fixed.operands.push_back(static_cast<int32_t>(round_away(std::ldexp(addend, -fixed.shift))));
  }
  return fixed;
}

}  // namespace medlar::compiler
