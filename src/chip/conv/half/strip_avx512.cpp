// SPDX-License-Identifier: Apache-2.0
// FP16 with one kernel a lane, for layers with few pixels. What half_avx512.cpp looks up by weight in a table of the data's
// Booth rows is here looked up lane by lane: each row depends on five bits of the weight, so that it is one permutation of
// the 32 values that the datum gives.
#include "chip/conv/half/half.hpp"

#if defined(__x86_64__)
#ifndef __clang__
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq")
#endif
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "chip/conv/half/booth_rows.hpp"
#include "chip/conv/half/sums_avx512.hpp"
#include "chip/conv/integer/dot.hpp"
#include "num/fp_mac.hpp"

#ifdef __clang__
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#endif

namespace medlar::chip {
namespace {

constexpr uint32_t kVectors = kStripKernels / kHalfLanes;
constexpr uint32_t kGroupKernels = kHalfGroupKernels;
constexpr size_t kEntries = 32;
constexpr size_t kDigitRows = 8;

/// Row i of datum d is d * factor + added; entries by the weight's bits 2 i - 3 to 2 i + 1, of a weight below zero inverted.
struct alignas(64) RowTables {
  uint16_t factor[2][kDigitRows][kEntries];  ///< [datum below zero]
  uint16_t added[2][kDigitRows][kEntries];
  uint16_t inversion[2][2][kEntries];        ///< Of digits 3 and 7.
};

constexpr RowTables make_tables() {
  RowTables tables{};
  for (size_t negative = 0; negative < 2; ++negative) {
    for (size_t entry = 0; entry < kEntries; ++entry) {
      const auto bits = static_cast<uint32_t>(negative != 0 ? entry ^ (kEntries - 1) : entry);
      for (size_t i = 0; i < kDigitRows; ++i) {
        const bool alone = i % 4 == 0;  // nothing is carried in from below; the entry's upper bits say nothing
        const int digit = digit_of(alone ? bits : bits >> 2);
        const int magnitude = digit > 2 ? digit - 2 : digit;
        const bool minus = digit > 2;
        const bool minus_below = !alone && digit_of(bits) > 2;
        const int one = 1 << (2 * i);
        tables.factor[negative][i][entry] = static_cast<uint16_t>(magnitude * (minus ? -one : one));
        tables.added[negative][i][entry] = static_cast<uint16_t>((minus_below ? one / 4 : 0) - (minus ? one : 0));
      }
      const bool minus = digit_of(bits >> 2) > 2;
      tables.inversion[negative][0][entry] = minus ? 1 << 6 : 0;
      tables.inversion[negative][1][entry] = minus ? 1 << 14 : 0;
    }
  }
  return tables;
}

alignas(64) constexpr RowTables kTables = make_tables();

/// An atom's weights of 32 kernels, taken apart.
struct AtomWeights {
  alignas(64) int16_t value[num::kFpAtomLanes][kHalfLanes];
  alignas(64) int16_t exponent[num::kFpAtomLanes][kHalfLanes];  ///< Times four; far below everything for zero.
};

/// An atom's data of one pixel.
struct AtomData {
  alignas(64) uint16_t mantissa[num::kFpAtomLanes];
  alignas(64) int16_t exponent[num::kFpAtomLanes];
  alignas(64) int16_t value[num::kFpAtomLanes];
  uint64_t nonzero = 0;
  bool nan = false;
};

struct Work {
  AtomWeights weights[kVectors];
  AtomData data;
  alignas(64) uint8_t pairs[2][num::kFpAtomLanes / 2 * 64];  ///< Two lanes of sixteen kernels in a vector.
  alignas(64) uint8_t padded[kGroupKernels * num::kFpAtomLanes * 2];
  LaneSums sums[kStripPixels][kVectors];
};

/// One group's atom, sixteen kernels side by side.
void transpose(const HalfGroup& group, uint32_t first, uint32_t lanes, Work& work, uint8_t* pairs) {
  constexpr uint32_t kBlock = 32;  // lanes
  const uint8_t* from = group.weights + uint64_t{first} * group.kernels * 2;
  uint64_t stride = uint64_t{lanes} * 2;
  if (group.kernels < kGroupKernels || lanes % kBlock != 0) {
    std::memset(work.padded, 0, sizeof(work.padded));
    for (uint32_t k = 0; k < group.kernels; ++k) {
      std::memcpy(work.padded + k * num::kFpAtomLanes * 2, from + k * stride, stride);
    }
    from = work.padded;
    stride = num::kFpAtomLanes * 2;
  }
  for (uint32_t c = 0; c < lanes; c += kBlock) {
    dot_transpose_avx512(from + c * 2, stride, pairs + c / 2 * 64);
  }
}

/// Kernel i of a vector's first group goes to lane 2 i, of its second to 2 i + 1. True when some weight is NaN.
bool take_apart_weights(const HalfStrip& strip, uint32_t vector, uint32_t first, uint32_t lanes, Work& work) {
  constexpr __mmask32 kOdd = 0xaaaaaaaa;
  const uint32_t group = 2 * vector;
  transpose(strip.groups[group], first, lanes, work, work.pairs[0]);
  if (group + 1 < strip.group_count) {
    transpose(strip.groups[group + 1], first, lanes, work, work.pairs[1]);
  } else {
    std::memset(work.pairs[1], 0, sizeof(work.pairs[1]));
  }
  AtomWeights& weights = work.weights[vector];
  __mmask32 nan = 0;
  const auto keep = [&](uint32_t c, Vector bits) {
    const HalfParts parts(bits);
    nan |= parts.nan;
    _mm512_store_si512(weights.value[c], parts.value());
    _mm512_store_si512(weights.exponent[c], parts.exponent);
  };
  for (uint32_t c = 0; c < lanes; c += 2) {
    const Vector a = load(work.pairs[0] + c / 2 * 64);
    const Vector b = load(work.pairs[1] + c / 2 * 64);
    keep(c, _mm512_mask_blend_epi16(kOdd, a, _mm512_slli_epi32(b, 16)));
    keep(c + 1, _mm512_mask_blend_epi16(kOdd, _mm512_srli_epi32(a, 16), b));
  }
  return nan != 0;
}

void take_apart_data(const HalfStrip& strip, const uint8_t* pixel, uint32_t first, uint32_t lanes, AtomData& data) {
  alignas(64) uint16_t raw[num::kFpAtomLanes] = {};
  for (uint32_t c = 0; c < lanes; ++c) {
    std::memcpy(&raw[c], pixel + strip.lane_offsets[first + c], 2);
  }
  data.nonzero = 0;
  data.nan = false;
  for (uint32_t c = 0; c < lanes; c += kHalfLanes) {
    const HalfParts parts(load(raw + c));
    _mm512_store_si512(data.mantissa + c, parts.mantissa);
    _mm512_store_si512(data.exponent + c, parts.exponent);
    _mm512_store_si512(data.value + c, parts.value());
    data.nonzero |= static_cast<uint64_t>(parts.nonzero) << c;
    data.nan |= parts.nan != 0;
  }
}

Vector largest_exponents(const AtomWeights& weights, const AtomData& data) {
  Vector largest = _mm512_setzero_si512();
  for (uint64_t rest = data.nonzero; rest != 0; rest &= rest - 1) {
    const int c = std::countr_zero(rest);
    largest = _mm512_max_epi16(largest, _mm512_add_epi16(load(weights.exponent[c]), _mm512_set1_epi16(data.exponent[c])));
  }
  return largest;
}

Vector pick(Vector at, Vector from) { return _mm512_permutexvar_epi16(at, from); }

/// The rows of one datum for every weight.
struct DatumRows {
  Vector row[kDigitRows];
  Vector inversion[2];

