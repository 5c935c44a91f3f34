// SPDX-License-Identifier: Apache-2.0
// CDP's table look-up.
#include "num/cdp_lut.hpp"

#include <bit>
#include <cmath>

#include "num/fast_float.hpp"
#include "num/round.hpp"

namespace medlar::num {
namespace {

constexpr int kFractionBits = 16;

/// Shift, round and limit to 56 bits. NVIDIA's model, which defines the result, computes this step in double precision;
/// that matters for products beyond 53 bits.
int64_t shift_in_double(int64_t value, int shift) {
  const double scaled = std::ldexp(static_cast<double>(value), -shift);
  constexpr double kBound = 36028797018963968.0;  // 2^55
  if (scaled >= kBound || scaled <= -kBound) {
    return scaled > 0 ? signed_max(56) : signed_min(56);
  }
  return static_cast<int64_t>(scaled > 0 ? scaled + 0.5 : scaled - 0.5);
}

int64_t beyond(int16_t entry, int64_t distance, LutSlope slope) {
  return saturate(entry + shift_in_double(distance * slope.scale, slope.shift), 16);
}

int64_t between(int16_t low, int16_t high, int64_t fraction) {
  return saturate(low + shift_in_double((high - low) * fraction, kFractionBits), 16);
}

int64_t to_fraction(int64_t rest, int bits) {
  return bits > kFractionBits ? rest >> ((bits - kFractionBits) & 63) : rest << (kFractionBits - bits);
}

}  // namespace

CdpLut::Answer CdpLut::exponential(int64_t x) const {
  const LutRange& range = settings_.le;
  const int offset = settings_.le_index_offset;
  const int64_t distance = x - range.start;
  const int log2 = distance <= 0 ? 0 : 63 - std::countl_zero(static_cast<uint64_t>(distance));
  const int index = log2 - offset;
  if (index < 0 || distance <= 0) {
    const int64_t bias = offset < 0 ? 0 : static_cast<int64_t>(uint64_t{1} << (offset & 63));
    const auto biased = static_cast<int64_t>(static_cast<uint64_t>(distance) - static_cast<uint64_t>(bias));
    // Offsets beyond the 38 input bits make a distance that no register holds; keep the product inside 64 bits.
    return {LutHit::kUnderflow, beyond(tables_.le[0], saturate(biased, 47), range.underflow)};
  }
  if (index >= kLeEntries - 1) {
    return {LutHit::kOverflow, beyond(tables_.le[kLeEntries - 1], x - range.end, range.overflow)};
  }
  const int64_t fraction = to_fraction(distance - (int64_t{1} << log2), log2);
  return {LutHit::kHit, between(tables_.le[static_cast<size_t>(index)], tables_.le[static_cast<size_t>(index) + 1], fraction)};
}

CdpLut::Answer CdpLut::linear(int64_t x, const LutRange& range, bool is_le) const {
  const int16_t* table = is_le ? tables_.le.data() : tables_.lo.data();
  const int last = is_le ? kLeEntries - 1 : kLoEntries - 1;
  const int select = range.index_select;
  const int64_t distance = x - range.start;
  const auto raised = static_cast<int64_t>(static_cast<uint64_t>(distance) << (-select & 63));
  const int64_t index = select < 0 ? raised : distance >> (select & 63);
  if (index < 0 || distance <= 0) {
    return {LutHit::kUnderflow, beyond(table[0], distance, range.underflow)};
  }
  if (index >= last) {
    return {LutHit::kOverflow, beyond(table[last], x - range.end, range.overflow)};
  }
  int64_t fraction = 0;
  if (select >= 0) {
    const auto modulus = static_cast<int32_t>(1u << (select & 31));
    fraction = to_fraction(distance % modulus, select);
  }
  return {LutHit::kHit, between(table[index], table[index + 1], fraction)};
}

int64_t CdpLut::choose(const Answer& le, const Answer& lo, LutCounters& counters) const {
  const bool le_hit = le.hit == LutHit::kHit;
  const bool lo_hit = lo.hit == LutHit::kHit;
  if (le.hit == LutHit::kUnderflow && lo.hit == LutHit::kUnderflow) {
    ++counters.underflow;
    return settings_.underflow_selects_lo ? lo.value : le.value;
  }
  if (le.hit == LutHit::kOverflow && lo.hit == LutHit::kOverflow) {
    ++counters.overflow;
    return settings_.overflow_selects_lo ? lo.value : le.value;
  }
  if (le_hit != lo_hit) {
    ++(le_hit ? counters.le_hit : counters.lo_hit);
    return le_hit ? le.value : lo.value;
  }
  ++counters.hybrid;
  return settings_.hybrid_selects_lo ? lo.value : le.value;
}

int32_t CdpLut::look_up(int64_t x, LutCounters& counters) const {
  const Answer le = settings_.le_exponential ? exponential(x) : linear(x, settings_.le, true);
  const Answer lo = linear(x, settings_.lo, false);
  return static_cast<int32_t>(choose(le, lo, counters));
}

CdpLut::Answer CdpLut::table_float(uint32_t x, bool is_le) const {
  const LutRange& range = is_le ? settings_.le : settings_.lo;
  const int16_t* table = is_le ? tables_.le.data() : tables_.lo.data();
  const int last = is_le ? kLeEntries - 1 : kLoEntries - 1;
  const bool exponential = is_le && settings_.le_exponential;
  const auto start = static_cast<uint32_t>(range.start);
  uint32_t distance = fp32_subtract(x, start);
  const bool positive = Fp32::sign(distance) == 0 && !Fp32::is_zero(distance) && !Fp32::is_nan(distance);
  LutHit hit = positive ? LutHit::kHit : LutHit::kUnderflow;
  int index = 0;
  uint64_t fraction = 0;
  if (positive && exponential) {
    index = static_cast<int>(Fp32::exponent(distance)) - 127 - settings_.le_index_offset;
    fraction = (distance >> 7) & 0xffff;
    hit = index < 0 ? LutHit::kUnderflow : (index >= last ? LutHit::kOverflow : LutHit::kHit);
  } else if (positive) {
    const auto scaled = static_cast<float>(std::ldexp(static_cast<double>(std::bit_cast<float>(distance)), -range.index_select));
    hit = scaled >= static_cast<float>(last) ? LutHit::kOverflow : LutHit::kHit;
    index = hit == LutHit::kHit ? static_cast<int>(scaled) : last;
    fraction = hit == LutHit::kHit ? static_cast<uint64_t>((scaled - static_cast<float>(index)) * 65536.0F) : 0;
  }
  if (hit == LutHit::kHit) {
    const auto low = static_cast<uint16_t>(table[index]);
    const auto high = static_cast<uint16_t>(table[index + 1]);
    const uint32_t rise = fp32_to_fp17(fp32_subtract(fp16_to_fp32(high), fp16_to_fp32(low)));
    const uint32_t step = fp17_multiply(rise, fraction_to_fp17(fraction, kFractionBits));
    return {hit, fp17_add(step, fp16_to_fp17(low))};
  }
  const bool under = hit == LutHit::kUnderflow;
  if (under && exponential) {
    const int offset = settings_.le_index_offset;
    const uint32_t bias = offset <= -127 ? 0 : static_cast<uint32_t>(offset + 127) << 23;
    distance = fp32_subtract(x, fp32_add(start, bias));
  } else if (!under) {
    distance = fp32_subtract(x, static_cast<uint32_t>(range.end));
  }
  const auto scale = static_cast<uint16_t>((under ? range.underflow : range.overflow).scale);
  const uint32_t step = fp17_multiply(fp32_to_fp17(distance), fp16_to_fp17(scale));
  const auto entry = static_cast<uint16_t>(table[under ? 0 : last]);
  return {hit, fp17_add(step, fp16_to_fp17(entry))};
}

uint32_t CdpLut::look_up_float(uint32_t x, LutCounters& counters) const {
  return static_cast<uint32_t>(choose(table_float(x, true), table_float(x, false), counters));
}

}  // namespace medlar::num
