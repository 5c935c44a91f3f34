// SPDX-License-Identifier: Apache-2.0
// SDP's table look-up.
#include "num/sdp_lut.hpp"

#include <algorithm>
#include <bit>

#include "num/fast_float.hpp"
#include "num/round.hpp"

namespace medlar::num {
namespace {

constexpr int kFractionBits = 35;
constexpr uint64_t kFractionMask = (uint64_t{1} << kFractionBits) - 1;
constexpr uint64_t kIndexLimit = 511;  // The index register has 9 bits and saturates.

/// value * 2^left (right shift when negative), any distance, limited to kIndexLimit.
uint64_t scaled_index(uint64_t value, int left) {
  if (left <= 0) {
    return -left > 63 ? 0 : std::min(value >> -left, kIndexLimit);
  }
  return value == 0 ? 0 : (left > 9 ? kIndexLimit : std::min(value << left, kIndexLimit));
}

/// The low 35 bits of value * 2^left.
uint64_t scaled_fraction(uint64_t value, int left) {
  if (left >= 0) {
    return left >= kFractionBits ? 0 : (value << left) & kFractionMask;
  }
  return -left >= kFractionBits ? 0 : (value & kFractionMask) >> -left;
}

/// 2^exponent as FP32 bits, denormals included.
uint32_t power_of_two(int exponent) {
  return exponent >= -126 ? static_cast<uint32_t>(exponent + 127) << 23 : (1u << 22) >> (-127 - exponent);
}

int64_t shift_signed(int64_t value, int shift) {
  if (shift >= 0) {
    return shift_round_saturate(value, static_cast<uint32_t>(shift), 32);
  }
  return shift_left_saturate(saturate(value, 32), static_cast<uint32_t>(-shift), 32);
}

}  // namespace

SdpLut::Found SdpLut::find_exponential(int32_t x) const {
  const int64_t distance = x - settings_.le.start;
  if (distance <= 0) {
    return {.hit = LutHit::kUnderflow};
  }
  const int log2 = 63 - std::countl_zero(static_cast<uint64_t>(distance));
  const int index = log2 - settings_.le_index_offset;
  if (index < 0) {
    return {.hit = LutHit::kUnderflow};
  }
  if (index >= kLeEntries - 1) {
    return {.hit = LutHit::kOverflow, .index = kLeEntries - 1};
  }
  const uint64_t rest = static_cast<uint64_t>(distance) & ((uint64_t{1} << log2) - 1);
  return {.index = index, .fraction = scaled_fraction(rest, kFractionBits - log2)};
}

SdpLut::Found SdpLut::find_linear(int32_t x, const LutRange& range, bool is_le) const {
  const int64_t distance = x - range.start;
  if (distance <= 0) {
    return {.hit = LutHit::kUnderflow};
  }
  const int last = is_le ? kLeEntries - 1 : kLoEntries - 1;
  const int select = range.index_select;
  const auto index = static_cast<int>(scaled_index(static_cast<uint64_t>(distance), -select));
  if (index >= last) {
    return {.hit = LutHit::kOverflow, .index = last};
  }
  const uint64_t mask = select < 0 || select > 63 ? ~uint64_t{0} : (uint64_t{1} << select) - 1;
  uint64_t rest = static_cast<uint64_t>(distance) & mask;
  if (is_le) {  // This path of the LE table is 32 bits wide and signed.
    rest = static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(rest)));
  }
  return {.index = index, .fraction = scaled_fraction(rest & kFractionMask, kFractionBits - select)};
}

SdpLut::Found SdpLut::find_exponential_float(uint32_t x) const {
  const uint32_t distance = fp32_subtract(x, static_cast<uint32_t>(settings_.le.start));
  if (Fp32::sign(distance) != 0 || Fp32::is_zero(distance) || Fp32::is_nan(distance)) {
    return {.hit = LutHit::kUnderflow};
  }
  const int index = static_cast<int>(Fp32::exponent(distance)) - 127 - settings_.le_index_offset;
  if (index < 0) {
    return {.hit = LutHit::kUnderflow};
  }
  if (index >= kLeEntries - 1) {
    return {.hit = LutHit::kOverflow, .index = kLeEntries - 1};
  }
  return {.index = index, .fraction = scaled_fraction(Fp32::mantissa(distance), kFractionBits - Fp32::kMantissaBits)};
}

SdpLut::Found SdpLut::find_linear_float(uint32_t x, const LutRange& range, int last) const {
  const uint32_t distance = fp32_subtract(x, static_cast<uint32_t>(range.start));
  if (Fp32::sign(distance) != 0 || Fp32::is_zero(distance) || Fp32::is_nan(distance)) {
    return {.hit = LutHit::kUnderflow};
  }
  // The exponent travels in 8 signed bits.
  const auto exponent = static_cast<int>(sign_extend(Fp32::exponent(distance) - 127, 8));
  const int left = exponent - range.index_select - Fp32::kMantissaBits;
  const uint64_t significand = (uint64_t{1} << Fp32::kMantissaBits) | Fp32::mantissa(distance);
  const auto index = static_cast<int>(scaled_index(significand, left));
  if (index >= last) {
    return {.hit = LutHit::kOverflow, .index = last};
  }
  return {.index = index, .fraction = left >= 0 ? 0 : scaled_fraction(significand, kFractionBits + left)};
}

