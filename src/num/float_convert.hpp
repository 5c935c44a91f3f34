// SPDX-License-Identifier: Apache-2.0
// Conversions between the chip's floating point formats and integers.
#pragma once

#include "num/float_format.hpp"
#include "num/round.hpp"

namespace medlar::num {

namespace detail {

enum class Denormals : uint8_t { kKeep, kFlush };

/// To a format that holds every value of the source. An infinity becomes the largest number of the target.
template <typename From, typename To>
constexpr uint32_t widen(uint32_t bits) {
  constexpr uint32_t kExponentOffset = To::kBias - From::kBias;
  constexpr int kShift = To::kMantissaBits - From::kMantissaBits;
  const uint32_t sign = From::sign(bits) != 0 ? To::kSignMask : 0;
  uint32_t exponent = From::exponent(bits);
  uint32_t mantissa = From::mantissa(bits);
  if (exponent == From::kExponentMax) {
    return mantissa == 0 ? sign | To::kLargest : To::pack(sign, To::kExponentMax, mantissa);
  }
  if (From::is_zero(bits)) {
    return sign;
  }
  if (exponent == 0) {
    const auto zeros = static_cast<uint32_t>(std::countl_zero(mantissa) - (32 - From::kMantissaBits));
    mantissa = (mantissa << (zeros + 1)) & From::kMantissaMask;
    return To::pack(sign, kExponentOffset - zeros, mantissa << kShift);
  }
  return To::pack(sign, exponent + kExponentOffset, mantissa << kShift);
}

/// To a narrower format: round to nearest even, too large becomes the largest number.
template <typename From, typename To, Denormals kDenormals>
constexpr uint32_t narrow(uint32_t bits) {
  constexpr uint32_t kExponentOffset = From::kBias - To::kBias;
  constexpr int kDrop = From::kMantissaBits - To::kMantissaBits;
  const uint32_t sign = From::sign(bits) != 0 ? To::kSignMask : 0;
  const uint32_t exponent = From::exponent(bits);
  const uint32_t mantissa = From::mantissa(bits);
  if (From::is_nan(bits)) {
    return To::pack(sign, To::kExponentMax, mantissa & To::kMantissaMask);
  }
  if (exponent >= To::kExponentMax + kExponentOffset) {
    return sign | To::kLargest;
  }
  if (exponent < kExponentOffset - To::kMantissaBits) {
    return sign;
  }
  const uint64_t significand = (uint64_t{1} << From::kMantissaBits) | mantissa;
  if (exponent <= kExponentOffset) {
    const auto shift = static_cast<int>(kExponentOffset - exponent + 1);
    const auto rounded = static_cast<uint32_t>(round_even(significand, kDrop + shift));
    const bool became_normal = (rounded >> To::kMantissaBits) != 0;
    return became_normal || kDenormals == Denormals::kKeep ? sign | rounded : sign;
  }
  const auto rounded = static_cast<uint32_t>(round_even(significand, kDrop));
  // A carry out of the mantissa adds one to the exponent by itself.
  const uint32_t packed = ((exponent - kExponentOffset - 1) << To::kMantissaBits) + rounded;
  return sign | ((packed >> To::kMantissaBits) >= To::kExponentMax ? To::kLargest : packed);
}

}  // namespace detail

constexpr uint32_t fp16_to_fp32(uint32_t bits) { return detail::widen<Fp16, Fp32>(bits); }
constexpr uint32_t fp16_to_fp17(uint32_t bits) { return detail::widen<Fp16, Fp17>(bits); }
constexpr uint32_t fp17_to_fp32(uint32_t bits) { return detail::widen<Fp17, Fp32>(bits); }
constexpr uint32_t fp32_to_fp16(uint32_t bits) { return detail::narrow<Fp32, Fp16, detail::Denormals::kKeep>(bits); }
constexpr uint32_t fp32_to_fp17(uint32_t bits) { return detail::narrow<Fp32, Fp17, detail::Denormals::kFlush>(bits); }
constexpr uint32_t fp17_to_fp16(uint32_t bits) { return detail::narrow<Fp17, Fp16, detail::Denormals::kKeep>(bits); }

/// A signed integer of at most 17 bits, rounded to nearest even, saturated to the largest FP16 number.
constexpr uint32_t int_to_fp16(int32_t value) {
  if (value == 0) {
    return 0;
  }
  const uint32_t sign = value < 0 ? Fp16::kSignMask : 0;
  const uint32_t magnitude = value < 0 ? 0u - static_cast<uint32_t>(value) : static_cast<uint32_t>(value);
  const int top = 31 - std::countl_zero(magnitude);
  const uint64_t aligned = static_cast<uint64_t>(magnitude) << (31 - top);
  const auto rounded = static_cast<uint32_t>(round_even(aligned, 31 - Fp16::kMantissaBits));
  const uint32_t packed = ((static_cast<uint32_t>(top) + Fp16::kBias - 1) << Fp16::kMantissaBits) + rounded;
  return sign | ((packed >> Fp16::kMantissaBits) >= Fp16::kExponentMax ? Fp16::kLargest : packed);
}

/// To INT16, halves away from zero, saturated; NaN becomes the smallest integer.
constexpr int32_t fp16_to_int16(uint32_t bits) {
  if (Fp16::is_nan(bits)) {
    return static_cast<int32_t>(signed_min(16));
  }
  const int64_t significand = (1 << Fp16::kMantissaBits) | Fp16::mantissa(bits);
  const int shift = Fp16::kMantissaBits + static_cast<int>(Fp16::kBias) - static_cast<int>(Fp16::exponent(bits));
  const int64_t magnitude = shift >= 0 ? shift_round(significand, static_cast<uint32_t>(shift)) : significand << -shift;
  return static_cast<int32_t>(saturate(Fp16::sign(bits) != 0 ? -magnitude : magnitude, 16));
}

/// fraction / 2^bits as FP17, round to nearest even; 0 <= fraction < 2^bits, bits >= 10.
constexpr uint32_t fraction_to_fp17(uint64_t fraction, int bits) {
  if (fraction == 0) {
    return 0;
  }
  const int top = 63 - std::countl_zero(fraction);
  const int exponent = static_cast<int>(Fp17::kBias) + top - bits;
  const uint64_t aligned = fraction << (bits - top);  // The leading one at `bits`.
  const auto rounded = static_cast<uint32_t>(round_even(aligned, bits - Fp17::kMantissaBits));
  const bool carried = (rounded >> (Fp17::kMantissaBits + 1)) != 0;
  if (!carried && exponent <= 0) {
    return 0;
  }
  return Fp17::pack(0, static_cast<uint32_t>(exponent + (carried ? 1 : 0)), carried ? 0 : rounded & Fp17::kMantissaMask);
}

}  // namespace medlar::num
