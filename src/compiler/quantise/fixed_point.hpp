// SPDX-License-Identifier: Apache-2.0
// Real factors as 16-bit multipliers and shifts, and addends as 16-bit operands with a left shift.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace medlar::compiler {

inline constexpr int32_t kOperandMax = 32767;

/// factor = scale / 2^shift.
struct FixedFactor {
  int32_t scale = 1;
  int shift = 0;
};

/// The closest with scale in 2^14..2^15-1 (or an exact smaller one), shift at most `max_shift`. Nothing when the
/// factor is 32768 or more, or not finite.
std::optional<FixedFactor> fixed_factor(double factor, int max_shift);

/// Largest shift, at most `max_shift`, with largest * 2^shift within a 16-bit operand. Nothing when even 0 is too much.
std::optional<int> common_shift(double largest, int max_shift);

/// Addends rounded to operand * 2^shift with the smallest common shift. Nothing when they need more than 31 bits.
struct FixedAddends {
  std::vector<int32_t> operands;
  int shift = 0;
};
std::optional<FixedAddends> fixed_addends(std::span<const double> addends);

/// Round to nearest, halves away from zero, as the hardware does.
int64_t round_away(double value);

}  // namespace medlar::compiler
