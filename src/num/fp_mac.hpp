// SPDX-License-Identifier: Apache-2.0
// FP16 arithmetic of CMAC and CACC, bit for bit, one value at a time: products of an atom aligned to its largest
// exponent, a 48-bit accumulator (8-bit exponent, 40-bit signed mantissa), delivery as FP32.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>

namespace medlar::num {

inline constexpr int kFpAtomLanes = 64;
inline constexpr uint32_t kFpAtomNan = 0x3f;
inline constexpr uint32_t kFpAccNan = 0xff;

/// What CMAC hands to CACC for one atom and one kernel: mantissa * 2^(exponent - 50), or NaN.
struct FpAtomSum {
  int64_t mantissa = 0;   ///< 38 bits; NaN: sign and fraction on top.
  uint32_t exponent = 0;  ///< A multiple of 4, or kFpAtomNan.
  friend bool operator==(const FpAtomSum&, const FpAtomSum&) = default;
};

/// CACC's accumulator: mantissa * 2^(exponent - 101).
struct FpAcc {
  int64_t mantissa = 0;   ///< 40 bits, normalised: its two top bits differ, or it is zero.
  uint32_t exponent = 0;  ///< 8 bits.
  friend bool operator==(const FpAcc&, const FpAcc&) = default;
};

constexpr bool half_is_nan(uint16_t bits) { return (bits & 0x7fff) > 0x7c00; }
constexpr bool half_is_zero(uint16_t bits) { return (bits & 0x7fff) == 0; }

/// A half as CMAC multiplies it: exponents in steps of four, the rest shifted into the mantissa. Infinity counts as
/// 2^16, denormals keep their value.
struct FpOperand {
  uint32_t mantissa = 0;  ///< 14 bits.
  uint32_t exponent = 0;  ///< 0 to 7.
  bool negative = false;

