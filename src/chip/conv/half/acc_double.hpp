// SPDX-License-Identifier: Apache-2.0
// CACC's FP16 accumulator as a double: 39 bits and a sign, always normalised, halves rounded away from zero. Atoms are
// multiples of 2^-50 and no sum reaches 2^64, so that exponents wrap in neither form.
//
// Adding an atom (num::fp_acc_add) is then: add, cut to 53 bits towards zero, round to 39. What the cut drops lies below the
// half that rounding looks at. NaN travels as a double's NaN, its fraction below the quiet bit.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "num/fp_mac.hpp"

namespace medlar::chip {

inline constexpr int kAccDropped = 14;  ///< Bits of a double's fraction beyond the accumulator's.
inline constexpr int64_t kAccHalf = int64_t{1} << (kAccDropped - 1);
inline constexpr int64_t kAccKept = -(int64_t{1} << kAccDropped);
inline constexpr int kFloatDropped = 29;  ///< Bits beyond FP32's, which is delivered.
inline constexpr int64_t kFloatHalf = int64_t{1} << (kFloatDropped - 1);
inline constexpr int64_t kFloatKept = -(int64_t{1} << kFloatDropped);

inline constexpr int kNanFraction = 41;  ///< Place of a half's fraction in the double.
inline constexpr uint64_t kQuietNan = uint64_t{0x7ff8} << 48;

inline num::FpAcc acc_of(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  if (std::isnan(value)) {
    const int64_t sign = bits >> 63 != 0 ? -(int64_t{1} << 39) : 0;
    return {.mantissa = sign + (static_cast<int64_t>(bits >> kNanFraction & 0x3ff) << 29), .exponent = num::kFpAccNan};
  }
  if (value == 0) {
    return {};
  }
  int exponent = 0;
  const auto mantissa = static_cast<int64_t>(std::ldexp(std::frexp(value, &exponent), 39));
  const bool lowest = mantissa == -(int64_t{1} << 38);  // one more bit on the negative side
  return {.mantissa = lowest ? mantissa * 2 : mantissa, .exponent = static_cast<uint32_t>(exponent + 62 - (lowest ? 1 : 0))};
}

inline double double_of(const num::FpAcc& acc) {
  if (acc.exponent == num::kFpAccNan) {
    const uint64_t sign = acc.mantissa < 0 ? uint64_t{1} << 63 : 0;
    return std::bit_cast<double>(sign | kQuietNan | static_cast<uint64_t>(acc.mantissa >> 29 & 0x3ff) << kNanFraction);
  }
  return std::ldexp(static_cast<double>(acc.mantissa), static_cast<int>(acc.exponent) - 101);
}

/// FP32 bits as CACC delivers them.
inline uint32_t deliver_double(double value) { return num::fp_acc_to_float(acc_of(value)); }

}  // namespace medlar::chip
