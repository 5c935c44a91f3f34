// SPDX-License-Identifier: Apache-2.0
// The results of float_arithmetic.hpp by way of the host's FP32 unit, wherever operands and result are ordinary numbers;
// everything else goes to the exact functions. Bit patterns in and out.
#pragma once

#include <bit>

#include "num/float_arithmetic.hpp"
#include "num/float_convert.hpp"

namespace medlar::num {

namespace detail {

/// Neither zero or denormal nor close to the overflow; nor in the lowest binade, to which the host may have rounded a
/// denormal result.
constexpr bool is_plain_fp32(uint32_t bits) { return Fp32::exponent(bits) - 2 < Fp32::kExponentMax - 3; }
constexpr bool is_plain_fp17(uint32_t bits) { return Fp17::exponent(bits) - 1 < Fp17::kExponentMax - 2; }

constexpr uint32_t kFp17Offset = Fp32::kBias - Fp17::kBias;
constexpr int kFp17Drop = Fp32::kMantissaBits - Fp17::kMantissaBits;

/// A plain FP17 number as FP32.
constexpr float plain_fp17(uint32_t bits) {
  const uint32_t sign = (bits & Fp17::kSignMask) << 15;
  const uint32_t magnitude = ((bits & ~Fp17::kSignMask) << kFp17Drop) + (kFp17Offset << Fp32::kMantissaBits);
  return std::bit_cast<float>(sign | magnitude);
}

/// FP32 rounded to FP17 when that is plain. The exact sum or product of two FP17 numbers was rounded to FP32 before;
/// 24 bits are twice 11 and two more, so rounding twice gives what rounding once gives.
constexpr bool round_fp17(float value, uint32_t& out) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & ~Fp32::kSignMask;
  const uint32_t nudged = magnitude + ((1u << (kFp17Drop - 1)) - 1) + ((magnitude >> kFp17Drop) & 1);
  out = ((nudged - (kFp17Offset << Fp32::kMantissaBits)) >> kFp17Drop) | ((bits & Fp32::kSignMask) >> 15);
  const uint32_t exponent = nudged >> Fp32::kMantissaBits;
  return exponent - (kFp17Offset + 1) < Fp17::kExponentMax - 2;
}

}  // namespace detail

inline uint32_t fp32_add(uint32_t a, uint32_t b) {
  const auto sum = std::bit_cast<uint32_t>(std::bit_cast<float>(a) + std::bit_cast<float>(b));
  const bool plain = detail::is_plain_fp32(a) && detail::is_plain_fp32(b) && detail::is_plain_fp32(sum);
  return plain ? sum : float_add<Fp32>(a, b);
}

inline uint32_t fp32_subtract(uint32_t a, uint32_t b) { return fp32_add(a, b ^ Fp32::kSignMask); }

inline uint32_t fp32_multiply(uint32_t a, uint32_t b) {
  const auto product = std::bit_cast<uint32_t>(std::bit_cast<float>(a) * std::bit_cast<float>(b));
  const bool plain = detail::is_plain_fp32(a) && detail::is_plain_fp32(b) && detail::is_plain_fp32(product);
  return plain ? product : float_multiply<Fp32>(a, b);
}

inline uint32_t fp17_add(uint32_t a, uint32_t b) {
  uint32_t sum = 0;
  const bool plain = detail::is_plain_fp17(a) && detail::is_plain_fp17(b) &&
                     detail::round_fp17(detail::plain_fp17(a) + detail::plain_fp17(b), sum);
  return plain ? sum : float_add<Fp17>(a, b);
}

inline uint32_t fp17_multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  const bool plain = detail::is_plain_fp17(a) && detail::is_plain_fp17(b) &&
                     detail::round_fp17(detail::plain_fp17(a) * detail::plain_fp17(b), product);
  return plain ? product : float_multiply<Fp17>(a, b);
}

}  // namespace medlar::num
