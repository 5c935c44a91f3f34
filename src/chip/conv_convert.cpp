// SPDX-License-Identifier: Apache-2.0
// CDMA's input converter.
#include "chip/conv_convert.hpp"

#include <algorithm>
#include <bit>

namespace medlar::chip {
namespace {

/// Right shift, halves away from zero, saturated to `bits` (NVDLA precision notes: IntShiftRight).
int64_t round_shift(int64_t value, uint32_t shift, uint32_t bits) {
  const int64_t limit = int64_t{1} << (bits - 1);
  const uint64_t magnitude = static_cast<uint64_t>(value < 0 ? -value : value);
  const uint64_t rounded = shift == 0 ? magnitude : ((magnitude >> (shift - 1)) + 1) >> 1;
  const int64_t signed_value = value < 0 ? -static_cast<int64_t>(rounded) : static_cast<int64_t>(rounded);
  return std::clamp(signed_value, -limit, limit - 1);
}

/// A 17-bit integer as FP16, round to nearest even; 2^16 and beyond do not occur unrounded (limit 65504).
uint16_t int_to_half(int32_t value) {
  if (value == 0) {
    return 0;
  }
  const uint32_t sign = value < 0 ? 0x8000 : 0;
  uint32_t magnitude = static_cast<uint32_t>(value < 0 ? -value : value);
  int exponent = std::bit_width(magnitude) - 1;
  uint32_t mantissa = 0;
  if (exponent <= 10) {
    mantissa = magnitude << (10 - exponent);
  } else {
    const int drop = exponent - 10;
    const uint32_t rest = magnitude & ((1u << drop) - 1);
    const uint32_t half = 1u << (drop - 1);
    mantissa = magnitude >> drop;
    mantissa += rest > half || (rest == half && (mantissa & 1) != 0) ? 1 : 0;
    if (mantissa == 0x800) {
      mantissa = 0x400;
      ++exponent;
    }
  }
  if (exponent > 15) {
    return static_cast<uint16_t>(sign | 0x7bff);
  }
  return static_cast<uint16_t>(sign | static_cast<uint32_t>(exponent + 15) << 10 | (mantissa & 0x3ff));
}

}  // namespace

uint16_t convert_element(int32_t x, int32_t offset, const ConvConverter& converter, hw::Precision out) {
  const int64_t scaled = (int64_t{x} - offset) * converter.scale;
  const auto wide = static_cast<int32_t>(round_shift(scaled, converter.truncate, 17));
  switch (out) {
    case hw::Precision::kInt8:
      return static_cast<uint16_t>(std::clamp(wide, -128, 127));
    case hw::Precision::kInt16:
      return static_cast<uint16_t>(std::clamp(wide, -32768, 32767));
    case hw::Precision::kFp16:
      return int_to_half(wide);
  }
  return 0;
}

}  // namespace medlar::chip