bool SdpLut::choose_lo(const Found& le, const Found& lo, LutCounters& counters) const {
  const bool le_hit = le.hit == LutHit::kHit;
  const bool lo_hit = lo.hit == LutHit::kHit;
  bool select = settings_.hybrid_selects_lo;
  if (le.hit == LutHit::kUnderflow && lo.hit == LutHit::kUnderflow) {
    select = settings_.underflow_selects_lo;
  } else if (le.hit == LutHit::kOverflow && lo.hit == LutHit::kOverflow) {
    select = settings_.overflow_selects_lo;
  } else if (le_hit != lo_hit) {
    select = lo_hit;
  }
  const LutHit hit = select ? lo.hit : le.hit;
  counters.underflow += hit == LutHit::kUnderflow ? 1 : 0;
  counters.overflow += hit == LutHit::kOverflow ? 1 : 0;
  counters.hybrid += hit == LutHit::kHit ? 1 : 0;
  counters.le_hit += le_hit ? 1 : 0;
  counters.lo_hit += lo_hit ? 1 : 0;
  return select;
}

int32_t SdpLut::look_up(int32_t x, LutCounters& counters) const {
  const Found le = settings_.le_exponential ? find_exponential(x) : find_linear(x, settings_.le, true);
  const Found lo = find_linear(x, settings_.lo, false);
  const bool use_lo = choose_lo(le, lo, counters);
  const Found& found = use_lo ? lo : le;
  const int16_t* table = use_lo ? tables_.lo.data() : tables_.le.data();
  const int64_t y0 = table[found.index];
  if (found.hit == LutHit::kHit) {
    const int64_t y1 = table[found.index + 1];
    const auto fraction = static_cast<int64_t>(found.fraction);
    const int64_t sum = y0 * ((int64_t{1} << kFractionBits) - fraction) + y1 * fraction;
    return static_cast<int32_t>(shift_round_saturate(sum, kFractionBits, 32));
  }
  const LutRange& range = use_lo ? settings_.lo : settings_.le;
  const bool under = found.hit == LutHit::kUnderflow;
  int64_t origin = under ? range.start : range.end;
  if (under && !use_lo && settings_.le_exponential && settings_.le_index_offset > 0) {
    origin += int64_t{1} << (settings_.le_index_offset & 31);
  }
  const LutSlope slope = under ? range.underflow : range.overflow;
  return static_cast<int32_t>(saturate(y0 + shift_signed((x - origin) * slope.scale, slope.shift), 32));
}

uint32_t SdpLut::look_up_float(uint32_t x, LutCounters& counters) const {
  const Found le =
      settings_.le_exponential ? find_exponential_float(x) : find_linear_float(x, settings_.le, kLeEntries - 1);
  const Found lo = find_linear_float(x, settings_.lo, kLoEntries - 1);
  const bool use_lo = choose_lo(le, lo, counters);
  const Found& found = use_lo ? lo : le;
  const int16_t* table = use_lo ? tables_.lo.data() : tables_.le.data();
  const uint32_t y0 = fp16_to_fp17(static_cast<uint16_t>(table[found.index]));
  if (found.hit == LutHit::kHit) {
    const uint32_t y1 = fp16_to_fp17(static_cast<uint16_t>(table[found.index + 1]));
    constexpr uint32_t kOne = Fp17::kBias << Fp17::kMantissaBits;
    const uint64_t rest = (uint64_t{1} << kFractionBits) - found.fraction;
    const uint32_t w0 = found.fraction == 0 ? kOne : fraction_to_fp17(rest, kFractionBits);
    const uint32_t w1 = fraction_to_fp17(found.fraction, kFractionBits);
    return fp17_to_fp32(fp17_add(fp17_multiply(w0, y0), fp17_multiply(w1, y1)));
  }
  const LutRange& range = use_lo ? settings_.lo : settings_.le;
  const bool under = found.hit == LutHit::kUnderflow;
  const bool biased = under && !use_lo && settings_.le_exponential;
  const uint32_t bias = biased ? power_of_two(settings_.le_index_offset) : 0;
  const uint32_t origin = fp32_add(static_cast<uint32_t>(under ? range.start : range.end), bias);
  const uint32_t distance = fp32_to_fp17(fp32_subtract(x, origin));
  const LutSlope slope = under ? range.underflow : range.overflow;
  const uint32_t step = fp17_multiply(distance, fp16_to_fp17(static_cast<uint16_t>(slope.scale)));
  return fp17_to_fp32(fp17_add(y0, step));
}

}  // namespace medlar::num