  static constexpr FpOperand of(uint16_t bits) {
    const uint32_t exponent = bits >> 10 & 0x1f;
    const uint32_t mantissa = (bits & 0x3ffu) | (exponent != 0 ? 0x400u : 0u);
    return {.mantissa = mantissa << (exponent == 0 ? 1 : exponent & 3),
            .exponent = exponent >> 2,
            .negative = (bits & 0x8000) != 0};
  }
};

/// Three numbers to two of the same sum.
struct FpCarrySave {
  uint32_t sum = 0;
  uint32_t carry = 0;
  static constexpr FpCarrySave of(uint32_t a, uint32_t b, uint32_t c) {
    return {.sum = a ^ b ^ c, .carry = ((a & b) | (b & c) | (a & c)) << 1};
  }
};

/// The two addends whose sum is the signed product plus 0x55550000: radix-4 Booth rows of `weight` through the
/// multiplier's compressor tree. Which two they are shows after the alignment shift, which truncates each of them.
constexpr FpCarrySave fp_product_rows(uint32_t weight, uint32_t data, bool negative) {
  std::array<uint32_t, 8> row{};
  std::array<uint32_t, 8> inverted{};
  for (uint32_t i = 0; i < 8; ++i) {
    const uint32_t code = ((weight << 1) >> (2 * i) & 7) ^ (negative ? 7u : 0u);
    const bool minus = code >= 4 && code <= 6;
    const uint32_t magnitude = code == 0 || code == 7 ? 0 : code == 3 || code == 4 ? data << 1 : data;
    row[i] = (minus ? ~magnitude & 0xffff : magnitude | 0x10000) << (2 * i);
    inverted[i] = (minus ? 1u : 0u) << (2 * i);
  }
  const auto tree = [](uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e) {
    const FpCarrySave first = FpCarrySave::of(a, b, c);
    const FpCarrySave second = FpCarrySave::of(first.sum, first.carry, d);
    return FpCarrySave::of(second.sum, second.carry, e);
  };
  const FpCarrySave low = tree(row[0], row[1] | inverted[0], row[2] | inverted[1], row[3] | inverted[2], inverted[3]);
  const FpCarrySave high = tree(row[4], row[5] | inverted[4], row[6] | inverted[5], row[7] | inverted[6], inverted[7]);
  const FpCarrySave both = FpCarrySave::of(low.sum, low.carry, high.sum);
  return FpCarrySave::of(both.sum, both.carry, high.carry);
}

/// One product shifted right by a multiple of four; may be one less than the floor of the exact quotient.
constexpr int32_t fp_aligned_product(const FpOperand& weight, const FpOperand& data, uint32_t shift) {
  constexpr std::array<uint32_t, 8> kSignCompensation = {0xaaab0000, 0xfaaab000, 0xffaaab00, 0xfffaaab0,
                                                         0xffffaaab, 0xfffffaab, 0xffffffab, 0xfffffffb};
  if (shift >= 32) {
    return 0;
  }
  const FpCarrySave rows = fp_product_rows(weight.mantissa, data.mantissa, weight.negative != data.negative);
  return static_cast<int32_t>((rows.sum >> shift) + (rows.carry >> shift) + kSignCompensation[shift / 4]);
}

/// The NaN that CMAC passes on: the first of the weights, else the first of the data; no value when there is none.
constexpr bool fp_atom_nan(std::span<const uint16_t> halves, FpAtomSum& out) {
  for (const uint16_t bits : halves) {
    if (half_is_nan(bits)) {
      const int64_t sign = (bits & 0x8000) != 0 ? -(int64_t{1} << 37) : 0;
      out = {.mantissa = sign + (static_cast<int64_t>(bits & 0x3ff) << 27), .exponent = kFpAtomNan};
      return true;
    }
  }
  return false;
}

/// The aligned products of one MAC cell and one atom, before they are summed.
struct FpProducts {
  std::array<int32_t, kFpAtomLanes> mantissa{};
  FpAtomSum nan;  ///< Its exponent is that of all products; when that is kFpAtomNan, it is the result.
  constexpr bool is_nan() const { return nan.exponent == kFpAtomNan; }
};

/// At most kFpAtomLanes lanes.
constexpr FpProducts fp_products(std::span<const uint16_t> weights, std::span<const uint16_t> data) {
  FpProducts out;
  if (fp_atom_nan(weights, out.nan) || fp_atom_nan(data, out.nan)) {
    return out;
  }
  uint32_t largest = 0;
  for (size_t i = 0; i < data.size(); ++i) {
    if (!half_is_zero(weights[i]) && !half_is_zero(data[i])) {
      const uint32_t exponent = FpOperand::of(weights[i]).exponent + FpOperand::of(data[i]).exponent;
      largest = exponent > largest ? exponent : largest;
    }
  }
  for (size_t i = 0; i < data.size(); ++i) {
    if (!half_is_zero(weights[i]) && !half_is_zero(data[i])) {
      const FpOperand w = FpOperand::of(weights[i]);
      const FpOperand d = FpOperand::of(data[i]);
      out.mantissa[i] = fp_aligned_product(w, d, (largest - w.exponent - d.exponent) * 4);
    }
  }
  out.nan.exponent = largest * 4;
  return out;
}

/// One MAC cell, one atom, at most kFpAtomLanes lanes.
constexpr FpAtomSum fp_atom(std::span<const uint16_t> weights, std::span<const uint16_t> data) {
  const FpProducts products = fp_products(weights, data);
  if (products.is_nan()) {
    return products.nan;
  }
  FpAtomSum sum{.mantissa = 0, .exponent = products.nan.exponent};
  for (const int32_t mantissa : products.mantissa) {
    sum.mantissa += mantissa;
  }
  return sum;
}

namespace detail {

inline constexpr uint64_t kMask40 = (uint64_t{1} << 40) - 1;

constexpr int64_t sign_extend_40(uint64_t bits) { return static_cast<int64_t>(bits << 24) >> 24; }

/// Bits below the top one that repeat it, of a number of `width` bits: the shift that normalises it (at most
/// width - 1).
constexpr int redundant_bits(int64_t value, int width) {
  const uint64_t distinct = static_cast<uint64_t>(value < 0 ? ~value : value);
  return width - 1 - std::bit_width(distinct);
}

}  // namespace detail

/// CACC adds one atom. Rounds to nearest with ties towards plus infinity, keeping the accumulator normalised.
constexpr FpAcc fp_acc_add(FpAcc acc, const FpAtomSum& atom) {
  using detail::kMask40;
  if (atom.mantissa == 0) {
    return acc;
  }
  if (acc.exponent == kFpAccNan) {
    return {.mantissa = acc.mantissa >> 29 << 29, .exponent = kFpAccNan};
  }
  if (atom.exponent == kFpAtomNan) {
    return {.mantissa = atom.mantissa >> 27 << 29, .exponent = kFpAccNan};
  }
  const int normalise = detail::redundant_bits(atom.mantissa, 38);
  int64_t addend = atom.mantissa << (normalise + 2);
  int64_t base = acc.mantissa;
  const int addend_exponent = static_cast<int>(atom.exponent) - normalise + 49;
  const int base_exponent = base == 0 ? 0 : static_cast<int>(acc.exponent);
  int exponent = addend_exponent > base_exponent ? addend_exponent : base_exponent;

  // The smaller operand moves right; the bits that fall out stay in `lost`, left-aligned in 40 bits.
  uint64_t lost = 0;
  int64_t& smaller = addend_exponent > base_exponent ? base : addend;
  const int distance = addend_exponent > base_exponent ? addend_exponent - base_exponent : base_exponent - addend_exponent;
  if (distance > 40) {
    smaller = 0;
  } else if (distance > 0) {
    lost = static_cast<uint64_t>(smaller) << (40 - distance) & kMask40;
    smaller >>= distance;
  }

  const int64_t wide = base + addend;  // 41 bits
  int64_t sum = detail::sign_extend_40(static_cast<uint64_t>(wide));
  bool guard = false;
  bool sticky = false;
  if (sum != wide) {
    guard = (wide & 1) != 0;
    sticky = lost != 0;
    sum = wide >> 1;
    exponent += 1;
  } else {
    const int shift = detail::redundant_bits(sum, 40);
    if (shift > 0) {
      sum = detail::sign_extend_40(static_cast<uint64_t>(sum) << shift | lost >> (40 - shift));
      lost = lost << shift & kMask40;
      exponent -= shift;
    }
    guard = lost >> 39 != 0;
    sticky = (lost & (kMask40 >> 1)) != 0;
  }
  if (guard && (sum >= 0 || sticky)) {
    const int64_t rounded = detail::sign_extend_40(static_cast<uint64_t>(sum) + 1);
    if ((rounded < 0) != (sum < 0)) {
      const uint64_t top = sum < 0 ? uint64_t{1} << 39 : 0;
      sum = detail::sign_extend_40(top | (static_cast<uint64_t>(rounded) & kMask40) >> 1);
      exponent += 1;
    } else {
      sum = rounded;
    }
  }
  return {.mantissa = sum, .exponent = sum == 0 ? 0u : static_cast<uint32_t>(exponent) & 0xff};
}

/// CACC's delivery: FP32 bits, nearest with halves away from zero; exponents wrap, there are no denormals.
constexpr uint32_t fp_acc_to_float(const FpAcc& acc) {
  const uint32_t sign = acc.mantissa < 0 ? 0x80000000u : 0u;
  if (acc.exponent == kFpAccNan) {
    return sign | 0x7f800000u | static_cast<uint32_t>(acc.mantissa >> 29 & 0x3ff);
  }
  if (acc.mantissa == -(int64_t{1} << 39)) {
    return sign | ((acc.exponent + 65) & 0xff) << 23;
  }
  if (acc.mantissa == 0) {
    return 0;
  }
  const uint64_t magnitude = static_cast<uint64_t>(acc.mantissa < 0 ? -acc.mantissa : acc.mantissa);
  uint32_t exponent = acc.exponent + 64;
  uint64_t mantissa = (magnitude >> 15) + (magnitude >> 14 & 1);  // 24 bits, the top one implied
  if (mantissa >> 24 != 0) {
    exponent += 1;
    mantissa = 0;
  }
  return sign | (exponent & 0xff) << 23 | static_cast<uint32_t>(mantissa & 0x7fffff);
}

}  // namespace medlar::num
