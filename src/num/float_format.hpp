// SPDX-License-Identifier: Apache-2.0
// Floating point formats of the chip, and the taking apart and putting together of their bit patterns.
#pragma once

#include <bit>
#include <cstdint>

namespace medlar::num {

/// A binary format with `Exponent` exponent and `Mantissa` mantissa bits. Bit patterns travel as uint32_t.
template <int Exponent, int Mantissa>
struct FloatFormat {
  static constexpr int kExponentBits = Exponent;
  static constexpr int kMantissaBits = Mantissa;
  static constexpr uint32_t kExponentMax = (1u << Exponent) - 1;
  static constexpr uint32_t kMantissaMask = (1u << Mantissa) - 1;
  static constexpr uint32_t kSignMask = 1u << (Exponent + Mantissa);
  static constexpr uint32_t kBias = (1u << (Exponent - 1)) - 1;
  /// The largest finite magnitude: the chip saturates to it instead of producing an infinity.
  static constexpr uint32_t kLargest = ((kExponentMax - 1) << Mantissa) | kMantissaMask;

  static constexpr uint32_t sign(uint32_t bits) { return bits & kSignMask; }
  static constexpr uint32_t exponent(uint32_t bits) { return (bits >> Mantissa) & kExponentMax; }
  static constexpr uint32_t mantissa(uint32_t bits) { return bits & kMantissaMask; }
  static constexpr uint32_t pack(uint32_t sign, uint32_t exponent, uint32_t mantissa) {
    return sign | (exponent << Mantissa) | mantissa;
  }
  static constexpr bool is_nan(uint32_t bits) { return exponent(bits) == kExponentMax && mantissa(bits) != 0; }
  static constexpr bool is_infinity(uint32_t bits) { return exponent(bits) == kExponentMax && mantissa(bits) == 0; }
  static constexpr bool is_zero(uint32_t bits) { return (bits & ~kSignMask) == 0; }
  /// The mantissa with its implied bit. Only zero lacks it: the adders and multipliers do not know denormals.
  static constexpr uint64_t significand(uint32_t bits) {
    return is_zero(bits) ? 0 : (uint64_t{1} << Mantissa) | mantissa(bits);
  }
};

using Fp16 = FloatFormat<5, 10>;  ///< Feature data.
using Fp17 = FloatFormat<6, 10>;  ///< Inside PDP, CDP and the look-up tables.
using Fp32 = FloatFormat<8, 23>;  ///< Inside SDP.

/// value / 2^drop with round to nearest even; drop < 64.
constexpr uint64_t round_even(uint64_t value, int drop) {
  if (drop == 0) {
    return value;
  }
  const uint64_t guard = (value >> (drop - 1)) & 1;
  const uint64_t sticky = (value & ((uint64_t{1} << (drop - 1)) - 1)) != 0 ? 1 : 0;
  const uint64_t kept = value >> drop;
  return kept + (guard & (sticky | (kept & 1)));
}

}  // namespace medlar::num