  DatumRows(uint16_t mantissa, bool negative) {
    const Vector datum = _mm512_set1_epi16(static_cast<int16_t>(mantissa));
#pragma GCC unroll 8
    for (size_t i = 0; i < kDigitRows; ++i) {
      row[i] = _mm512_add_epi16(_mm512_mullo_epi16(datum, load(kTables.factor[negative][i])), load(kTables.added[negative][i]));
    }
    inversion[0] = load(kTables.inversion[negative][0]);
    inversion[1] = load(kTables.inversion[negative][1]);
  }

  /// The multiplier's two addends, low 16 bits.
  CarrySave of(Vector weights) const {
    const Vector bits = _mm512_add_epi16(_mm512_add_epi16(weights, weights), _mm512_srai_epi16(weights, 15));
    const Vector at3 = _mm512_srli_epi16(bits, 4);
    const Vector at5 = _mm512_srli_epi16(bits, 8);
    const Vector at7 = _mm512_srai_epi16(bits, 12);
    const CarrySave low = add3(add3(add3(pick(bits, row[0]), pick(bits, row[1]), pick(_mm512_srli_epi16(bits, 2), row[2])),
                                    pick(at3, row[3])),
                               pick(at3, inversion[0]));
    const CarrySave high = add3(add3(add3(pick(at5, row[4]), pick(at5, row[5]), pick(_mm512_srai_epi16(bits, 10), row[6])),
                                     pick(at7, row[7])),
                                pick(at7, inversion[1]));
    return add3(add3(low, high.sum), high.carry);
  }
};

/// Products that are shifted by 20 to 28: one at a time.
[[gnu::noinline]] void add_far_products(const int16_t* weights, int16_t datum, Vector shift, uint32_t lanes, int32_t* part) {
  alignas(64) int16_t shifts[kHalfLanes];
  _mm512_store_si512(shifts, shift);
  for (; lanes != 0; lanes &= lanes - 1) {
    const int lane = std::countr_zero(lanes);
    part[place_of(lane)] += num::fp_aligned_product(operand_of(weights[lane]), operand_of(datum), static_cast<uint32_t>(shifts[lane]));
  }
}

void add_channel(int c, uint32_t vectors, Work& work, LaneSums* sums) {
  const AtomData& data = work.data;
  const DatumRows rows(data.mantissa[c], data.value[c] < 0);
  const Vector datum = _mm512_set1_epi16(data.value[c]);
  const Vector exponent = _mm512_set1_epi16(data.exponent[c]);
  for (uint32_t v = 0; v < vectors; ++v) {
    const AtomWeights& weights = work.weights[v];
    const Vector value = load(weights.value[c]);
    const Vector shift = _mm512_sub_epi16(_mm512_sub_epi16(load(sums[v].largest), exponent), load(weights.exponent[c]));
    const __mmask32 near = _mm512_cmple_epu16_mask(shift, _mm512_set1_epi16(kNearShift));
    add_near(value, datum, shift, near, sums[v]);
    sums[v].count_borrows(carries(rows.of(value), shift));
    const __mmask32 far = _mm512_cmple_epu16_mask(shift, _mm512_set1_epi16(kFarShift)) & ~near;
    if (far != 0) [[unlikely]] {
      add_far_products(weights.value[c], data.value[c], shift, far, sums[v].part);
    }
  }
}

void add_atom(uint32_t vectors, Work& work, LaneSums* sums) {
  constexpr int kChannelsPerFlush = 7;  // seven products of 28 bits and a sign fit 32 bits
  const bool deep = std::popcount(work.data.nonzero) > kChannelsPerFlush;
  for (uint32_t v = 0; v < vectors; ++v) {
    sums[v].start(largest_exponents(work.weights[v], work.data), deep);
  }
  int pending = 0;
  for (uint64_t rest = work.data.nonzero; rest != 0; rest &= rest - 1, ++pending) {
    if (pending == kChannelsPerFlush) {
      std::for_each_n(sums, vectors, [](LaneSums& lanes) { lanes.flush(); });
      pending = 0;
    }
    add_channel(std::countr_zero(rest), vectors, work, sums);
  }
  for (uint32_t v = 0; v < vectors; ++v) {
    deep ? sums[v].accumulate<true>() : sums[v].accumulate<false>();
  }
}

/// With NaN in it: one kernel after the other.
[[gnu::noinline]] void add_nan_atom(const HalfStrip& strip, const uint8_t* pixel, uint32_t first, uint32_t lanes, LaneSums* sums) {
  std::array<uint16_t, num::kFpAtomLanes> data{};
  std::array<uint16_t, num::kFpAtomLanes> weights{};
  for (uint32_t c = 0; c < lanes; ++c) {
    std::memcpy(&data[c], pixel + strip.lane_offsets[first + c], 2);
  }
  for (uint32_t g = 0; g < strip.group_count; ++g) {
    const HalfGroup& group = strip.groups[g];
    for (uint32_t k = 0; k < group.kernels; ++k) {
      std::memcpy(weights.data(), group.weights + (uint64_t{first} * group.kernels + uint64_t{k} * lanes) * 2, lanes * 2);
      double& acc = sums[g / 2].acc[place_of(static_cast<int>(2 * k + g % 2))];
      acc = double_of(num::fp_acc_add(acc_of(acc), num::fp_atom({weights.data(), lanes}, {data.data(), lanes})));
    }
  }
}

/// Lanes back to the order of kernels.
void deliver(const LaneSums& sums, uint32_t* out) {
  alignas(64) uint32_t lanes[kHalfLanes];
  sums.deliver(lanes);
  for (uint32_t i = 0; i < kGroupKernels; ++i) {
    out[i] = lanes[2 * i];
    out[kGroupKernels + i] = lanes[2 * i + 1];
  }
}

}  // namespace

void half_strip_avx512(const HalfStrip& strip) {
  Work work;
  const uint32_t vectors = (strip.group_count + 1) / 2;
  for (uint32_t p = 0; p < strip.pixel_count; ++p) {
    for (uint32_t v = 0; v < vectors; ++v) {
      std::memset(work.sums[p][v].acc, 0, sizeof(work.sums[p][v].acc));
    }
  }
  for (uint32_t atom = 0; atom < strip.atoms; ++atom) {
    const uint32_t first = strip.atom_begin[atom];
    const uint32_t lanes = strip.atom_begin[atom + 1] - first;
    bool nan = false;
    for (uint32_t v = 0; v < vectors; ++v) {
      nan |= take_apart_weights(strip, v, first, lanes, work);
    }
    for (uint32_t p = 0; p < strip.pixel_count; ++p) {
      take_apart_data(strip, strip.pixels[p], first, lanes, work.data);
      nan || work.data.nan ? add_nan_atom(strip, strip.pixels[p], first, lanes, work.sums[p])
                           : add_atom(vectors, work, work.sums[p]);
    }
  }
  for (uint32_t p = 0; p < strip.pixel_count; ++p) {
    for (uint32_t v = 0; v < vectors; ++v) {
      deliver(work.sums[p][v], strip.out + p * kStripKernels + v * kHalfLanes);
    }
  }
}

}  // namespace medlar::chip
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#else
namespace medlar::chip {
void half_strip_avx512(const HalfStrip&) {}
}  // namespace medlar::chip
#endif
