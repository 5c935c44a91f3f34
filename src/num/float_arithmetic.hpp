// SPDX-License-Identifier: Apache-2.0
// Addition, multiplication and comparison as the chip does them: round to nearest even, results below the normal range
// become zero with their sign, results above it the largest finite number, the first NaN operand passes through.
#pragma once

#include "num/float_format.hpp"

namespace medlar::num {

namespace detail {

/// Rounds a significand with its leading one at bit kTop and packs it; `drop` bits go.
template <typename F>
constexpr uint32_t round_and_pack(uint32_t sign, uint32_t exponent, uint64_t significand, int drop) {
  const uint64_t rounded = round_even(significand, drop);
  if ((rounded >> (F::kMantissaBits + 1)) == 0) {
    return F::pack(sign, exponent, static_cast<uint32_t>(rounded) & F::kMantissaMask);
  }
  return exponent < F::kExponentMax - 1 ? F::pack(sign, exponent + 1, 0) : sign | F::kLargest;
}

}  // namespace detail

template <typename F>
constexpr uint32_t float_add(uint32_t a, uint32_t b) {
  if (F::is_nan(a) || F::is_nan(b)) {
    return F::is_nan(a) ? a : b;
  }
  constexpr int kExtra = F::kMantissaBits + 2;                // Bits below the mantissa that the adder keeps.
  constexpr int kWidth = kExtra + F::kMantissaBits + 1;       // Width of the adder without its carry.
  const bool a_larger = (a & ~F::kSignMask) >= (b & ~F::kSignMask);
  const uint32_t large = a_larger ? a : b;
  const uint32_t small = a_larger ? b : a;
  const uint32_t sign = F::sign(large);
  uint32_t exponent = F::exponent(large);
  const uint32_t distance = exponent - F::exponent(small);
  const uint64_t addend = F::significand(small) << kExtra;
  const uint64_t aligned = distance > kWidth ? 0 : addend >> distance;
  const uint64_t base = F::significand(large) << kExtra;
  uint64_t sum = sign == F::sign(small) ? base + aligned : base - aligned;
  if ((sum >> kWidth) != 0) {
    if (exponent >= F::kExponentMax - 1) {
      return sign | F::kLargest;
    }
    return detail::round_and_pack<F>(sign, exponent + 1, sum >> 1, kExtra);
  }
  const auto zeros = static_cast<uint32_t>(std::countl_zero(sum) - (64 - kWidth));
  if (sum == 0 || exponent <= zeros) {
    return sign;
  }
  exponent -= zeros;
  return detail::round_and_pack<F>(sign, exponent, sum << zeros, kExtra);
}

template <typename F>
constexpr uint32_t float_subtract(uint32_t a, uint32_t b) {
  return float_add<F>(a, b ^ F::kSignMask);
}

template <typename F>
constexpr uint32_t float_multiply(uint32_t a, uint32_t b) {
  if (F::is_nan(a) || F::is_nan(b)) {
    return F::is_nan(a) ? a : b;
  }
  const uint32_t sign = F::sign(a) ^ F::sign(b);
  const uint32_t exponents = F::exponent(a) + F::exponent(b);
  if (F::is_zero(a) || F::is_zero(b) || exponents < F::kBias) {
    return sign;
  }
  if (exponents >= F::kExponentMax + F::kBias) {
    return sign | F::kLargest;
  }
  uint32_t exponent = exponents - F::kBias;
  uint64_t product = F::significand(a) * F::significand(b);
  constexpr int kTop = 2 * F::kMantissaBits + 1;
  if ((product >> kTop) != 0) {
    if (exponent >= F::kExponentMax - 1) {
      return sign | F::kLargest;
    }
    ++exponent;
  } else {
    product <<= 1;
  }
  const uint32_t packed = detail::round_and_pack<F>(sign, exponent, product, F::kMantissaBits + 1);
  return F::exponent(packed) == 0 ? sign : packed;
}

namespace detail {

/// True when a is strictly greater; of two equal magnitudes with one sign, b counts as greater among the positive.
template <typename F>
constexpr bool greater(uint32_t a, uint32_t b) {
  const bool magnitude = (a & ~F::kSignMask) > (b & ~F::kSignMask);
  const bool a_positive = F::sign(a) == 0;
  const bool b_positive = F::sign(b) == 0;
  if (a_positive != b_positive) {
    return a_positive;
  }
  return a_positive == magnitude;
}

}  // namespace detail

template <typename F>
constexpr uint32_t float_max(uint32_t a, uint32_t b) {
  if (F::is_nan(a) || F::is_nan(b)) {
    return F::is_nan(a) ? a : b;
  }
  return detail::greater<F>(a, b) ? a : b;
}

template <typename F>
constexpr uint32_t float_min(uint32_t a, uint32_t b) {
  if (F::is_nan(a) || F::is_nan(b)) {
    return F::is_nan(a) ? a : b;
  }
  return detail::greater<F>(a, b) ? b : a;
}

/// max(0, a); NaN passes.
template <typename F>
constexpr uint32_t float_relu(uint32_t a) {
  return F::is_nan(a) || F::sign(a) == 0 ? a : 0;
}

}  // namespace medlar::num
