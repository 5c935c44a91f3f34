// SPDX-License-Identifier: Apache-2.0
// The integer roundings of the data path: shift right with halves away from zero, saturating left shift, saturation.
#pragma once

#include <cstdint>
#include <limits>

namespace medlar::num {

/// Largest and smallest value of a signed number of `bits` bits, 2 <= bits <= 64.
constexpr int64_t signed_max(int bits) { return static_cast<int64_t>((uint64_t{1} << (bits - 1)) - 1); }
constexpr int64_t signed_min(int bits) { return -signed_max(bits) - 1; }

/// `value` limited to a signed number of `bits` bits.
constexpr int64_t saturate(int64_t value, int bits) {
  const int64_t high = signed_max(bits);
  const int64_t low = signed_min(bits);
  return value > high ? high : (value < low ? low : value);
}

/// value / 2^shift, rounded to nearest with halves away from zero; any shift is defined.
constexpr int64_t shift_round(int64_t value, uint32_t shift) {
  if (shift == 0) {
    return value;
  }
  if (shift > 64) {
    return 0;
  }
  const bool negative = value < 0;
  const uint64_t magnitude = negative ? ~static_cast<uint64_t>(value) + 1 : static_cast<uint64_t>(value);
  const auto rounded = static_cast<int64_t>(((magnitude >> (shift - 1)) + 1) >> 1);
  return negative ? -rounded : rounded;
}

/// The rule of every converter and truncation in the chip: shift_round, then saturate.
constexpr int64_t shift_round_saturate(int64_t value, uint32_t shift, int bits) {
  return saturate(shift_round(value, shift), bits);
}

/// shift_round for values of at most 62 bits and shifts below 63, without branches: for loops over lanes.
constexpr int64_t shift_round_narrow(int64_t value, uint32_t shift) {
  const int64_t half = static_cast<int64_t>((uint64_t{1} << shift) >> 1);
  const int64_t sign = (value >> 63) & (shift != 0 ? -1 : 0);
  return (value + half + sign) >> shift;
}

/// value * 2^shift limited to `bits` bits; the value has at most 32 bits.
constexpr int64_t shift_left_saturate(int64_t value, uint32_t shift, int bits) {
  if (value == 0) {
    return 0;
  }
  if (shift >= 31) {
    return value > 0 ? signed_max(bits) : signed_min(bits);
  }
  return saturate(static_cast<int64_t>(static_cast<uint64_t>(value) << shift), bits);
}

/// Sign extension of the low `bits` bits.
constexpr int64_t sign_extend(uint64_t value, int bits) {
  const int unused = 64 - bits;
  return static_cast<int64_t>(value << unused) >> unused;
}

}  // namespace medlar::num
